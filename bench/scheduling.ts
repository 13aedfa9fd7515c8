/** Pods scheduled a second on virtual nodes, from the first create to the last binding seen, all through the API. */
import { Node, Pod } from '@coracle/machinery/api';
import { setTimeout as sleep } from 'node:timers/promises';
import { accountMade, freshFolder, removeFolder, report, startBundle } from './support.ts';

export async function scheduling(): Promise<void> {
  for (const nodes of [1000, 5000]) {
    const folder = freshFolder();
    const engine = await startBundle(folder, ['--virtual-nodes', String(nodes)]);
    const client = engine.client();
    while ((await client.list(Node, { limit: 1 })).metadata.remainingItemCount !== nodes) await sleep(100);
    await accountMade(client);
    const pods = 5000;
    const stop = new AbortController();
    const { metadata } = await client.list(Pod, { namespace: 'default' });
    const bound = new Set<string>();
    const done = Promise.withResolvers<void>();
    const following = (async () => {
      const events = client.watch(Pod, {
        namespace: 'default',
        resourceVersion: metadata.resourceVersion,
        signal: stop.signal,
      });
      for await (const { object } of events) {
        if (object.spec?.nodeName) bound.add(object.metadata.name);
        if (bound.size === pods) done.resolve();
      }
    })();
    const began = performance.now();
    let next = 0;
    await Promise.all(
      Array.from({ length: 64 }, async () => {
        for (let i = next++; i < pods; i = next++) {
          const object = {
            metadata: {
              name: `p-${i}`,
              namespace: 'default',
              annotations: { 'coracle.dev/run-seconds': '3600' },
            },
            spec: {
              nodeSelector: { 'coracle.dev/virtual': 'true' },
              tolerations: [{ operator: 'Exists' }],
              containers: [
                { name: 'main', image: 'none', resources: { requests: { cpu: '100m', memory: '64Mi' } } },
              ],
            },
          };
          await client.create(Pod, object, { namespace: 'default' });
        }
      }),
    );
    const created = (performance.now() - began) / 1000;
    await done.promise;
    const seconds = (performance.now() - began) / 1000;
    report(`pods created on ${nodes.toLocaleString('en-US')} virtual nodes`, pods / created, '/s');
    report(
      `pods created and scheduled on ${nodes.toLocaleString('en-US')} virtual nodes`,
      pods / seconds,
      '/s',
    );
    report(
      `resident memory with ${nodes.toLocaleString('en-US')} nodes and ${pods} pods`,
      engine.residentMiB(),
      'MiB',
    );
    stop.abort();
    await Promise.allSettled([following]);
    await client.transport.close();
    await engine.stop();
    removeFolder(folder);
  }
}
