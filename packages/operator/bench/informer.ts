/** How fast an informer fills its cache and follows changes, and a work queue hands out keys. `node bench/informer.ts` */
import type { ApiHandler, WatchSink } from '@coracle/machinery';
import { createClient, inProcessTransport } from '@coracle/client';
import { Pod } from '@coracle/machinery/api';
import { createController, createInformerFactory, silentLogger, systemClock } from '../src/index.ts';

const objects = 100_000;
const pod = (index: number, version: number) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: `p${index}`,
    namespace: `ns${index % 50}`,
    uid: `u${index}`,
    resourceVersion: String(version),
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: { nodeName: `n${index % 5000}`, containers: [] },
});
const items = Array.from({ length: objects }, (_, index) => pod(index, index + 1));
let sink: WatchSink | undefined;
const handler: ApiHandler = async ({ query }) => {
  if (query.get('watch') === 'true') {
    const start = (to: WatchSink) => {
      sink = to;
      return { drained: () => pump(), stop: () => undefined };
    };
    return { kind: 'watch', code: 200, headers: {}, start };
  }
  const value = { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: String(objects) }, items };
  return { kind: 'object', code: 200, headers: {}, value };
};

let sent = 0;
function pump(): void {
  while (sent < objects) {
    const batch = Array.from({ length: 100 }, () => {
      sent += 1;
      return { type: 'MODIFIED' as const, object: pod(sent - 1, objects + sent) };
    });
    if (!sink?.events(batch, undefined)) return;
  }
}

const client = createClient(inProcessTransport(handler, { kind: 'none' }));
const factory = createInformerFactory({ client, clock: systemClock, logger: silentLogger });
const informer = factory.informer(Pod);
informer.addIndex('node', (object) => [object.spec?.nodeName ?? '']);
let changes = 0;
informer.on({ update: () => (changes += 1) });

/** Longest time the event loop was not free, while `work` ran. */
async function measure(what: string, work: () => Promise<void>): Promise<void> {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1);
  const start = performance.now();
  await work();
  const ms = performance.now() - start;
  clearInterval(timer);
  console.log(
    `${what}: ${ms.toFixed(0)} ms, ${Math.round((objects / ms) * 1000).toLocaleString('en')}/s, event loop blocked for at most ${longest.toFixed(0)} ms`,
  );
}
const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
};

await measure(`first list of ${objects}`, () => factory.start());
await measure('updates', async () => {
  await until(() => sink !== undefined);
  pump();
  await until(() => changes === objects);
});
let worked = 0;
const controller = createController(
  { clock: systemClock, logger: silentLogger },
  {
    name: 'bench',
    async reconcile() {
      worked += 1;
    },
  },
);
for (const key of items) controller.queue.add(`${key.metadata.namespace}/${key.metadata.name}`);
await measure('reconciles of an idle controller', async () => {
  await controller.start();
  await until(() => worked === objects);
});
await controller.stop();
factory.stop();
