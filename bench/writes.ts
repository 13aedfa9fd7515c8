/** Durable creates a second, over HTTPS, with 1, 16 and 64 writers. */
import { ConfigMap } from '@coracle/machinery/api';
import { freshFolder, removeFolder, report, startBundle } from './support.ts';

export async function writes(): Promise<void> {
  const folder = freshFolder();
  const engine = await startBundle(folder);
  const client = engine.client();
  const data = { text: 'x'.repeat(512) };
  let serial = 0;
  for (const writers of [1, 16, 64]) {
    const run = async (milliseconds: number): Promise<number> => {
      const end = performance.now() + milliseconds;
      let made = 0;
      await Promise.all(
        Array.from({ length: writers }, async () => {
          while (performance.now() < end) {
            serial += 1;
            const metadata = { name: `c-${serial}`, namespace: 'default' };
            await client.create(ConfigMap, { metadata, data }, { namespace: 'default' });
            made += 1;
          }
        }),
      );
      return made / (milliseconds / 1000);
    };
    await run(500);
    report(`creates, ${writers} writer${writers > 1 ? 's' : ''}`, await run(4000), '/s');
  }
  await client.transport.close();
  await engine.stop();
  removeFolder(folder);
}
