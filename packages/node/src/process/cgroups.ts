/**
 * Control groups of containers, version 1 (one hierarchy a controller) and 2 (one for all). Each container has its own
 * group below `coracle/POD/CONTAINER`; limits are written there, OOM kills and usage are read there, and killing every
 * member is what makes "no orphan" true for processes that left their session.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { signal } from './host-process.ts';

export interface CgroupRoots {
  version: 1 | 2;
  /** Version 1: by controller. Version 2: one entry, `unified`. Each is a folder of ours. */
  folders: Partial<Record<'memory' | 'cpu' | 'cpuacct' | 'pids' | 'unified', string>>;
}

const controllers = ['memory', 'cpu', 'cpuacct', 'pids'] as const;

interface Mount {
  path: string;
  type: string;
  options: string[];
}

/** The cgroup mounts of `/proc/mounts`. */
export function cgroupMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [, path, type, options] = line.split(' ');
    if (path === undefined || (type !== 'cgroup' && type !== 'cgroup2')) return [];
    return [{ path, type, options: (options ?? '').split(',') }];
  });
}

/** Finds hierarchies where we may make groups, by making one. */
export function findCgroups(): { roots: CgroupRoots | undefined; why?: string } {
  if (process.platform !== 'linux')
    return { roots: undefined, why: `${process.platform} has no control groups` };
  try {
    const mounts = cgroupMounts(readFileSync('/proc/mounts', 'utf8'));
    const folders: CgroupRoots['folders'] = {};
    for (const controller of controllers) {
      const mount = mounts.find((each) => each.type === 'cgroup' && each.options.includes(controller));
      if (mount) folders[controller] = makeFolder(join(mount.path, 'coracle'));
    }
    if (folders.memory !== undefined) return { roots: { version: 1, folders } };
    const unified = mounts.find((each) => each.type === 'cgroup2');
    if (unified === undefined) return { roots: undefined, why: 'no cgroup file system is mounted' };
    return { roots: { version: 2, folders: { unified: unifiedFolder(unified.path) } } };
  } catch (error) {
    return {
      roots: undefined,
      why: `control groups cannot be made: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

/** Makes our folder, and sees that groups can be made in it: it may be there already and belong to somebody else. */
function makeFolder(path: string): string {
  mkdirSync(path, { recursive: true });
  const trial = join(path, `trial-${process.pid}-${randomUUID().slice(0, 8)}`);
  mkdirSync(trial);
  rmdirSync(trial);
  return path;
}

/** Version 2: at the top (root), else beside our own group, where systemd has delegated the subtree to the user. */
function unifiedFolder(mount: string): string {
  const own = readFileSync('/proc/self/cgroup', 'utf8')
    .split('\n')
    .find((line) => line.startsWith('0::'))
    ?.slice(3);
  const candidates = [mount, ...(own === undefined ? [] : [join(mount, dirname(own))])];
  let failure: unknown;
  for (const parent of candidates) {
    try {
      const folder = makeFolder(join(parent, 'coracle'));
      enableControllers(parent);
      enableControllers(folder);
      if (!readFileSync(join(folder, 'cgroup.controllers'), 'utf8').includes('memory')) continue;
      return folder;
    } catch (error) {
      failure = error;
    }
  }
  throw failure instanceof Error ? failure : new Error('the memory controller is not delegated to this user');
}

function enableControllers(folder: string): void {
  for (const controller of ['memory', 'cpu', 'pids']) {
    try {
      writeFileSync(join(folder, 'cgroup.subtree_control'), `+${controller}`);
    } catch {
      // Not offered here; the check for memory that follows decides.
    }
  }
}

export interface CgroupLimits {
  cpuMillis?: number | undefined;
  memoryBytes?: number | undefined;
  cpuShares?: number | undefined;
}

/** One container's groups. Made from the roots and a name, so that a later agent finds them again. */
export class ContainerCgroup {
  readonly #version: 1 | 2;
  readonly #folders: CgroupRoots['folders'];
  readonly #parents: string[];

  constructor(roots: CgroupRoots, podUid: string, container: string) {
    this.#version = roots.version;
    this.#folders = {};
    this.#parents = [];
    for (const [controller, folder] of Object.entries(roots.folders)) {
      this.#folders[controller as keyof CgroupRoots['folders']] = join(folder, podUid, container);
      this.#parents.push(join(folder, podUid));
    }
  }

  /** Files to which a process writes `0` to join. */
  get joinFiles(): string[] {
    return Object.values(this.#folders).map((folder) => join(folder, 'cgroup.procs'));
  }

  /** Makes the groups and sets limits. Throws when the host refuses a limit. */
  create(limits: CgroupLimits): void {
    const { memory, cpu, unified } = this.#folders;
    for (const folder of Object.values(this.#folders)) mkdirSync(folder, { recursive: true });
    if (this.#version === 2 && unified !== undefined) {
      enableControllers(dirname(unified));
      if (limits.memoryBytes !== undefined) {
        put(unified, 'memory.max', limits.memoryBytes);
        tryPut(unified, 'memory.swap.max', 0);
        tryPut(unified, 'memory.oom.group', 1);
      }
      if (limits.cpuMillis !== undefined) put(unified, 'cpu.max', `${quotaOf(limits.cpuMillis)} 100000`);
      if (limits.cpuShares !== undefined) tryPut(unified, 'cpu.weight', weightOf(limits.cpuShares));
      return;
    }
    if (memory !== undefined && limits.memoryBytes !== undefined) {
      put(memory, 'memory.limit_in_bytes', limits.memoryBytes);
      tryPut(memory, 'memory.memsw.limit_in_bytes', limits.memoryBytes);
    }
    if (cpu !== undefined && limits.cpuMillis !== undefined) {
      put(cpu, 'cpu.cfs_period_us', 100_000);
      put(cpu, 'cpu.cfs_quota_us', quotaOf(limits.cpuMillis));
    }
    if (cpu !== undefined && limits.cpuShares !== undefined)
      tryPut(cpu, 'cpu.shares', Math.max(2, limits.cpuShares));
  }

  /** Pids in the group now. */
  members(): number[] {
    const folder = this.#folders.unified ?? this.#folders.pids ?? this.#folders.memory;
    if (folder === undefined) return [];
    return (read(folder, 'cgroup.procs') ?? '')
      .split('\n')
      .filter((word) => word !== '')
      .map(Number);
  }

  /** Kills every member; repeats until none is left, because a member may fork meanwhile. */
  kill(): void {
    const { unified } = this.#folders;
    if (unified !== undefined && tryPut(unified, 'cgroup.kill', 1)) return;
    for (let round = 0; round < 10; round++) {
      const members = this.members();
      if (members.length === 0) return;
      for (const pid of members) signal(pid, 'SIGKILL');
    }
  }

  /** How many processes the kernel killed here for want of memory. */
  oomKills(): number {
    const text = this.#folders.unified
      ? read(this.#folders.unified, 'memory.events')
      : read(this.#folders.memory ?? '', 'memory.oom_control');
    return field(text, 'oom_kill') ?? 0;
  }

  /** CPU time used in all, and memory less what the page cache could give back (kubelet's working set). */
  usage(): { cpuNanos: number; memoryBytes: number } | undefined {
    const { unified, memory, cpuacct } = this.#folders;
    if (unified !== undefined) {
      const used = field(read(unified, 'cpu.stat'), 'usage_usec');
      const bytes = Number(read(unified, 'memory.current') ?? Number.NaN);
      if (used === undefined || Number.isNaN(bytes)) return undefined;
      const inactive = field(read(unified, 'memory.stat'), 'inactive_file') ?? 0;
      return { cpuNanos: used * 1000, memoryBytes: Math.max(0, bytes - inactive) };
    }
    const cpuNanos = Number(read(cpuacct ?? '', 'cpuacct.usage') ?? Number.NaN);
    const bytes = Number(read(memory ?? '', 'memory.usage_in_bytes') ?? Number.NaN);
    if (Number.isNaN(cpuNanos) || Number.isNaN(bytes)) return undefined;
    const inactive = field(read(memory ?? '', 'memory.stat'), 'total_inactive_file') ?? 0;
    return { cpuNanos, memoryBytes: Math.max(0, bytes - inactive) };
  }

  /** Removes the groups; true when they are gone. A group whose last process has not quite ended is busy: try again. */
  remove(): boolean {
    let gone = true;
    for (const folder of Object.values(this.#folders)) {
      try {
        rmdirSync(folder);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') gone = false;
      }
    }
    return gone;
  }

  /** Removes the pod's groups, which hold those of its containers. */
  removePod(): void {
    for (const folder of this.#parents) {
      try {
        rmdirSync(folder);
      } catch {
        // Not empty: a container of the pod is still ending; or gone already.
      }
    }
  }
}

const quotaOf = (millis: number): number => Math.max(1000, Math.round(millis * 100));
/** Version 2 weights 1..10000 from version 1 shares 2..262144, as the container runtimes convert. */
const weightOf = (shares: number): number =>
  1 + Math.floor(((Math.min(262_144, Math.max(2, shares)) - 2) * 9999) / 262_142);

function put(folder: string, file: string, value: string | number): void {
  writeFileSync(join(folder, file), String(value));
}
function tryPut(folder: string, file: string, value: string | number): boolean {
  try {
    put(folder, file, value);
    return true;
  } catch {
    return false;
  }
}
function read(folder: string, file: string): string | undefined {
  try {
    return readFileSync(join(folder, file), 'utf8');
  } catch {
    return undefined;
  }
}
function field(text: string | undefined, name: string): number | undefined {
  const line = text?.split('\n').find((each) => each.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
}

/** For files and folders: remove without complaint. */
export async function discard(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
}
