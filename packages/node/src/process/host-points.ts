/** What has to be made on the host itself for a pod's volumes, and is removed with the pod: mount points, and links in place of mounts. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { SandboxRecord } from './container-files.ts';
import type { MountPlan, MountRequest } from './mount-plan.ts';

/** Makes the mount points a plan needs and notes those that were not there. */
export function makeHostPoints(plan: MountPlan, sandbox: SandboxRecord): void {
  for (const path of plan.hostFolders) {
    if (existsSync(path)) continue;
    mkdirSync(path);
    sandbox.hostFolders.push(path);
  }
  for (const path of plan.hostFiles) {
    if (existsSync(path)) continue;
    writeFileSync(path, '', { flag: 'wx' });
    sandbox.hostFiles.push(path);
  }
}

/** Every pod has this volume and few read it; where it cannot be mounted its absence is no reason not to run. */
const tokenPath = '/var/run/secrets/kubernetes.io/serviceaccount';

/**
 * Without a mount namespace: a link from the mount path to the volume, where nothing is there yet. Throws otherwise, with
 * `why` there is no mount namespace.
 */
export function linkVolume(
  { hostPath, mountPath }: MountRequest,
  sandbox: SandboxRecord,
  why = 'no mount namespace',
): void {
  const path = resolve(mountPath);
  if (path === tokenPath || path === resolve(hostPath) || sandbox.hostFiles.includes(path)) return;
  if (isThere(path))
    throw new Error(
      `${mountPath} exists on the host and cannot be covered without a mount namespace (${why})`,
    );
  try {
    for (const missing of missingParents(path)) {
      mkdirSync(missing);
      sandbox.hostFolders.push(missing);
    }
    symlinkSync(hostPath, path);
    sandbox.hostFiles.push(path);
  } catch (error) {
    throw new Error(
      `${mountPath} cannot be mounted (${why}), and no link can be put there: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function missingParents(path: string): string[] {
  const missing: string[] = [];
  for (let parent = dirname(path); !existsSync(parent); parent = dirname(parent)) missing.unshift(parent);
  return missing;
}

/** Removes what was made: links, and files and folders if they are empty. */
export function removeHostPoints(sandbox: SandboxRecord): void {
  for (const path of sandbox.hostFiles.toReversed()) {
    try {
      const stat = lstatSync(path);
      if (stat.isSymbolicLink() || (stat.isFile() && statSync(path).size === 0)) unlinkSync(path);
    } catch {
      // Gone already.
    }
  }
  for (const path of sandbox.hostFolders.toReversed()) {
    try {
      rmdirSync(path);
    } catch {
      // Not empty, or gone.
    }
  }
}
