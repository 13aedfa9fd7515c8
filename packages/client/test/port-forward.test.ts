import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { createClient, httpsTransport, inProcessTransport } from '../src/index.ts';

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
const asked = { namespace: 'x', port: 8080 };

describe('port-forward', () => {
  test('over a WebSocket: carries bytes both ways, and ends with the other side', async () => {
    const server = http.createServer();
    servers.push(server);
    let url = '';
    new WebSocketServer({ server, handleProtocols: () => 'v4.channel.k8s.io' }).on(
      'connection',
      (socket, request) => {
        url = request.url ?? '';
        socket.send(Buffer.from([0, 0x90, 0x1f]));
        socket.send(Buffer.from([1, 0x90, 0x1f]));
        socket.on('message', (data: Buffer) => {
          socket.send(Buffer.concat([Buffer.of(0), Buffer.from(`echo ${data.subarray(1)}`)]));
          socket.close(1000);
        });
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = createClient(httpsTransport({ server: `http://127.0.0.1:${port}` }));
    const stream = await client.portForward('p', asked);
    stream.write('hello');
    expect(await text(stream)).toBe('echo hello');
    expect(url).toBe('/api/v1/namespaces/x/pods/p/portforward?ports=8080');
  });

  test('over a WebSocket: what the pod refuses is the error of the stream', async () => {
    const server = http.createServer();
    servers.push(server);
    new WebSocketServer({ server, handleProtocols: () => 'v4.channel.k8s.io' }).on('connection', (socket) => {
      socket.send(Buffer.from([1, 0x90, 0x1f]));
      socket.send(Buffer.concat([Buffer.of(1), Buffer.from('connection refused')]));
      socket.close();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = createClient(httpsTransport({ server: `http://127.0.0.1:${port}` }));
    const stream = await client.portForward('p', asked);
    await expect(text(stream)).rejects.toThrow('connection refused');
  });

  test('in process: the session has one end, the caller the other', async () => {
    const transport = inProcessTransport(
      async () => ({
        kind: 'upgrade',
        async run({ ports, finish }) {
          const [only] = ports ?? [];
          expect(only?.port).toBe(8080);
          for await (const chunk of only!.stream) {
            only!.stream.write(`echo ${chunk}`);
            break;
          }
          await finish({ exitCode: 0 });
        },
      }),
      { kind: 'none' },
    );
    const stream = await createClient(transport).portForward('p', asked);
    stream.write('hello');
    const first = await new Promise((resolve) => stream.once('data', resolve));
    expect(String(first)).toBe('echo hello');
  });

  test('in process: a failure is the error of the stream', async () => {
    const transport = inProcessTransport(
      async () => ({
        kind: 'upgrade',
        run: async ({ finish }) => finish({ error: new Error('connection refused') }),
      }),
      { kind: 'none' },
    );
    const stream = await createClient(transport).portForward('p', asked);
    await expect(text(stream)).rejects.toThrow('connection refused');
  });
});

describe('attach', () => {
  test('asks for the streams of the main process', async () => {
    let query = '';
    let path = '';
    const transport = inProcessTransport(
      async (request) => {
        ({ path } = request);
        query = request.query.toString();
        return {
          kind: 'upgrade',
          async run(session) {
            await session.stdout?.(Buffer.from('line'));
            await session.finish({ exitCode: 0 });
          },
        };
      },
      { kind: 'none' },
    );
    let out = '';
    const stdout = (chunk: Uint8Array): void => void (out += Buffer.from(chunk).toString());
    expect(await createClient(transport).attach('p', { namespace: 'x', container: 'c', stdout })).toBe(0);
    expect([out, path, query]).toEqual([
      'line',
      '/api/v1/namespaces/x/pods/p/attach',
      'container=c&stdout=true',
    ]);
  });
});
