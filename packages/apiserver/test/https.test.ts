import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { request } from 'node:https';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { KubeletApi } from '@coracle/machinery';
import { createPki, type Listening, type Pki } from '../src/index.ts';
import { testServer, type TestServer } from '../src/testing.ts';

let t: TestServer;
let pki: Pki;
let port: Listening;
let h2: ClientHttp2Session;

const agent: Partial<KubeletApi> = {
  async exec(_ref, options, session) {
    for await (const chunk of session.stdin ?? []) await session.stdout?.(chunk);
    await session.stderr?.(Buffer.from(options.command.join(' ')));
    await session.finish({ exitCode: 2 });
  },
  async portForward(_ref, session) {
    for (const { port: number, stream } of session.ports ?? []) {
      const [data] = (await once(stream, 'data')) as [Buffer];
      await new Promise((resolve) => stream.write(`${number}:${data.toString()}`, resolve));
    }
  },
  async *logs(_ref, _options, signal) {
    yield Buffer.from('first\n');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  },
};

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
  h2 = connect(`https://127.0.0.1:${port.port}`, { ca: pki.authority.certificate });
});
afterAll(async () => {
  h2.destroy();
  await t.close();
});

interface Answer {
  code: number;
  headers: Record<string, string | string[] | undefined>;
  bytes: Buffer;
}

interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Buffer;
  cert?: string;
  key?: string;
  token?: string | null;
}

/** One request over HTTP/1.1. */
function h1(path: string, asked: Asked = {}): Promise<Answer> {
  const { method = 'GET', body, cert, key, token = t.adminToken } = asked;
  return new Promise((resolve, reject) => {
    const req = request(
      {
        host: '127.0.0.1',
        port: port.port,
        path,
        method,
        ca: pki.authority.certificate,
        ...(cert ? { cert, key } : {}),
        agent: false,
        headers: { ...(token === null ? {} : { authorization: `Bearer ${token}` }), ...asked.headers },
      },
      (res) => {
        const chunks: Buffer[] = [];
        res.on('data', (chunk: Buffer) => chunks.push(chunk));
        res.on('end', () =>
          resolve({ code: res.statusCode ?? 0, headers: res.headers, bytes: Buffer.concat(chunks) }),
        );
      },
    );
    req.on('error', reject);
    req.end(body);
  });
}

/** One request over h2. */
async function over2(path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  const stream = h2.request({ ':path': path, authorization: `Bearer ${t.adminToken}`, ...headers });
  stream.end(body);
  const [answered] = (await once(stream, 'response')) as [Record<string, string>];
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return { code: Number(answered[':status']), headers: answered, bytes: Buffer.concat(chunks) };
}
const parse = (answer: Answer): Record<string, unknown> =>
  JSON.parse(answer.bytes.toString()) as Record<string, unknown>;
const maps = '/api/v1/namespaces/default/configmaps';

describe('one port', () => {
  test('speaks HTTP/1.1 and h2', async () => {
    const made = await h1(maps, { method: 'POST', body: '{"metadata":{"name":"one"},"data":{"a":"1"}}' });
    expect(made.code).toBe(201);
    const read = await over2(`${maps}/one`);
    expect(read.headers['content-type']).toBe('application/json');
    expect(parse(read)).toEqual(parse(made));
  });
  test('HEAD has headers and no body', async () => {
    const answer = await h1(`${maps}/one`, { method: 'HEAD' });
    expect(answer.code).toBe(200);
    expect(answer.bytes).toHaveLength(0);
    expect(Number(answer.headers['content-length'])).toBeGreaterThan(10);
  });
  test('answers in YAML when asked', async () => {
    const answer = await h1(`${maps}/one`, { headers: { accept: 'application/yaml' } });
    expect(answer.bytes.toString()).toContain('kind: ConfigMap\n');
  });
  test('passes over protobuf in Accept for JSON', async () => {
    const answer = await h1(`${maps}/one`, {
      headers: { accept: 'application/vnd.kubernetes.protobuf,application/json' },
    });
    expect(parse(answer)).toMatchObject({ kind: 'ConfigMap' });
  });
  test('gzips what is big, when welcome', async () => {
    await h1(maps, {
      method: 'POST',
      body: JSON.stringify({ metadata: { name: 'big' }, data: { a: 'x'.repeat(300_000) } }),
    });
    const packed = await h1(maps, { headers: { 'accept-encoding': 'gzip' } });
    expect(packed.headers['content-encoding']).toBe('gzip');
    const plain = await h1(maps);
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(gunzipSync(packed.bytes)).toEqual(plain.bytes);
  });
  test('packs what is very big piece by piece', async () => {
    const many = '/api/v1/namespaces/kube-public/configmaps';
    for (const name of ['a', 'b'])
      await h1(many, {
        method: 'POST',
        body: JSON.stringify({ metadata: { name }, data: { a: name.repeat(600_000) } }),
      });
    const headers = { 'accept-encoding': 'gzip' };
    const [packed, again, head] = [
      await h1(many, { headers }),
      await over2(many, { 'accept-encoding': 'gzip' }),
      await h1(many, { method: 'HEAD', headers }),
    ];
    const plain = await h1(many);
    expect(plain.bytes.length).toBeGreaterThan(1_200_000);
    for (const { headers: said, bytes } of [packed, again]) {
      expect(said['content-encoding']).toBe('gzip');
      expect(bytes.length).toBeLessThan(100_000);
      expect(gunzipSync(bytes)).toEqual(plain.bytes);
    }
    expect(head.bytes).toHaveLength(0);
  });
});

