/**
 * Processes of this host seen from outside. A process is named by pid AND start time, so that a pid the kernel has given to
 * another process since is never taken for ours; the boot id makes that hold across reboots.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';

export interface ProcessIdentity {
  pid: number;
  /** Clock ticks after boot on Linux (`/proc/PID/stat` field 22), `ps -o lstart` elsewhere. */
  startTime: string;
}

export interface ProcessStat extends ProcessIdentity {
  parent: number;
  group: number;
  /** `Z` is a zombie: ended, not yet waited for. */
  state: string;
  /** User and system time in clock ticks (1/100 s on Linux). */
  ticks: number;
  /** Resident pages. */
  pages: number;
}

const linux = process.platform === 'linux';

/** Reads one line of `/proc/PID/stat`. The second field is in brackets and may itself hold brackets and blanks. */
export function parseStat(line: string): ProcessStat | undefined {
  const open = line.indexOf('(');
  const close = line.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const rest = line
    .slice(close + 1)
    .trim()
    .split(/\s+/);
  const pid = Number(line.slice(0, open));
  if (!Number.isInteger(pid) || rest.length < 22) return undefined;
  return {
    pid,
    state: rest[0] ?? '',
    parent: Number(rest[1]),
    group: Number(rest[2]),
    ticks: Number(rest[11]) + Number(rest[12]),
    startTime: rest[19] ?? '',
    pages: Number(rest[21]),
  };
}

/** What the host says about a pid now; undefined when there is none. */
export function statOf(pid: number): ProcessStat | undefined {
  try {
    if (linux) return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    const text = execFileSync('ps', ['-o', 'ppid=,pgid=,state=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    const parts = text.split(/\s+/);
    if (parts.length < 4) return undefined;
    return {
      pid,
      parent: Number(parts[0]),
      group: Number(parts[1]),
      state: parts[2]?.[0] ?? '',
      startTime: parts.slice(3).join(' '),
      ticks: 0,
      pages: 0,
    };
  } catch {
    return undefined;
  }
}

/** Is this very process (not another of the same pid) still running? */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = statOf(identity.pid);
  return (
    stat !== undefined && stat.state !== 'Z' && stat.state !== 'X' && stat.startTime === identity.startTime
  );
}

/** Identifies the running kernel: pids recorded under another boot mean nothing. It cannot change while we run. */
const boot = ((): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return 'unknown';
  }
})();
export const bootId = (): string => boot;

/** Pids of direct children. */
export function childrenOf(pid: number): number[] {
  if (linux) {
    try {
      return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
        .split(' ')
        .filter((word) => word.trim() !== '')
        .map(Number);
    } catch {
      return allProcesses()
        .filter((each) => each.parent === pid)
        .map((each) => each.pid);
    }
  }
  try {
    return execFileSync('pgrep', ['-P', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .split('\n')
      .filter((word) => word !== '')
      .map(Number);
  } catch {
    return [];
  }
}

function allProcesses(): ProcessStat[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
}

/** The process and everything below it, parents first. */
export function treeOf(pid: number): number[] {
  const found = [pid];
  for (let i = 0; i < found.length; i++) {
    for (const child of childrenOf(found[i] as number)) if (!found.includes(child)) found.push(child);
  }
  return found;
}

/**
 * Processes whose environment was given `marker` (`NAME=value`) when they started: finds those that left their session and
 * lost their parents. Only processes of the same user can be looked at.
 */
export function processesMarked(marker: string): number[] {
  if (!linux) {
    try {
      return execFileSync('ps', ['-axEww', '-o', 'pid=,command='], { encoding: 'utf8', maxBuffer: 64 << 20 })
        .split('\n')
        .filter((line) => line.includes(marker))
        .map((line) => Number.parseInt(line, 10));
    } catch {
      return [];
    }
  }
  const found: number[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      if (readFileSync(`/proc/${name}/environ`, 'latin1').split('\0').includes(marker))
        found.push(Number(name));
    } catch {
      // Another user's process, or one that has just ended.
    }
  }
  return found;
}

/** Sends a signal; false when there is no such process (or it is not ours). `pid` below zero means a process group. */
export function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  if (pid === 0 || pid === 1 || pid === -1 || pid === process.pid) return false;
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

/** When a file was last written, in milliseconds; undefined if it is not there. */
export function modifiedAt(path: string): number | undefined {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return undefined;
  }
}
