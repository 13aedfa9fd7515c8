/** Events a second to 100 watchers, over HTTPS. */
import { ConfigMap } from '@coracle/machinery/api';
import { freshFolder, removeFolder, report, startBundle } from './support.ts';

export async function watches(): Promise<void> {
  const folder = freshFolder();
  const engine = await startBundle(folder);
  const writer = engine.client();
  const watchers = 100;
  const writesToMake = 1000;
  const stop = new AbortController();
  const client = engine.client();
  const { metadata } = await writer.list(ConfigMap, { namespace: 'default' });
  let delivered = 0;
  const done = Promise.withResolvers<void>();
  const following = Array.from({ length: watchers }, async () => {
    const events = client.watch(ConfigMap, {
      namespace: 'default',
      resourceVersion: metadata.resourceVersion,
      signal: stop.signal,
    });
    for await (const event of events) {
      if (event.type !== 'ADDED') continue;
      delivered += 1;
      if (delivered === watchers * writesToMake) done.resolve();
    }
  });
  const began = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      for (let i = next++; i < writesToMake; i = next++) {
        const object = {
          metadata: { name: `w-${i}`, namespace: 'default' },
          data: { text: 'x'.repeat(512) },
        };
        await writer.create(ConfigMap, object, { namespace: 'default' });
      }
    }),
  );
  await done.promise;
  const seconds = (performance.now() - began) / 1000;
  report(`events delivered to ${watchers} watchers (reader in the same measure)`, delivered / seconds, '/s');
  stop.abort();
  await Promise.allSettled(following);
  await client.transport.close();
  await writer.transport.close();
  await engine.stop();
  removeFolder(folder);
}
