/**
 * What virtual nodes cost: nodes registered, and pods taken to running and to their end, on the in-memory API.
 * `node packages/node/bench/virtual-pods.ts [nodes] [pods]`
 */
import { Pod } from '@coracle/machinery/api';
import { createInformerFactory, silentLogger, systemClock } from '@coracle/operator';
import { fakeCluster } from '@coracle/operator/testing';
import { virtualNodes } from '../src/index.ts';

const count = Number(process.argv[2] ?? 1000);
const pods = Number(process.argv[3] ?? 5000);
const cluster = fakeCluster();
const nodes = virtualNodes({
  client: cluster.client,
  informers: createInformerFactory({ client: cluster.client, clock: systemClock, logger: silentLogger }),
  clock: systemClock,
  logger: silentLogger,
  count,
  stages: { startMs: 1, runMs: 1 },
});
let t = performance.now();
await nodes.start();
console.log(`${count} nodes registered in ${(performance.now() - t).toFixed(0)} ms`);
t = performance.now();
for (let i = 0; i < pods; i++)
  await cluster.client.create(
    Pod,
    {
      metadata: { name: `p${i}`, namespace: 'default' },
      spec: { nodeName: `virtual-${i % count}`, restartPolicy: 'Never', containers: [{ name: 'main' }] },
    },
    { namespace: 'default' },
  );
const left = (): number =>
  cluster.objects<Pod>(Pod).filter((pod) => pod.status?.phase !== 'Succeeded').length;
while (left() > 0) await new Promise((resolve) => setTimeout(resolve, 20));
const seconds = (performance.now() - t) / 1000;
console.log(
  `${pods} pods created, run and ended in ${seconds.toFixed(1)} s: ${(pods / seconds).toFixed(0)} pods/s`,
);
console.log(`resident: ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`);
await nodes.stop();
