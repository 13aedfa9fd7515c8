/**
 * What this host lets us do, found by trying it once at start: a namespace that could be made a moment ago is better
 * evidence than a kernel version or a capability bit.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Runtime } from '../runtime.ts';
import { toolPath } from './tool-path.ts';
import { type CgroupRoots, findCgroups } from './cgroups.ts';

const run = promisify(execFile);

export type Isolation =
  /** Own mount, pid and host-name namespaces as the real root. */
  | 'root'
  /** The same inside a user namespace: an ordinary user, who is root only in there. */
  | 'user-namespace'
  /** None: a process group. */
  | 'none';

export interface HostAbilities {
  isolation: Isolation;
  isolationWhy?: string | undefined;
  cgroups: CgroupRoots | undefined;
  cgroupWhy?: string | undefined;
  /** Switches user with setpriv. */
  userSwitch: boolean;
  /** `stdbuf` and `head -c` are there: logs rotate even while no agent runs. */
  boundedLogs: boolean;
  /** `script` is there: a terminal can be given to exec. */
  terminal: boolean;
}

/** The options with which unshare makes a container's namespaces. */
export function unshareArguments(isolation: Exclude<Isolation, 'none'>): string[] {
  const all = ['--mount', '--pid', '--uts', '--fork', '--kill-child=KILL', '--propagation', 'private'];
  return isolation === 'root' ? all : ['--user', '--map-root-user', ...all];
}

const trial = [
  'command -v pivot_root',
  'mount -t tmpfs coracle-trial /mnt',
  'mount -t proc proc /proc',
  'mkdir /mnt/usr',
  'echo "/usr /mnt/usr none rbind,ro 0 0" > /mnt/fstab',
  'mount --all --fstab /mnt/fstab',
].join(' && ');

async function canUnshare(isolation: Exclude<Isolation, 'none'>): Promise<string | undefined> {
  try {
    await run('unshare', [...unshareArguments(isolation), 'sh', '-c', trial], {
      timeout: 5000,
      env: { PATH: toolPath() },
    });
    return undefined;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return (stderr?.trim() || message).split('\n')[0] ?? 'unshare failed';
  }
}

/** Is the program on our PATH? Cheaper than running it. */
function onPath(name: string): boolean {
  return toolPath()
    .split(delimiter)
    .some((folder) => {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** Tries what must be tried: one process, some 15 ms. `forbid` leaves namespaces or cgroups out even where they work (tests, debugging). */
export async function probeHost(
  forbid: { isolation?: boolean; cgroups?: boolean } = {},
): Promise<HostAbilities> {
  const root = process.getuid?.() === 0;
  const isolation = await probeIsolation(root, forbid.isolation === true);
  const cgroups =
    forbid.cgroups === true
      ? { roots: undefined, why: 'cgroups are switched off by configuration' }
      : findCgroups();
  return {
    isolation: isolation.kind,
    isolationWhy: isolation.why,
    cgroups: cgroups.roots,
    cgroupWhy: cgroups.why,
    userSwitch: root && onPath('setpriv'),
    // stdbuf comes with GNU coreutils, whose head -c stops at the byte.
    boundedLogs: onPath('stdbuf') && onPath('head'),
    terminal: onPath('script'),
  };
}

async function probeIsolation(root: boolean, forbidden: boolean): Promise<{ kind: Isolation; why?: string }> {
  if (forbidden) return { kind: 'none', why: 'namespaces are switched off by configuration' };
  if (process.platform !== 'linux')
    return { kind: 'none', why: `${process.platform} has no mount namespaces` };
  const asRoot = root ? await canUnshare('root') : 'not root';
  if (asRoot === undefined) return { kind: 'root' };
  const asUser = await canUnshare('user-namespace');
  if (asUser === undefined) return { kind: 'user-namespace' };
  return { kind: 'none', why: `mount namespaces: ${asRoot}; in a user namespace: ${asUser}` };
}

/** The same as the Runtime interface puts it. */
export function asCapabilities(host: HostAbilities): ReturnType<Runtime['capabilities']> {
  const isolated = host.isolation !== 'none';
  const no = (why: string | undefined): { available: boolean; why: string } => ({
    available: false,
    why: why ?? 'unknown',
  });
  return {
    mountNamespace: isolated ? { available: true } : no(host.isolationWhy),
    pidNamespace: isolated ? { available: true } : no(host.isolationWhy),
    cgroup: host.cgroups ? { available: true } : no(host.cgroupWhy),
    userSwitch: host.userSwitch ? { available: true } : no('needs root and the setpriv command'),
  };
}
