/** Prints the store's figures. Run: node packages/store/bench/store.ts [seconds per figure, default 2] */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { openStore, type Store } from '../src/index.ts';

const seconds = Number(process.argv[2] ?? 2);
const value = Buffer.from(JSON.stringify({ spec: 'x'.repeat(2000) }));
const folder = mkdtempSync(join(tmpdir(), 'coracle-store-bench-'));
const print = (name: string, figure: string): void => {
  process.stdout.write(`${name.padEnd(44)} ${figure.padStart(24)}\n`);
};
const put = (store: Store, key: string) => store.write({ key, seal: () => ({ bytes: value }) });
const perSecond = (count: number, since: number): string =>
  `${Math.round(count / ((performance.now() - since) / 1000)).toLocaleString('en')} /s`;

try {
  await import('lmdb');
  const opening = performance.now();
  const store = await openStore({ path: join(folder, 'a') });
  print('open, empty store (library loaded)', `${(performance.now() - opening).toFixed(1)} ms`);

  const delay = monitorEventLoopDelay({ resolution: 1 });
  for (const writers of [1, 16, 64]) {
    const start = performance.now();
    let written = 0;
    delay.enable();
    await Promise.all(
      Array.from({ length: writers }, async () => {
        while (performance.now() - start < seconds * 1000) {
          await put(store, `/pods/default/pod-${written++ % 5000}`);
        }
      }),
    );
    print(`durable writes of 2 KB, ${writers} in flight`, perSecond(written, start));
  }
  print('  longest event loop delay meanwhile', `${(delay.max / 1e6).toFixed(1)} ms`);
  for (let i = 0; store.count('/pods/') < 5000; i += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, j) => put(store, `/pods/default/pod-${i + j}`)));
  }

  let start = performance.now();
  for (let i = 0; i < 1_000_000; i++) store.get(`/pods/default/pod-${i % 5000}`);
  print('get, newest', perSecond(1_000_000, start));
  start = performance.now();
  for (let i = 0; i < 200; i++) store.range('/pods/');
  print('range of 5,000', `${((performance.now() - start) / 200).toFixed(2)} ms`);
  start = performance.now();
  for (let i = 0; i < 200; i++) store.range('/pods/', { limit: 500, after: '/pods/default/pod-3' });
  print('page of 500 of 5,000', `${((performance.now() - start) / 200).toFixed(2)} ms`);
  start = performance.now();
  store.range('/pods/', { revision: store.revision - 10_000 });
  print('range of 5,000, 10,000 revisions ago', `${(performance.now() - start).toFixed(1)} ms`);

  let delivered = 0;
  const watches = Array.from({ length: 100 }, () =>
    store.watch('/pods/', store.revision, {
      onEvents(events) {
        delivered += events.length;
        return true;
      },
      onEnd: () => {},
    }),
  );
  start = performance.now();
  let written = 0;
  await Promise.all(
    Array.from({ length: 64 }, async () => {
      while (performance.now() - start < seconds * 1000)
        await put(store, `/pods/default/pod-${written++ % 5000}`);
    }),
  );
  print('events delivered to 100 watches', perSecond(delivered, start));
  for (const watch of watches) watch.stop();

  const events = store.revision - store.compacted;
  start = performance.now();
  delay.reset();
  await store.compact(store.revision - 1000);
  print(
    `compaction of ${events.toLocaleString('en')} events`,
    `${((performance.now() - start) / 1000).toFixed(2)} s`,
  );
  print('  longest event loop delay meanwhile', `${(delay.max / 1e6).toFixed(1)} ms`);
  await store.close();
  start = performance.now();
  const again = await openStore({ path: join(folder, 'a') });
  print('open, 5,000 values and 1,000 events', `${(performance.now() - start).toFixed(1)} ms`);
  await again.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
