/**
 * What lies on disk for each pod and container. These files, not the agent's memory, are the truth about a container:
 * the supervising shell writes them, and an agent that starts later reads them.
 *
 *     pods/UID/sandbox.json             the pod: address, names
 *     pods/UID/hosts                    its /etc/hosts, rewritten in place as peers come and go
 *     pods/UID/containers/NAME-N/       attempt N of a container
 *        record.json   what was started (no variables)         written before the supervisor starts
 *        env.json      the variables, for exec                 mode 0600
 *        supervise.sh, run.sh                                  mode 0600
 *        supervisor    /proc/self/stat of the supervisor       its first act; exclusive, so it also is the lock of starting
 *        pid           the same of the container's first process, written when its mounts are made
 *        status        exit code                               written when it has ended
 *        drained       empty                                   the last log byte is on disk
 *        error, unshare.log   why the container could not be made
 *        log.1 ...     output, in segments                     log.index: when bytes came
 *
 * A file counts when it ends in a newline: each is written by one write(2).
 */
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseStat, type ProcessIdentity } from './host-process.ts';

export interface SandboxRecord {
  podUid: string;
  namespace: string;
  name: string;
  ip: string;
  /** Mount points made on the host for this pod, to be removed with it; outermost first. */
  hostFolders: string[];
  hostFiles: string[];
}

export interface ContainerRecord {
  id: string;
  podUid: string;
  name: string;
  attempt: number;
  kind: 'init' | 'app' | 'ephemeral';
  bootId: string;
  createdAt: number;
  isolation: 'root' | 'user-namespace' | 'none';
  command: string[];
  workingDir?: string | undefined;
  runAs?: { user?: number | undefined; group?: number | undefined } | undefined;
  /** `lifecycle.stopSignal`; SIGTERM if absent. */
  stopSignal?: string | undefined;
}

export const containerFolder = (podFolder: string, name: string, attempt: number): string =>
  join(podFolder, 'containers', `${name}-${attempt}`);

/** Writes a file so that a reader (or a crash) sees the old or the new content, never half. */
export function writeAtomically(path: string, content: string, mode = 0o600): void {
  const draft = `${path}.${randomUUID().slice(0, 8)}`;
  writeFileSync(draft, content, { mode });
  renameSync(draft, path);
}

/** The content of a file that its writer has finished (it ends in a newline), without the newline. */
export function readFinished(path: string): string | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    return text.endsWith('\n') ? text.slice(0, -1) : undefined;
  } catch {
    return undefined;
  }
}

/** The process whose `/proc/self/stat` line (or, without /proc, `PID START`) was written to the file. */
export function readIdentity(path: string): ProcessIdentity | undefined {
  const line = readFinished(path);
  if (line === undefined) return undefined;
  const stat = parseStat(line);
  if (stat !== undefined) return { pid: stat.pid, startTime: stat.startTime };
  const [pid, ...start] = line.trim().split(/\s+/);
  return pid !== undefined && /^\d+$/.test(pid)
    ? { pid: Number(pid), startTime: start.join(' ') }
    : undefined;
}

/** Takes the lock of starting; false when a supervisor has it. */
export function takeStartLock(folder: string): boolean {
  try {
    const file = openSync(join(folder, 'supervisor'), 'wx', 0o600);
    writeSync(file, 'none\n');
    closeSync(file);
    return true;
  } catch {
    return false;
  }
}

/**
 * True when the lock of starting is held by nobody who will start: an earlier agent took it and was killed before it could act,
 * or its holder was killed before it wrote who it is. To be asked only after time enough to write a line.
 */
export function startAbandoned(folder: string): boolean {
  try {
    const text = readFileSync(join(folder, 'supervisor'), 'utf8');
    return text === '' || text === 'none\n';
  } catch {
    return false;
  }
}

export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return undefined;
  }
}
