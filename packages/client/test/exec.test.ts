import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { ConnectionError, createClient, httpsTransport } from '../src/index.ts';

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server that speaks one of the channel protocols and hands each socket to `session`. */
async function serve(protocol: string, session: (socket: WebSocket, url: string) => void) {
  const server = http.createServer((_, response) => {
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end('{}');
  });
  servers.push(server);
  const sockets = new WebSocketServer({
    server,
    handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
  });
  sockets.on('connection', (socket, request) => session(socket, request.url ?? ''));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return createClient(
    httpsTransport({ server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
  );
}
const frame = (channel: number, text: string): Buffer =>
  Buffer.concat([Buffer.of(channel), Buffer.from(text)]);
const success = frame(3, JSON.stringify({ metadata: {}, status: 'Success' }));
async function* input(...parts: string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

describe('exec over a WebSocket', () => {
  test('v5: carries stdin to its end, stdout, stderr and the exit code', async () => {
    let asked = '';
    const client = await serve('v5.channel.k8s.io', (socket, url) => {
      asked = url;
      let text = '';
      socket.on('message', (data: Buffer) => {
        if (data[0] === 0) text += data.subarray(1).toString();
        if (data[0] !== 255) return;
        expect(data[1]).toBe(0);
        socket.send(frame(1, `out:${text}`));
        socket.send(frame(2, 'err'));
        const causes = [{ reason: 'ExitCode', message: '42' }];
        const status = { status: 'Failure', reason: 'NonZeroExitCode', details: { causes } };
        socket.send(frame(3, JSON.stringify(status)));
        socket.close();
      });
    });
    const out: string[] = [];
    const code = await client.exec('p', {
      namespace: 'x',
      container: 'c',
      command: ['sh', '-c', 'a b'],
      stdin: input('one ', 'two'),
      stdout: (chunk) => out.push(Buffer.from(chunk).toString()),
      stderr: (chunk) => out.push(Buffer.from(chunk).toString()),
    });
    expect(code).toBe(42);
    expect(out).toEqual(['out:one two', 'err']);
    expect(asked).toBe(
      '/api/v1/namespaces/x/pods/p/exec?container=c&stdin=true&stdout=true&stderr=true&command=sh&command=-c&command=a+b',
    );
  });

  test('v4: works with a server that knows no v5, and resizes the terminal', async () => {
    const client = await serve('v4.channel.k8s.io', (socket) => {
      socket.on('message', (data: Buffer) => {
        if (data[0] !== 4) return;
        socket.send(frame(1, data.subarray(1).toString()));
        socket.send(success);
        socket.close();
      });
    });
    let text = '';
    const code = await client.exec('p', {
      namespace: 'x',
      command: ['sh'],
      tty: true,
      stdout: (chunk) => (text += Buffer.from(chunk).toString()),
      resize: (async function* () {
        yield { width: 80, height: 24 };
      })(),
    });
    expect(code).toBe(0);
    expect(text).toBe('{"Width":80,"Height":24}');
  });

  test('rejects with the Status when the command could not be run', async () => {
    const client = await serve('v5.channel.k8s.io', (socket) => {
      const status = { status: 'Failure', reason: 'InternalError', message: 'no such file', code: 500 };
      socket.send(frame(3, JSON.stringify(status)));
      socket.close();
    });
    await expect(client.exec('p', { namespace: 'x', command: ['nope'] })).rejects.toMatchObject({
      name: 'ApiError',
      message: 'no such file',
    });
  });

  test('rejects with ConnectionError when the session ends without a result', async () => {
    const client = await serve('v5.channel.k8s.io', (socket) => socket.terminate());
    await expect(client.exec('p', { namespace: 'x', command: ['a'] })).rejects.toBeInstanceOf(
      ConnectionError,
    );
  });

  test('rejects with the Status when the server refuses to upgrade', async () => {
    const status = {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'Forbidden',
      code: 403,
      message: 'no',
    };
    const server = http.createServer();
    servers.push(server);
    server.on('upgrade', (_, socket) => {
      const body = JSON.stringify(status);
      socket.end(`HTTP/1.1 403 Forbidden\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const client = createClient(httpsTransport({ server: `http://127.0.0.1:${port}` }));
    await expect(client.exec('p', { namespace: 'x', command: ['a'] })).rejects.toMatchObject({
      reason: 'Forbidden',
      code: 403,
    });
  });

  test('ends with the abort reason of its caller', async () => {
    const stop = new AbortController();
    const client = await serve('v5.channel.k8s.io', () => stop.abort(new Error('enough')));
    const session = client.exec('p', { namespace: 'x', command: ['a'], signal: stop.signal });
    await expect(session).rejects.toThrow('enough');
  });
});
