/** Writes into the store named by its argument until that fails, then says what it saw. Run with a limit on file size. */
import { openStore } from '../src/index.ts';

const store = await openStore({ path: process.argv[2]! });
const write = (key: string) => store.write({ key, seal: () => ({ bytes: Buffer.alloc(5000, key) }) });
const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
let acknowledged = 0;
let first = '';
try {
  for (; acknowledged < 10_000; acknowledged++) await write(`key-${acknowledged}`);
} catch (error) {
  first = text(error);
}
const later = await write('later').then(() => 'accepted', text);
const { revision } = store;
const readable = store.range('key-').entries.length;
await store.close();
process.stdout.write(`\nRESULT ${JSON.stringify({ acknowledged, first, later, revision, readable })}\n`);
