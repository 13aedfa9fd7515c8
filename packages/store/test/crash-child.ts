/**
 * The process that the crash tests kill: opens the store named by its argument and writes until it dies. Each line on
 * stdout is an acknowledged write, written synchronously, so that none is claimed that was not acknowledged.
 */
import { writeSync } from 'node:fs';
import { openStore } from '../src/index.ts';

const store = await openStore({ path: process.argv[2]!, memory: { recentEvents: 50 } });
writeSync(1, `open ${store.revision}\n`);

async function writer(id: number): Promise<void> {
  for (let i = 0; ; i++) {
    const key = `writer-${id}/${i % 7}`;
    const value = `${process.pid}-${i}-`.repeat(1 + (i % 40));
    const isDelete = i % 5 === 4;
    const result = await store.write({
      key,
      delete: isDelete,
      seal: () => ({ bytes: Buffer.from(value) }),
    });
    if (result.ok) writeSync(1, `ack ${result.revision} ${key} ${isDelete ? '-' : value}\n`);
    // Now and then most of the history goes, so that a kill may hit a compaction too.
    if (id === 0 && i % 50 === 49) void store.compact(store.revision - 40).catch(() => {});
  }
}
await Promise.all(Array.from({ length: 8 }, (_, id) => writer(id)));
