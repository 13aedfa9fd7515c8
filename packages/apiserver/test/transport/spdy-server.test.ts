/** exec and port-forward over SPDY through the HTTPS port, plain and inside a WebSocket, as client-go asks for them. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { type Duplex, PassThrough } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ApiError, type KubeletApi, type StreamSession } from '@coracle/machinery';
import { createPki, type Listening, type Pki } from '../../src/index.ts';
import { testServer, type TestServer } from '../../src/testing.ts';
import { binaryMessages } from './binary-messages.ts';
import { type ClientStream, SpdyClient } from './spdy-client.ts';

let t: TestServer;
let pki: Pki;
let port: Listening;
const sizes: unknown[] = [];
const seen: { session?: StreamSession; release?: () => void } = {};

/** Echoes: input to output, and what comes on a port back to it. Port 7 refuses. */
const agent: Partial<KubeletApi> = {
  async exec(_ref, options, session) {
    seen.session = session;
    if (options.command[0] === 'missing') throw new ApiError('BadRequest', 'no such command');
    if (options.command[0] === 'sizes')
      for await (const size of session.resize ?? []) if (sizes.push(size) === 2) break;
    if (options.command[0] === 'deaf') return new Promise((resolve) => (seen.release = resolve));
    if (options.command[0] === 'wait') {
      await session.stdout?.(Buffer.from('waits'));
      await once(session.signal, 'abort');
      return;
    }
    for await (const chunk of session.stdin ?? []) await session.stdout?.(chunk);
    await session.stderr?.(Buffer.from('heard'));
    await session.finish({ exitCode: options.command[0] === 'fails' ? 2 : 0 });
  },
  async portForward(_ref, session) {
    const [{ port: number, stream } = { port: 0, stream: new PassThrough() }] = session.ports ?? [];
    if (number === 7) throw new ApiError('BadRequest', 'connection refused');
    await pipeline(stream, new PassThrough(), stream).catch(() => undefined);
    await session.finish({ exitCode: 0 });
  },
};
const base = '/api/v1/namespaces/default/pods/run';

beforeAll(async () => {
  pki = createPki();
  t = await testServer({ nodes: { connect: () => agent as KubeletApi } });
  port = await t.server.listen({
    tls: { cert: pki.serving.certificate, key: pki.serving.privateKey, ca: pki.authority.certificate },
  });
  await t.call('POST', '/api/v1/namespaces/default/pods', {
    metadata: { name: 'run' },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
  });
});
afterAll(() => t.close());

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

interface Switched {
  socket: Duplex;
  head: Buffer;
  answer: IncomingMessage;
}

/** Asks for an upgrade. Resolves with what it became, or with the answer of a server that refuses. */
function ask(
  path: string,
  headers: Record<string, string>,
  { method = 'POST', to = port.port, token = t.adminToken } = {},
): Promise<Switched | { refused: number; body: string }> {
  return new Promise((resolve, reject) => {
    const req = request({
      host: '127.0.0.1',
      port: to,
      path: `${base}/${path}`,
      method,
      ca: pki.authority.certificate,
      agent: false,
      headers: { authorization: `Bearer ${token}`, connection: 'Upgrade', ...headers },
    });
    req.on('upgrade', (answer, socket, head) => {
      socket.on('error', () => {});
      ends.push(() => socket.destroy());
      resolve({ socket, head, answer });
    });
    req.on('response', (answer) => {
      answer.setEncoding('utf8');
      void answer
        .toArray()
        .then((parts) => resolve({ refused: answer.statusCode ?? 0, body: parts.join('') }));
    });
    req.on('error', reject);
    req.end();
  });
}
const plain = (
  path: string,
  protocols?: string,
  token = t.adminToken,
  to = port.port,
): ReturnType<typeof ask> =>
  ask(
    path,
    { upgrade: 'SPDY/3.1', ...(protocols === undefined ? {} : { 'x-stream-protocol-version': protocols }) },
    { token, to },
  );

async function upgraded(
  path: string,
  protocols: string,
  to = port.port,
  token = t.adminToken,
): Promise<SpdyClient> {
  const result = await plain(path, protocols, token, to);
  if (!('socket' in result)) throw new Error(`${result.refused} ${result.body}`);
  const { socket, head } = result;
  const client = new SpdyClient((bytes) => void socket.write(bytes));
  socket.on('data', (chunk: Buffer) => client.receive(chunk));
  socket.on('close', () => client.close());
  if (head.length > 0) client.receive(head);
  return client;
}

