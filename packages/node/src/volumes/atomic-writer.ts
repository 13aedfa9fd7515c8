/**
 * A folder whose files all change at once: the files lie in a folder named by time, `..data` is a link to it that is
 * replaced by rename, and each visible name is a link through `..data` (the kubelet's AtomicWriter layout, which programs
 * that watch for changes rely on).
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, readdir, readlink, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, normalize } from 'node:path';

export interface PayloadFile {
  content: Uint8Array;
  mode: number;
}
/** By path relative to the folder. */
export type Payload = ReadonlyMap<string, PayloadFile>;

/** Makes the folder hold exactly the payload. True if something changed. */
export async function writePayload(folder: string, payload: Payload, now: Date): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const current = await readlink(join(folder, '..data')).catch(() => undefined);
  if (current !== undefined && (await holds(join(folder, current), payload))) {
    // An agent that was killed here may not have got as far as the names.
    await showNames(folder, payload);
    return false;
  }
  const stamp = now.toISOString().replaceAll(/[-:T]/g, '_').slice(0, 19);
  const next = `..${stamp}.${randomBytes(5).readUInt32BE(0)}`;
  await mkdir(join(folder, next), { mode: 0o755 });
  chmodSync(join(folder, next), 0o755);
  for (const [path, file] of payload) {
    const target = join(folder, next, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await writeFile(target, file.content);
    chmodSync(target, file.mode);
  }
  // Left behind by an agent that was killed between these two lines.
  await rm(join(folder, '..data_tmp'), { force: true });
  await symlink(next, join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  await showNames(folder, payload);
  // The folder of before, and those of agents that were killed while they wrote one.
  for (const name of await readdir(folder)) {
    if (/^\.\.\d/.test(name) && name !== next) await rm(join(folder, name), { recursive: true, force: true });
  }
  return true;
}

function checkPath(path: string): void {
  if (path === '' || path.startsWith('/') || path.startsWith('..') || normalize(path).startsWith('..'))
    throw new Error(`invalid path: ${JSON.stringify(path)} must be relative and must not contain ".."`);
}

async function holds(folder: string, payload: Payload): Promise<boolean> {
  const present = await filesBelow(folder);
  if (present.length !== payload.size) return false;
  return present.every((path) => {
    const file = payload.get(path);
    if (file === undefined) return false;
    const target = join(folder, path);
    return (
      (lstatSync(target).mode & 0o777) === (file.mode & 0o777) && readFileSync(target).equals(file.content)
    );
  });
}

async function filesBelow(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  } catch {
    return [];
  }
}

/** The visible names: one link for each first part of a path; names no longer used go. */
async function showNames(folder: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0] as string));
  for (const name of await readdir(folder)) {
    if (name.startsWith('..')) continue;
    if (wanted.delete(name)) continue;
    await unlink(join(folder, name)).catch(() => rmSync(join(folder, name), { recursive: true }));
  }
  for (const name of wanted) await symlink(join('..data', name), join(folder, name));
}
