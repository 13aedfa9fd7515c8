/** Calls and watch events a second through each transport, with a server that does no work. `node bench/transports.ts` */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ApiHandler, deepFreeze, type WatchEvent } from '@coracle/machinery';
import { Pod } from '@coracle/machinery/api';
import { createClient, httpsTransport, inProcessTransport, type Transport } from '../src/index.ts';

const pod = deepFreeze({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name: 'p',
    namespace: 'x',
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: {
    containers: Array.from({ length: 4 }, (_, i) => ({
      name: `c${i}`,
      image: 'busybox',
      args: ['a'.repeat(300)],
    })),
  },
});
const bytes = Buffer.from(JSON.stringify(pod));
const event: WatchEvent = { type: 'MODIFIED', object: pod };
const line = Buffer.from(`${JSON.stringify(event)}\n`);
const batch = Buffer.concat(Array.from({ length: 50 }, () => line));
const calls = 20_000;
const events = 100_000;

const handler: ApiHandler = async ({ query }) => {
  if (query.get('watch') !== 'true') return { kind: 'object', code: 200, headers: {}, value: pod };
  return {
    kind: 'watch',
    code: 200,
    headers: {},
    start(sink) {
      let sent = 0;
      const pump = (): void => {
        while (sent < events) {
          sent += 50;
          if (
            !sink.events(
              Array.from({ length: 50 }, () => event),
              undefined,
            )
          )
            return;
        }
        sink.end();
      };
      setImmediate(pump);
      return { drained: pump, stop: () => undefined };
    },
  };
};
const server = http.createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  if (!request.url?.includes('watch=true')) {
    response.end(bytes);
    return;
  }
  let sent = 0;
  const pump = (): void => {
    while (sent < events) {
      sent += 50;
      if (!response.write(batch)) {
        response.once('drain', pump);
        return;
      }
    }
    response.end();
  };
  pump();
});

async function measure(name: string, transport: Transport): Promise<void> {
  const client = createClient(transport);
  const rate = async (what: string, count: number, work: () => Promise<void>): Promise<void> => {
    const start = performance.now();
    await work();
    const seconds = (performance.now() - start) / 1000;
    console.log(`${name}: ${Math.round(count / seconds).toLocaleString('en')} ${what}/s`);
  };
  const get = (): Promise<unknown> => client.get(Pod, 'p', { namespace: 'x' });
  for (let i = 0; i < 500; i++) await get();
  await rate('gets, one at a time', calls / 10, async () => {
    for (let i = 0; i < calls / 10; i++) await get();
  });
  await rate('gets, 16 at a time', calls, async () => {
    const worker = async (): Promise<void> => {
      for (let i = 0; i < calls / 16; i++) await get();
    };
    await Promise.all(Array.from({ length: 16 }, worker));
  });
  await rate(`watch events of ${line.length} bytes`, events, async () => {
    let seen = 0;
    for await (const _ of client.watch(Pod)) seen += 1;
    if (seen !== events) throw new Error(`${seen} events came`);
  });
  await transport.close();
}

await measure('in process', inProcessTransport(handler, { kind: 'none' }));
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
await measure(
  'HTTP',
  httpsTransport({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
);
server.close();