async function tunnel(to = port.port, token = t.adminToken): Promise<SpdyClient> {
  const headers = {
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    'sec-websocket-protocol': 'SPDY/3.1+portforward.k8s.io',
  };
  const result = await ask('portforward', headers, { method: 'GET', to, token });
  if (!('socket' in result)) throw new Error(`${result.refused} ${result.body}`);
  expect(result.answer.headers['sec-websocket-protocol']).toBe('SPDY/3.1+portforward.k8s.io');
  const client: SpdyClient = new SpdyClient((bytes) => send(bytes));
  const send = binaryMessages(
    result.socket,
    result.head,
    (bytes) => client.receive(bytes),
    () => client.close(),
  );
  return client;
}

describe('exec over SPDY', () => {
  const path = 'exec?command=echo&stdin=true&stdout=true&stderr=true';
  const open = (client: SpdyClient, ...types: string[]): ClientStream[] =>
    types.map((streamtype) => client.open({ streamtype }));

  test('answers with the first protocol of the client that it speaks', async () => {
    const result = await plain(path, 'v9.channel.k8s.io, v4.channel.k8s.io,v3.channel.k8s.io');
    if (!('answer' in result)) throw new Error(result.body);
    expect(result.answer.headers).toMatchObject({
      connection: 'Upgrade',
      upgrade: 'SPDY/3.1',
      'x-stream-protocol-version': 'v4.channel.k8s.io',
    });
  });
  test.each(['v5.channel.k8s.io', 'v4.channel.k8s.io'])('%s ends with a Status', async (protocol) => {
    const client = await upgraded(path.replace('echo', 'fails'), protocol);
    const [error, stdin, stdout, stderr] = open(client, 'error', 'stdin', 'stdout', 'stderr');
    if (!error || !stdin || !stdout || !stderr) throw new Error('not opened');
    client.data(stdin, 'hello ');
    client.data(stdin, 'there', true);
    await client.until(() => error.ended && stdout.ended && stderr.ended);
    expect([stdout.text(), stderr.text()]).toEqual(['hello there', 'heard']);
    expect(JSON.parse(error.text())).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '2' }] },
    });
  });
  test('success is a Status too, and an error of the agent', async () => {
    for (const [command, expected] of [
      ['echo', { status: 'Success' }],
      ['missing', { status: 'Failure', message: 'no such command', code: 400 }],
    ] as const) {
      const client = await upgraded(`exec?command=${command}&stdout=1`, 'v4.channel.k8s.io');
      const [error] = open(client, 'error', 'stdout');
      await client.until(() => error?.ended === true);
      expect(JSON.parse(error?.text() ?? '')).toMatchObject(expected);
    }
  });
  test('versions before 4 end with plain text', async () => {
    const client = await upgraded('exec?command=fails&stdout=1', 'v2.channel.k8s.io');
    const [error] = open(client, 'error', 'stdout');
    await client.until(() => error?.ended === true);
    expect(error?.text()).toBe('exit code 2');
  });
  test('terminal sizes come however they are cut', async () => {
    const client = await upgraded('exec?command=sizes&stdout=1&tty=1', 'v4.channel.k8s.io');
    const [error, , resize] = open(client, 'error', 'stdout', 'resize');
    if (!resize) throw new Error('not opened');
    client.data(resize, '{"Width":80,"Height":24}\n{"Wid');
    client.data(resize, 'th":"no"}\n{"Width":100,"Height":50}\n');
    await client.until(() => error?.ended === true);
    expect(sizes).toEqual([
      { width: 80, height: 24 },
      { width: 100, height: 50 },
    ]);
  });
  test('input that nobody reads does not hold up the end', async () => {
    const client = await upgraded('exec?command=deaf&stdin=1', 'v4.channel.k8s.io');
    const [error, stdin] = open(client, 'error', 'stdin');
    if (!error || !stdin) throw new Error('not opened');
    await client.until(() => stdin.replied);
    client.data(stdin, Buffer.alloc(8 * 1024 * 1024));
    client.send({ kind: 'ping', id: 1 });
    seen.release?.();
    await client.until(() => error.ended && client.others.some((frame) => frame.kind === 'ping'));
    expect(stdin.reset).toBe(5);
  });
  test('streams that were not asked for, and second ones, are refused', async () => {
    const client = await upgraded('exec?command=echo&stdout=1', 'v4.channel.k8s.io');
    const [stdin, stdout, again] = open(client, 'stdin', 'stdout', 'stdout');
    await client.until(() => again?.reset !== undefined);
    expect([stdin?.reset, stdout?.reset, again?.reset]).toEqual([3, undefined, 3]);
  });
  test('the session is aborted when the client goes', async () => {
    const client = await upgraded('exec?command=wait&stdout=1&stdin=1', 'v4.channel.k8s.io');
    const [, stdout] = open(client, 'error', 'stdout', 'stdin');
    await client.until(() => stdout?.text() === 'waits');
    const aborted = seen.session && once(seen.session.signal, 'abort');
    for (const end of ends.splice(0)) end();
    await aborted;
    // Input has ended, quietly.
    for await (const chunk of seen.session?.stdin ?? []) expect(chunk).toBeUndefined();
  });
  test('bytes that are no SPDY end the connection', async () => {
    const client = await upgraded(path, 'v4.channel.k8s.io');
    client.send({ kind: 'windowUpdate', streamId: 0, delta: 0 });
    await client.until(() => client.closed);
    expect(client.others).toMatchObject([{ kind: 'goAway', status: 1 }]);
  });
});

