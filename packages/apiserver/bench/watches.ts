/** Watch events delivered a second to 100 watchers, in-process and over h2. `node packages/apiserver/bench/watches.ts` */
import { once } from 'node:events';
import type { ClientHttp2Stream } from 'node:http2';
import { line, pod, rate, setup } from './setup.ts';

const bench = await setup();
const { t } = bench;
const path = '/api/v1/namespaces/default/pods';
const watchers = 100;
const writes = Number(process.argv[2] ?? 1000);
let serial = 0;

async function run(
  name: string,
  open: (seen: (events: number) => void) => Promise<() => void>,
): Promise<void> {
  let delivered = 0;
  let done = (): void => {};
  const all = new Promise<void>((resolve) => (done = resolve));
  const stops: (() => void)[] = [];
  for (let i = 0; i < watchers; i++)
    stops.push(
      await open((events) => {
        delivered += events;
        if (delivered >= watchers * writes) done();
      }),
    );
  const started = performance.now();
  await rate(writes, 64, () => t.call('POST', path, pod(`p-${serial++}`)));
  const written = performance.now();
  await all;
  const seconds = (performance.now() - started) / 1000;
  line(`${name}: events to ${watchers} watchers`, delivered / seconds, '/s');
  line('  last event after the last write', performance.now() - written, 'ms');
  for (const stop of stops) stop();
}

for (const want of ['values', 'bytes'] as const)
  await run(`in-process, ${want}`, async (seen) => {
    const response = await t.handler({
      method: 'GET',
      path,
      query: new URLSearchParams(`watch=1&resourceVersion=${t.store.revision}`),
      headers: {},
      credentials: t.admin,
      want,
      signal: new AbortController().signal,
    });
    if (response.kind !== 'watch') throw new Error('no watch');
    const handle = response.start({
      events(events, encoded) {
        seen(encoded?.length ?? events.length);
        return true;
      },
      end() {},
    });
    return () => handle.stop();
  });

await run('HTTPS, 100 connections', async (seen) => {
  const session = bench.connect();
  const stream: ClientHttp2Stream = session.request({
    ':path': `${path}?watch=1&resourceVersion=${t.store.revision}`,
    authorization: `Bearer ${t.adminToken}`,
  });
  await once(stream, 'response');
  stream.on('data', (chunk: Buffer) => {
    let lines = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
    seen(lines);
  });
  return () => session.destroy();
});
await bench.close();
