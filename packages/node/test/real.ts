/** Helpers for tests with real processes. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Container, Pod } from '@coracle/machinery/api';
import { silentLogger, systemClock } from '@coracle/operator';
import {
  type ContainerHandle,
  type ContainerSpec,
  type HostMount,
  processRuntime,
  type ProcessRuntime,
  type ProcessRuntimeOptions,
} from '../src/index.ts';

export const tempFolder = (): string => mkdtempSync(join(tmpdir(), 'coracle-real-'));
export const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true });

export const makeRuntime = (
  dataDir: string,
  options: Partial<ProcessRuntimeOptions> = {},
): Promise<ProcessRuntime> =>
  processRuntime({ dataDir, clock: systemClock, logger: silentLogger, ...options });

let serial = 0;
export function podOf(name = 'p', spec: Partial<Pod['spec']> = {}): Pod {
  const uid = `test-${process.pid}-${Date.now().toString(36)}-${serial++}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace: 'default',
      uid,
      resourceVersion: '1',
      creationTimestamp: '',
    } as Pod['metadata'],
    spec: { containers: [], ...spec },
  };
}

export interface StartOptions {
  name?: string;
  attempt?: number;
  mounts?: HostMount[];
  env?: Record<string, string>;
  hosts?: ContainerSpec['hosts'];
  limits?: ContainerSpec['limits'];
  container?: Partial<Container>;
  workingDir?: string;
  runAs?: ContainerSpec['runAs'];
}

export async function startIn(
  runtime: ProcessRuntime,
  pod: Pod,
  folder: string,
  command: string[] | string,
  options: StartOptions = {},
): Promise<ContainerHandle> {
  await runtime.createSandbox(pod);
  const name = options.name ?? 'main';
  const messages = join(folder, 'messages', pod.metadata.uid);
  mkdirSync(messages, { recursive: true });
  const terminationMessageFile = join(messages, name);
  writeFileSync(terminationMessageFile, '');
  return runtime.start({
    pod,
    container: { name, ...options.container },
    kind: 'app',
    attempt: options.attempt ?? 0,
    env: options.env ?? {},
    command: typeof command === 'string' ? ['sh', '-c', command] : command,
    workingDir: options.workingDir,
    mounts: options.mounts ?? [],
    terminationMessageFile,
    hosts: options.hosts ?? [],
    hostname: pod.metadata.name,
    limits: options.limits ?? {},
    runAs: options.runAs,
  });
}

export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  milliseconds = 15_000,
): Promise<void> {
  const limit = Date.now() + milliseconds;
  while (!(await isSo())) {
    if (Date.now() > limit) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export async function ended(
  handle: ContainerHandle,
): Promise<Extract<ReturnType<ContainerHandle['state']>, { phase: 'exited' }>> {
  await until(`${handle.name} ends`, () => handle.state().phase === 'exited');
  const state = handle.state();
  if (state.phase !== 'exited') throw new Error('not ended');
  return state;
}

export async function logOf(
  runtime: ProcessRuntime,
  handle: ContainerHandle,
  options: object = {},
): Promise<string> {
  const chunks: Uint8Array[] = [];
  const all = { follow: false, previous: false, timestamps: false, ...options };
  for await (const chunk of runtime.logs(handle.id, all, AbortSignal.timeout(20_000))) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Processes anywhere on the machine whose command line has the word. */
export function processesWith(word: string): number[] {
  if (existsSync('/proc/self/cmdline')) {
    return readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
      try {
        const line = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        return line.includes(word) ? [Number(name)] : [];
      } catch {
        return [];
      }
    });
  }
  try {
    return execFileSync('pgrep', ['-f', word], { encoding: 'utf8' }).split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
