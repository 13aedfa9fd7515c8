/**
 * One process a store. The lock is a file that names its holder by process id, that process's start time and the boot id, so
 * that a lock left by a killed process is recognised even if its id has been given to another process since.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { StoreLockedError } from './errors.ts';

interface Holder {
  pid: number;
  /** Start time in clock ticks since boot, and the boot's id, where the system tells (Linux). */
  started?: string | undefined;
  boot?: string | undefined;
}

/** Takes the lock of a folder and returns its release. Throws StoreLockedError if a living process holds it. */
export function lockFolder(folder: string): () => void {
  const file = join(folder, 'lock');
  const mine = JSON.stringify({ ...holderNow(), id: randomUUID() });
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, mine);
  try {
    // A link appears whole or not at all, unlike a file written in place.
    for (let attempt = 0; !tryLink(draft, file); attempt++) {
      const holder = readHolder(file);
      if (holder && (isAlive(holder) || attempt > 20)) throw new StoreLockedError(folder, holder.pid);
      removeStale(file, holder);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return () => {
    if (readText(file) === mine) rmSync(file, { force: true });
  };
}

/** The living process that holds a folder's lock; undefined if none does, or there is no such folder. Changes nothing. */
export function lockHolder(folder: string): number | undefined {
  const holder = readHolder(join(folder, 'lock'));
  return holder && isAlive(holder) ? holder.pid : undefined;
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Takes a dead holder's lock away. If somebody else put a new one there since it was read, that one is put back. */
function removeStale(file: string, stale: Holder | undefined): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  const moved = readHolder(aside);
  if (moved && isAlive(moved) && moved.pid !== stale?.pid) tryLink(aside, file);
  rmSync(aside, { force: true });
}

function holderNow(): Holder {
  return { pid: process.pid, started: startTime(process.pid), boot: bootId() };
}

function isAlive(holder: Holder): boolean {
  if (holder.boot !== undefined && holder.boot !== bootId()) return false;
  if (holder.started !== undefined) return startTime(holder.pid) === holder.started;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function readHolder(file: string): Holder | undefined {
  try {
    const holder: unknown = JSON.parse(readText(file) ?? '');
    return typeof holder === 'object' && holder !== null && 'pid' in holder ? (holder as Holder) : undefined;
  } catch {
    return undefined;
  }
}

/** Field 22 of /proc/PID/stat; counted after the command's name, which may hold spaces and brackets. */
function startTime(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie's files are closed: it holds nothing.
  return fields?.[0] === 'Z' ? undefined : fields?.[19];
}

const bootId = (): string | undefined => readText('/proc/sys/kernel/random/boot_id')?.trim();

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
