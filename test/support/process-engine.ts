/** An engine in a process of its own, started as a user starts it, so that it can be killed. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient, loadKubeconfig, transportFromKubeconfig } from '@coracle/client';
import type { Client } from '@coracle/client';
import { bundle } from '../../scripts/bundle.ts';
import { until } from './until.ts';

const cache = fileURLToPath(new URL('../../node_modules/.cache/coracle-test/', import.meta.url));

export interface ProcessEngine {
  child: ChildProcess;
  server: string;
  client: Client;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM, as Ctrl-C; resolves when the process is gone. */
  stop(): Promise<void>;
}

/** The command as users have it, bundled for one test; its path. */
export async function bundledCommand(name: string): Promise<string> {
  await bundle(join(cache, name));
  return join(cache, name, 'coracle.mjs');
}

/** Starts an engine on the data folder and waits until it answers `/readyz`. */
export async function processEngine(
  main: string,
  folder: string,
  words: readonly string[] = [],
): Promise<ProcessEngine> {
  const child = spawn(
    process.execPath,
    [
      main,
      'up',
      '--data',
      folder,
      '--port',
      '0',
      '--no-kubeconfig-merge',
      '--node-name',
      'test-node',
      ...words,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let errors = '';
  child.stderr?.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-4000)));
  const gone = once(child, 'exit');
  const server = await until(`the engine in ${folder} is up`, async () => {
    if (child.exitCode !== null) throw new Error(`the engine ended with ${child.exitCode}: ${errors}`);
    const state = JSON.parse(await readFile(join(folder, 'engine.json'), 'utf8')) as {
      pid: number;
      server: string;
    };
    return state.pid === child.pid && state.server;
  });
  const config = await loadKubeconfig({ env: {}, home: folder, path: join(folder, 'kubeconfig') });
  const transport = await transportFromKubeconfig(config);
  const client = createClient(transport);
  await until('/readyz answers ok', () => client.getPath('/readyz').then(() => true));
  return {
    child,
    server,
    client,
    async kill() {
      child.kill('SIGKILL');
      await gone;
      await transport.close();
    },
    async stop() {
      child.kill('SIGTERM');
      await gone;
      await transport.close();
    },
  };
}