describe('who asks', () => {
  test('a client certificate of our authority is believed', async () => {
    const me = await h1('/apis/authentication.k8s.io/v1/selfsubjectreviews', {
      method: 'POST',
      body: '{}',
      token: null,
      cert: pki.admin.certificate,
      key: pki.admin.privateKey,
    });
    expect(parse(me)).toMatchObject({ status: { userInfo: { username: 'kubernetes-admin' } } });
  });
  test('a certificate of another authority is Unauthorized', async () => {
    const other = createPki();
    const answer = await h1(maps, {
      token: null,
      cert: other.admin.certificate,
      key: other.admin.privateKey,
    });
    expect({ code: answer.code, body: parse(answer) }).toMatchObject({
      code: 401,
      body: { reason: 'Unauthorized' },
    });
  });
  test('a wrong token is Unauthorized', async () => {
    expect(parse(await h1(maps, { token: 'wrong' }))).toMatchObject({ code: 401, reason: 'Unauthorized' });
  });
});

describe('bad requests', () => {
  test('a body over 3 MiB is 413', async () => {
    const answer = await h1(maps, { method: 'POST', body: Buffer.alloc(3 * 1024 * 1024 + 1, 32) });
    expect(parse(answer)).toMatchObject({ code: 413, reason: 'RequestEntityTooLarge' });
  });
  test('a path that is not well encoded is 400', async () => {
    expect(parse(await h1('/api/v1/%zz'))).toMatchObject({ code: 400, reason: 'BadRequest' });
  });
  test('exec without an upgrade is 400', async () => {
    const answer = await h1('/api/v1/namespaces/default/pods/run/exec?command=x&stdout=1');
    expect(parse(answer)).toMatchObject({ code: 400, message: 'Upgrade request required' });
  });
  test('headers without end are refused and the server goes on', async () => {
    const huge = h1(maps, { headers: { 'x-huge': 'x'.repeat(200_000) } });
    // The server answers 431 and hangs up, perhaps before the caller has sent everything.
    const code = await huge.then(
      (answer) => answer.code,
      () => 431,
    );
    expect(code).toBe(431);
    expect((await h1(maps)).code).toBe(200);
  });
});

describe('watch', () => {
  test.each(['h1', 'h2'])('over %s is a line of JSON an event', async (version) => {
    const path = `${maps}?watch=1&resourceVersion=${t.store.revision}`;
    const lines: string[] = [];
    let wake = (): void => {};
    const onData = (chunk: Buffer): void => {
      lines.push(...chunk.toString().split('\n').filter(Boolean));
      wake();
    };
    let stop: () => void;
    if (version === 'h2') {
      const stream = h2.request({ ':path': path, authorization: `Bearer ${t.adminToken}` });
      await once(stream, 'response');
      stream.on('data', onData);
      stop = () => stream.close();
    } else {
      const req = request({
        host: '127.0.0.1',
        port: port.port,
        path,
        ca: pki.authority.certificate,
        agent: false,
        headers: { authorization: `Bearer ${t.adminToken}` },
      });
      req.end();
      const [res] = (await once(req, 'response')) as [NodeJS.ReadableStream];
      res.on('data', onData);
      req.on('error', () => {});
      stop = () => req.destroy();
    }
    await t.call('POST', maps, { metadata: { name: `seen-${version}` } });
    while (lines.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      type: 'ADDED',
      object: { kind: 'ConfigMap', metadata: { name: `seen-${version}` } },
    });
    stop();
  });
});

