/** What the benchmarks share: an engine in a process of its own, statistics, and lines of one shape. */
import { createClient, httpsTransport } from '@coracle/client';
import type { Client } from '@coracle/client';
import { ServiceAccount } from '@coracle/machinery/api';
import { load } from 'js-yaml';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

const bundle = fileURLToPath(new URL('../dist/coracle.mjs', import.meta.url));

export interface BenchEngine {
  child: ChildProcess;
  server: string;
  credentials: { ca: string; cert: string; key: string };
  /** Milliseconds from spawn until `/readyz` answered 200. */
  readyMs: number;
  /** A client with connections of its own. */
  client(): Client;
  residentMiB(): number;
  stop(): Promise<void>;
}

export function freshFolder(): string {
  return mkdtempSync(join(tmpdir(), 'coracle-bench-'));
}
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** A port that nobody listens on just now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts the bundle on a folder and asks `/readyz` until it answers 200. */
export async function startBundle(folder: string, words: readonly string[] = []): Promise<BenchEngine> {
  const port = await freePort();
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [bundle, 'up', '--data', folder, '--port', String(port), '--no-kubeconfig-merge', ...words],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
  // The health endpoints answer anybody, so this needs no credentials.
  while ((await statusOf(`https://127.0.0.1:${port}/readyz`)) !== 200) {
    if (child.exitCode !== null) throw new Error(`the engine ended with ${child.exitCode}: ${errors}`);
    await sleep(4);
  }
  const readyMs = performance.now() - began;
  const gone = once(child, 'exit');
  let state: { pid: number; server: string } | undefined;
  while (state?.pid !== child.pid) {
    if (child.exitCode !== null) throw new Error(`the engine ended with ${child.exitCode}`);
    try {
      state = JSON.parse(readFileSync(join(folder, 'engine.json'), 'utf8')) as {
        pid: number;
        server: string;
      };
    } catch {
      // Not there yet.
    }
    if (state?.pid !== child.pid) await sleep(2);
  }
  const config = load(readFileSync(join(folder, 'kubeconfig'), 'utf8')) as {
    clusters: { cluster: Record<string, string> }[];
    users: { user: Record<string, string> }[];
  };
  const decode = (text: string | undefined): string => Buffer.from(text ?? '', 'base64').toString();
  const credentials = {
    ca: decode(config.clusters[0]?.cluster['certificate-authority-data']),
    cert: decode(config.users[0]?.user['client-certificate-data']),
    key: decode(config.users[0]?.user['client-key-data']),
  };
  const server = state.server;
  return {
    child,
    server,
    credentials,
    readyMs,
    client: () => createClient(httpsTransport({ server, ...credentials })),
    residentMiB: () =>
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? Number.NaN) /
      1024,
    async stop() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

function statusOf(url: string): Promise<number> {
  return new Promise((resolve) => {
    https
      .get(url, { rejectUnauthorized: false, agent: false }, (answer) => {
        answer.resume();
        resolve(answer.statusCode ?? 0);
      })
      .on('error', () => resolve(0));
  });
}

/** Pods can be made once the namespace has its default service account, a moment after the API answers. */
export async function accountMade(client: Client): Promise<void> {
  for (;;) {
    const { items } = await client.list(ServiceAccount, { namespace: 'default' });
    if (items.length > 0) return;
    await sleep(20);
  }
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** `  what                                  value unit`. */
export function report(what: string, value: number, unit: string): void {
  const text = value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toFixed(1);
  console.log(`  ${what.padEnd(58)} ${text.padStart(10)} ${unit}`);
}
