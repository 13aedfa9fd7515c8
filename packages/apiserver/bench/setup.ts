/** What the benchmarks share: a server over a durable store in a fresh folder, pods of a usual size, and an h2 client. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type ClientHttp2Session } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '@coracle/store';
import { createPki } from '../src/index.ts';
import { testServer, type TestServer } from '../src/testing.ts';

export interface Bench {
  t: TestServer;
  /** A connection to the HTTPS port. */
  connect(): ClientHttp2Session;
  /** One request over h2; resolves with code and bytes of the body. */
  send(
    session: ClientHttp2Session,
    method: string,
    path: string,
    body?: string,
  ): Promise<{ code: number; bytes: number }>;
  close(): Promise<void>;
}

export async function setup(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'coracle-bench-'));
  const store = await openStore({ path: folder });
  const t = await testServer({ store });
  const pki = createPki();
  const { port } = await t.server.listen({
    tls: { cert: pki.serving.certificate, key: pki.serving.privateKey, ca: pki.authority.certificate },
  });
  const sessions: ClientHttp2Session[] = [];
  return {
    t,
    connect() {
      const session = connect(`https://127.0.0.1:${port}`, { ca: pki.authority.certificate });
      sessions.push(session);
      return session;
    },
    async send(session, method, path, body) {
      const stream = session.request({
        ':method': method,
        ':path': path,
        authorization: `Bearer ${t.adminToken}`,
        'content-type': 'application/json',
      });
      stream.end(body);
      let bytes = 0;
      stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
      const [headers] = (await once(stream, 'response')) as [Record<string, number>];
      await once(stream, 'end');
      return { code: Number(headers[':status']), bytes };
    },
    async close() {
      for (const session of sessions) session.destroy();
      await t.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A pod as a Job makes them: about 2 KB once it is stored. */
export function pod(name: string): Record<string, unknown> {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: 'bench', 'batch.kubernetes.io/job-name': 'bench', index: name } },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      containers: [
        {
          name: 'main',
          image: 'example.com/train:1',
          command: ['python3', 'train.py', '--epochs', '10'],
          env: Array.from({ length: 6 }, (_, i) => ({ name: `VARIABLE_${i}`, value: `value-${i}` })),
          resources: {
            requests: { cpu: '1', memory: '1Gi' },
            limits: { cpu: '1', memory: '1Gi', 'nvidia.com/gpu': '1' },
          },
        },
      ],
    },
  };
}

/** Runs `count` jobs, `parallel` at a time; returns how many a second. */
export async function rate(
  count: number,
  parallel: number,
  job: (i: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      while (next < count) await job(next++);
    }),
  );
  return count / ((performance.now() - started) / 1000);
}

/** One line of a report. */
export function line(name: string, value: number, unit: string): void {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  console.log(`${name.padEnd(52)} ${value.toFixed(digits).padStart(10)} ${unit}`);
}
