/** Gets a second, and the time to list 5,000 pods, over HTTPS. */
import { Pod } from '@coracle/machinery/api';
import https from 'node:https';
import { accountMade, freshFolder, median, removeFolder, report, startBundle } from './support.ts';
import type { BenchEngine } from './support.ts';

export async function reads(): Promise<void> {
  const folder = freshFolder();
  const engine = await startBundle(folder);
  const client = engine.client();
  await accountMade(client);
  let next = 0;
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (let i = next++; i < 5000; i = next++) await client.create(Pod, pod(i), { namespace: 'default' });
    }),
  );
  for (const readers of [1, 16]) {
    const end = performance.now() + 3000;
    let got = 0;
    await Promise.all(
      Array.from({ length: readers }, async () => {
        while (performance.now() < end) {
          await client.get(Pod, `p-${got % 5000}`, { namespace: 'default' });
          got += 1;
        }
      }),
    );
    report(`get a pod, ${readers} reader${readers > 1 ? 's' : ''}`, got / 3, '/s');
  }
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  const times: number[] = [];
  let bytes = 0;
  for (let i = 0; i < 10; i += 1) {
    const began = performance.now();
    bytes = await download(engine, '/api/v1/namespaces/default/pods', agent);
    times.push(performance.now() - began);
  }
  agent.destroy();
  report(`list 5,000 pods, ${(bytes / 2 ** 20).toFixed(1)} MiB (median of 10)`, median(times), 'ms');
  report('list 5,000 pods', bytes / 1e6 / (median(times) / 1000), 'MB/s');
  await client.transport.close();
  await engine.stop();
  removeFolder(folder);
}

/** Bytes of the answer; nothing is parsed. */
function download(engine: BenchEngine, path: string, agent: https.Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    https
      .get(engine.server + path, { ...engine.credentials, agent }, (answer) => {
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
        answer.on('end', () => resolve(bytes));
      })
      .on('error', reject);
  });
}

function pod(i: number): Parameters<typeof Object.assign>[0] {
  return {
    metadata: { name: `p-${i}`, namespace: 'default', labels: { app: 'bench', shard: String(i % 10) } },
    // No scheduler of this name: the pods stay as they are.
    spec: {
      schedulerName: 'nobody',
      containers: [
        {
          name: 'main',
          image: 'busybox:1.36',
          command: ['sleep', '3600'],
          env: [{ name: 'INDEX', value: String(i) }],
          resources: { requests: { cpu: '100m', memory: '64Mi' } },
        },
      ],
    },
  };
}
