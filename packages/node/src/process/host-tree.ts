import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { EntryKind, HostTree } from './mount-plan.ts';

/** The host's file tree, as the mount plan asks about it. */
export const hostTree: HostTree = {
  kind(path) {
    try {
      return statSync(path).isDirectory() ? 'folder' : 'file';
    } catch {
      return undefined;
    }
  },
  real: (path) => realpathSync(path),
  entries(path) {
    return readdirSync(path).flatMap((name): { name: string; kind: EntryKind }[] => {
      try {
        const stat = lstatSync(join(path, name));
        if (stat.isSymbolicLink()) return [{ name, kind: 'link' }];
        return [{ name, kind: stat.isDirectory() ? 'folder' : stat.isBlockDevice() ? 'block' : 'file' }];
      } catch {
        return [];
      }
    });
  },
};