describe('an upgrade to SPDY is refused', () => {
  test('without a protocol the two can speak', async () => {
    expect(await plain('exec?command=a&stdout=1', 'portforward.k8s.io')).toEqual({
      refused: 403,
      body: expect.stringMatching(/client supports \[portforward.k8s.io\], server accepts \[v5/) as string,
    });
    expect(await plain('portforward', 'v4.channel.k8s.io')).toMatchObject({ refused: 403 });
    expect(await plain('portforward', undefined)).toMatchObject({ refused: 400 });
  });
  test('by the same pipeline as any request', async () => {
    expect(await plain('exec?stdout=1', 'v4.channel.k8s.io')).toMatchObject({
      refused: 400,
      body: expect.stringMatching(/must specify a command/) as string,
    });
    expect(await plain('portforward', 'portforward.k8s.io', 'wrong')).toMatchObject({ refused: 401 });
  });
});

describe.each([
  ['SPDY', () => upgraded('portforward', 'portforward.k8s.io')],
  ['SPDY inside WebSocket', () => tunnel()],
] as const)('port-forward over %s', (_name, connect) => {
  const pair = (client: SpdyClient, requestid: string, to = '80'): ClientStream[] =>
    ['error', 'data'].map((streamtype) => client.open({ streamtype, port: to, requestid }));

  test('carries many connections at once, whole', async () => {
    const client = await connect();
    const pairs = Array.from({ length: 20 }, (_, i) => pair(client, String(i)));
    for (const [i, [error, data]] of pairs.entries()) {
      if (!error || !data) throw new Error('not opened');
      client.data(error, '', true);
      client.data(data, Buffer.alloc(100_000, `${i},`));
      client.data(data, 'end', true);
    }
    await client.until(() => pairs.flat().every((stream) => stream.ended));
    for (const [i, [error, data]] of pairs.entries()) {
      expect(error?.text()).toBe('');
      expect(data?.text()).toBe(`${Buffer.alloc(100_000, `${i},`).toString()}end`);
    }
    expect(client.closed).toBe(false);
  });
  test('says on the error stream why a port cannot be reached, and goes on', async () => {
    const client = await connect();
    const [error, data] = pair(client, '0', '7');
    await client.until(() => error?.ended === true && data?.ended === true);
    expect(error?.text()).toBe('error forwarding port 7 to pod run: connection refused');
    const [, works] = pair(client, '1');
    if (!works) throw new Error('not opened');
    client.data(works, 'hi', true);
    await client.until(() => works.ended);
    expect(works.text()).toBe('hi');
  });
  test('a client that resets its data hears the end of the error stream', async () => {
    const client = await connect();
    const [error, data] = pair(client, '0');
    if (!error || !data) throw new Error('not opened');
    client.data(data, 'x');
    await client.until(() => data.text() === 'x');
    client.send({ kind: 'rstStream', streamId: data.id, status: 5 });
    await client.until(() => error.ended);
    expect(error.text()).toBe('');
  });
  test('pairs streams of old clients, that have no request ids, by their order', async () => {
    const client = await connect();
    client.open({ streamtype: 'error', port: '80' });
    const data = client.open({ streamtype: 'data', port: '80' });
    client.data(data, 'old', true);
    await client.until(() => data.ended);
    expect(data.text()).toBe('old');
  });
  test.each([
    [{ streamtype: 'data', port: '0', requestid: '1' }],
    [{ streamtype: 'data', port: '65536', requestid: '1' }],
    [{ streamtype: 'data', port: '8x', requestid: '1' }],
    [{ streamtype: 'data', requestid: '1' }],
    [{ streamtype: 'other', port: '80', requestid: '1' }],
  ])('refuses a stream with %j', async (headers) => {
    const client = await connect();
    const stream = client.open(headers as unknown as Record<string, string>);
    await client.until(() => stream.reset !== undefined);
    expect(stream.reset).toBe(3);
  });
  test('a second stream of one kind for a request is an error', async () => {
    const client = await connect();
    const error = client.open({ streamtype: 'error', port: '80', requestid: '1' });
    const again = client.open({ streamtype: 'error', port: '80', requestid: '1' });
    await client.until(() => again.reset !== undefined && error.ended);
    expect(error.text()).toMatch(/error stream already assigned/);
  });
});

/** A server of its own, with timers that fire when told; `fire` waits until one of that length is set. */
async function timed(): Promise<{ server: TestServer; number: number; fire(ms: number): Promise<void> }> {
  const set: { ms: number; fire: () => void }[] = [];
  let wake = (): void => {};
  const server = await testServer({
    nodes: { connect: () => agent as KubeletApi },
    timers: {
      after(ms, fire) {
        const timer = { ms, fire };
        set.push(timer);
        wake();
        return () => void set.splice(set.indexOf(timer), set.includes(timer) ? 1 : 0);
      },
    },
  });
  const { port: number } = await server.server.listen({
    tls: { cert: pki.serving.certificate, key: pki.serving.privateKey, ca: pki.authority.certificate },
  });
  await server.call('POST', '/api/v1/namespaces/default/pods', {
    metadata: { name: 'run' },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
  });
  const fire = async (ms: number): Promise<void> => {
    for (;;) {
      const timer = set.find((each) => each.ms === ms);
      if (timer) return timer.fire();
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
  return { server, number, fire };
}

describe('a client that does not go on', () => {
  test('after opening half a pair is told so, and its stream is let go', async () => {
    const { server, number, fire } = await timed();
    const client = await tunnel(number, server.adminToken);
    const error = client.open({ streamtype: 'error', port: '80', requestid: '1' });
    await client.until(() => error.replied);
    await fire(30_000);
    await client.until(() => error.ended);
    expect(error.text()).toBe('request 1: timed out waiting for streams');
    const data = client.open({ streamtype: 'data', port: '80', requestid: '2' });
    await client.until(() => data.replied);
    await fire(30_000);
    await client.until(() => data.reset !== undefined);
    await server.close();
  });
  test('with the streams of an exec, or after its end, is disconnected', async () => {
    const { server, number, fire } = await timed();
    const exec = 'exec?command=echo&stdout=1';
    const early = await upgraded(exec, 'v4.channel.k8s.io', number, server.adminToken);
    early.open({ streamtype: 'stdout' });
    await fire(30_000);
    await early.until(() => early.closed);
    const late = await upgraded(exec, 'v4.channel.k8s.io', number, server.adminToken);
    const error = late.open({ streamtype: 'error' });
    late.open({ streamtype: 'stdout' });
    await late.until(() => error.ended);
    await fire(10_000);
    await late.until(() => late.closed);
    await server.close();
  });
});

test('an open connection ends with the server', async () => {
  const { server, number } = await timed();
  const client = await tunnel(number, server.adminToken);
  await server.close();
  await client.until(() => client.closed);
});