describe('WebSocket', () => {
  const socket = (path: string, protocol: string): WebSocket =>
    new WebSocket(`wss://127.0.0.1:${port.port}/api/v1/namespaces/default/pods/run/${path}`, [protocol], {
      ca: pki.authority.certificate,
      headers: { authorization: `Bearer ${t.adminToken}` },
    });
  const exec = 'exec?command=a&command=b&stdin=1&stdout=1&stderr=1';
  test('exec over v5: channels, end of stdin, exit code', async () => {
    const ws = socket(exec, 'v5.channel.k8s.io');
    const frames: [number, string][] = [];
    ws.on('message', (data: Buffer) => frames.push([data[0] ?? -1, data.subarray(1).toString()]));
    await once(ws, 'open');
    expect(ws.protocol).toBe('v5.channel.k8s.io');
    ws.send(Buffer.concat([Buffer.of(0), Buffer.from('hello')]));
    ws.send(Buffer.of(255, 0));
    await once(ws, 'close');
    expect(frames[0]).toEqual([1, 'hello']);
    expect(frames[1]).toEqual([2, 'a b']);
    expect(frames[2]?.[0]).toBe(3);
    expect(JSON.parse(frames[2]?.[1] ?? '')).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '2' }] },
    });
  });
  test('exec over base64', async () => {
    const ws = socket('exec?command=a&stderr=1', 'base64.channel.k8s.io');
    const [data] = (await once(ws, 'message')) as [Buffer];
    expect(data.toString()).toBe(`2${Buffer.from('a').toString('base64')}`);
    await once(ws, 'close');
  });
  test('an unknown protocol is refused with a Status', async () => {
    const ws = socket(exec, 'v9.channel.k8s.io');
    const [, res] = (await once(ws, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(res.statusCode).toBe(400);
    ws.on('error', () => {});
    ws.terminate();
  });
  test('a refusal of the pipeline is an HTTP answer', async () => {
    const ws = socket('exec?stdout=1', 'v5.channel.k8s.io');
    const [, res] = (await once(ws, 'unexpected-response')) as [unknown, { statusCode: number }];
    expect(res.statusCode).toBe(400);
    ws.on('error', () => {});
    ws.terminate();
  });
  test('port-forward: two channels a port, labelled with it', async () => {
    const ws = socket('portforward?ports=8080', 'v4.channel.k8s.io');
    const frames: Buffer[] = [];
    ws.on('message', (data: Buffer) => frames.push(data));
    await once(ws, 'open');
    ws.send(Buffer.concat([Buffer.of(0), Buffer.from('ping')]));
    await once(ws, 'close');
    expect(frames[0]).toEqual(Buffer.of(0, 0x90, 0x1f));
    expect(frames[1]).toEqual(Buffer.of(1, 0x90, 0x1f));
    expect(frames[2]).toEqual(Buffer.concat([Buffer.of(0), Buffer.from('8080:ping')]));
  });
});

test('close ends open streams', async () => {
  const own = await testServer({ nodes: { connect: () => agent as KubeletApi } });
  await own.call('POST', '/api/v1/namespaces/default/pods', {
    metadata: { name: 'run' },
    spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
  });
  const listening = await own.server.listen({
    tls: { cert: pki.serving.certificate, key: pki.serving.privateKey, ca: pki.authority.certificate },
  });
  const session = connect(`https://127.0.0.1:${listening.port}`, { ca: pki.authority.certificate });
  session.on('error', () => {});
  const stream = session.request({
    ':path': '/api/v1/namespaces/default/pods/run/log?follow=1',
    authorization: `Bearer ${own.adminToken}`,
  });
  stream.on('error', () => {});
  const [data] = (await once(stream, 'data')) as [Buffer];
  expect(data.toString()).toBe('first\n');
  const closed = once(stream, 'close');
  await own.close();
  await closed;
  session.destroy();
});
