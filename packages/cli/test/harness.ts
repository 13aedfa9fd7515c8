/** Runs command lines against a fake cluster, in memory. */
import type { Client } from '@coracle/client';
import { ApiError } from '@coracle/machinery';
import { fakeCluster, type FakeCluster, type FakeClusterOptions } from '@coracle/operator/testing';
import { CommanderError } from 'commander';
import { Readable } from 'node:stream';
import { CliError, type CliContext } from '../src/context.ts';
import { createProgram } from '../src/program.ts';

interface Ran {
  out: string;
  err: string;
  /** 0 unless an error was thrown or a code set. */
  code: number;
}
interface Cli {
  cluster: FakeCluster;
  run(...argv: string[]): Promise<Ran>;
  /** As run, with more of the world given. */
  runWith(world: World, ...argv: string[]): Promise<Ran>;
}
interface World {
  stdin?: string;
  cwd?: string;
  env?: Record<string, string>;
  tty?: boolean;
  signal?: AbortSignal;
  /** Sees what is written as it is written. */
  onOut?: (text: string) => void;
}

export function setupCli(options: FakeClusterOptions = {}): Cli {
  const cluster = fakeCluster(options);
  const runWith = (world: World, ...argv: string[]): Promise<Ran> => runCli(cluster.client, world, argv);
  return { cluster, runWith, run: (...argv) => runWith({}, ...argv) };
}

async function runCli(client: Client, world: World, argv: string[]): Promise<Ran> {
  const ran: Ran = { out: '', err: '', code: 0 };
  const text = (chunk: string | Uint8Array): string =>
    typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
  const dashes = argv.indexOf('--');
  const context: CliContext = {
    env: world.env ?? {},
    cwd: world.cwd ?? '/',
    stdin: Readable.from(world.stdin === undefined ? [] : [Buffer.from(world.stdin)]),
    stdout: {
      isTTY: world.tty === true,
      write(chunk) {
        ran.out += text(chunk);
        world.onOut?.(ran.out);
      },
    },
    stderr: { write: (chunk) => (ran.err += text(chunk)) },
    signal: world.signal ?? new AbortController().signal,
    argvAfterDashes: dashes < 0 ? undefined : argv.slice(dashes + 1),
    async connect(options) {
      return {
        client,
        namespace: options.namespace ?? 'default',
        server: 'fake',
        close: async () => undefined,
      };
    },
    setExitCode(code) {
      ran.code = code;
    },
  };
  try {
    const program = await createProgram(argv, context);
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) return { ...ran, code: error.exitCode };
    if (!(error instanceof CliError || error instanceof ApiError)) throw error;
    return { ...ran, err: `${ran.err}${error.message}\n`, code: 1 };
  }
  return ran;
}

export const pod = (name: string, extra: Record<string, unknown> = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels: { app: 'web' }, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { containers: [{ name: 'main', image: 'busybox' }] },
  status: { phase: 'Running' },
  ...extra,
});
