/**
 * What this host lets us do, found by trying it once at start: a namespace that could be made a moment ago is better
 * evidence than a kernel version or a capability bit.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Runtime } from '../runtime.ts';
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
  'mount -t tmpfs coracle-trial /mnt',
  'mount -t proc proc /proc',
  'mkdir /mnt/usr',
  'echo "/usr /mnt/usr none rbind,ro 0 0" > /mnt/fstab',
  'mount --all --fstab /mnt/fstab',
].join(' && ');

async function canUnshare(isolation: Exclude<Isolation, 'none'>): Promise<string | undefined> {
  try {
    await run('unshare', [...unshareArguments(isolation), 'sh', '-c', trial], { timeout: 5000 });
    return undefined;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    return (stderr?.trim() || message).split('\n')[0] ?? 'unshare failed';
  }
}

async function works(command: string, args: string[], expect?: string): Promise<boolean> {
  try {
    const { stdout } = await run(command, args, { timeout: 5000 });
    return expect === undefined || stdout === expect;
  } catch {
    return false;
  }
}

/** Tries everything at once; about 20 ms. `forbid` leaves namespaces or cgroups out even where they work (tests, debugging). */
export async function probeHost(
  forbid: { isolation?: boolean; cgroups?: boolean } = {},
): Promise<HostAbilities> {
  const root = process.getuid?.() === 0;
  const [isolation, cgroups, setpriv, boundedLogs, terminal] = await Promise.all([
    probeIsolation(root, forbid.isolation === true),
    forbid.cgroups === true
      ? { roots: undefined, why: 'cgroups are switched off by configuration' }
      : findCgroups(),
    root ? works('setpriv', ['--version']) : false,
    works('sh', ['-c', 'printf abc | stdbuf -o0 head -c 2'], 'ab'),
    works('sh', ['-c', 'command -v script']),
  ]);
  return {
    isolation: isolation.kind,
    isolationWhy: isolation.why,
    cgroups: cgroups.roots,
    cgroupWhy: cgroups.why,
    userSwitch: setpriv,
    boundedLogs,
    terminal,
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
