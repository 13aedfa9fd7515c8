import type http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import zlib from 'node:zlib';
import { ConfigMap, Pod } from '@coracle/machinery/api';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ConnectionError, createClient, httpsTransport, type HttpsTransportOptions } from '../src/index.ts';
import { makeCertificates } from './certificates.ts';

let certificates: Awaited<ReturnType<typeof makeCertificates>>;
let server: https.Server;
let url: string;
let answer: http.RequestListener;
const seen: {
  method: string;
  url: string;
  headers: Record<string, unknown>;
  subject: string;
  body: string;
}[] = [];

beforeAll(async () => {
  certificates = await makeCertificates();
  const { cert, key } = certificates.server;
  const options = { cert, key, ca: certificates.ca, requestCert: true, rejectUnauthorized: false };
  server = https.createServer(options, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const peer = (request.socket as TLSSocket).getPeerCertificate();
      seen.push({
        method: request.method ?? '',
        url: request.url ?? '',
        headers: request.headers,
        subject: peer.subject ? [peer.subject.CN].flat()[0]! : '',
        body: Buffer.concat(chunks).toString(),
      });
      answer(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen.length = 0;
});

const respond = (listener: http.RequestListener): void => {
  answer = listener;
};
const json = (code: number, value: unknown, headers: Record<string, string> = {}): void =>
  respond((_, response) => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(value));
  });
const clientOf = (options: Partial<HttpsTransportOptions> = {}) =>
  createClient(httpsTransport({ server: url, ca: certificates.ca, ...options }));
const map = (name: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, resourceVersion: '7' },
});

describe('https transport', () => {
  test('shows its client certificate, and answers frozen objects', async () => {
    json(200, map('a'));
    const client = clientOf({
      cert: certificates.client.cert,
      key: certificates.client.key,
      userAgent: 'tester',
    });
    const object = await client.get(ConfigMap, 'a', { namespace: 'default' });
    expect(object.metadata.name).toBe('a');
    expect(Object.isFrozen(object.metadata)).toBe(true);
    expect(seen[0]).toMatchObject({
      method: 'GET',
      url: '/api/v1/namespaces/default/configmaps/a',
      subject: 'alice',
      headers: { 'user-agent': 'tester' },
    });
    await client.transport.close();
  });

  test('sends a token and impersonation headers', async () => {
    json(200, map('a'));
    const client = clientOf({ token: async () => 'abc', impersonate: { user: 'bob', groups: ['g1', 'g2'] } });
    await client.get(ConfigMap, 'a', { namespace: 'default' });
    expect(seen[0]?.headers).toMatchObject({
      authorization: 'Bearer abc',
      'impersonate-user': 'bob',
      'impersonate-group': 'g1, g2',
    });
  });

  test('keeps one connection for calls that follow each other', async () => {
    const ports = new Set<number>();
    respond((request, response) => {
      ports.add(request.socket.remotePort!);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(map('a')));
    });
    const client = clientOf();
    for (let i = 0; i < 5; i++) await client.get(ConfigMap, 'a', { namespace: 'default' });
    expect(ports.size).toBe(1);
  });

  test('sends a body as JSON with the kind filled in', async () => {
    json(201, map('a'));
    await clientOf().create(ConfigMap, { metadata: { name: 'a', namespace: 'x' }, data: { k: 'v' } });
    expect(seen[0]).toMatchObject({ method: 'POST', url: '/api/v1/namespaces/x/configmaps' });
    expect(JSON.parse(seen[0]!.body)).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'a', namespace: 'x' },
      data: { k: 'v' },
    });
  });

  test('rejects with the Status of a refusal', async () => {
    const status = {
      kind: 'Status',
      apiVersion: 'v1',
      status: 'Failure',
      reason: 'NotFound',
      message: 'gone',
      code: 404,
    };
    json(404, status);
    await expect(clientOf().get(ConfigMap, 'a', { namespace: 'x' })).rejects.toMatchObject({
      name: 'ApiError',
      reason: 'NotFound',
      message: 'gone',
      code: 404,
    });
  });

  test('rejects with an ApiError when a refusal is no Status', async () => {
    respond((_, response) =>
      response.writeHead(502, { 'content-type': 'text/html' }).end('<b>bad gateway</b>'),
    );
    await expect(clientOf().get(ConfigMap, 'a', { namespace: 'x' })).rejects.toMatchObject({
      name: 'ApiError',
      code: 502,
      message: expect.stringContaining('bad gateway') as string,
    });
  });

  test('rejects with ConnectionError when nothing listens, or the certificate is not trusted', async () => {
    const nowhere = createClient(httpsTransport({ server: 'https://127.0.0.1:1' }));
    await expect(nowhere.getPath('/version')).rejects.toThrow(/127\.0\.0\.1:1: connection refused/);
    await expect(nowhere.getPath('/version')).rejects.toBeInstanceOf(ConnectionError);
    json(200, {});
    const untrusting = createClient(httpsTransport({ server: url }));
    await expect(untrusting.getPath('/version')).rejects.toThrow(/certificate/);
    const blind = createClient(httpsTransport({ server: url, insecureSkipTlsVerify: true }));
    expect(await blind.getPath('/version')).toEqual({});
  });

  test('rejects with the abort reason of its caller', async () => {
    respond(() => undefined);
    const call = new AbortController();
    const pending = clientOf().getPath('/version', { signal: call.signal });
    call.abort(new Error('enough'));
    await expect(pending).rejects.toThrow('enough');
  });

  test('gives up on a server that does not answer', async () => {
    respond(() => undefined);
    await expect(clientOf({ timeoutMs: 50 }).getPath('/version')).rejects.toThrow(/no answer within 0.05 s/);
  });

  test('rejects with ConnectionError when the answer breaks off', async () => {
    respond((request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"a":');
      setTimeout(() => request.socket.destroy(), 5);
    });
    await expect(clientOf().getPath('/x')).rejects.toBeInstanceOf(ConnectionError);
  });

  test('unpacks gzip and passes warnings on', async () => {
    respond((_, response) => {
      const headers = {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        warning: '299 - "use \\"v2\\"", 299 - "second"',
      };
      response.writeHead(200, headers).end(zlib.gzipSync(JSON.stringify({ a: 1 })));
    });
    const warnings: string[] = [];
    const client = clientOf({ onWarning: (text) => warnings.push(text) });
    expect(await client.getPath('/x')).toEqual({ a: 1 });
    expect(warnings).toEqual(['use "v2"', 'second']);
  });

  test('tries a read again when a kept connection was closed under it', async () => {
    json(200, { ok: true });
    const client = clientOf();
    await client.getPath('/a');
    let resets = 0;
    respond((request, response) => {
      resets += 1;
      if (resets === 1) request.socket.destroy();
      else response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    expect(await client.getPath('/b')).toEqual({});
    expect(resets).toBe(2);
  });

  test('streams a watch whose events are cut anywhere', async () => {
    const line = (name: string): Buffer =>
      Buffer.from(`${JSON.stringify({ type: 'ADDED', object: { ...map(name), data: { ü: 'ö€' } } })}\n`);
    const bytes = Buffer.concat(['a', 'b', 'c'].map(line));
    respond((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      void (async () => {
        for (let at = 0; at < bytes.length; at += 7) {
          response.write(bytes.subarray(at, at + 7));
          await new Promise((resolve) => setImmediate(resolve));
        }
        response.end();
      })();
    });
    const names: string[] = [];
    for await (const { object } of clientOf().watch(ConfigMap, { namespace: 'x', resourceVersion: '5' })) {
      names.push(object.metadata.name);
      expect(object).toMatchObject({ data: { ü: 'ö€' } });
    }
    expect(names).toEqual(['a', 'b', 'c']);
    expect(seen[0]?.url).toBe('/api/v1/namespaces/x/configmaps?resourceVersion=5&watch=true');
  });

  test('throws a watch ERROR event as its ApiError', async () => {
    respond((_, response) => {
      const status = { kind: 'Status', status: 'Failure', reason: 'Expired', code: 410, message: 'too old' };
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
    });
    const read = async (): Promise<void> => {
      for await (const _ of clientOf().watch(ConfigMap)) throw new Error('no event is expected');
    };
    await expect(read()).rejects.toMatchObject({ reason: 'Expired', code: 410 });
  });

  test('holds the server up when the reader of a watch is slow, and loses nothing', async () => {
    const total = 20_000;
    let written = 0;
    respond((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const write = (): void => {
        while (written < total) {
          written += 1;
          const object = { ...map(`m${written}`), data: { padding: 'x'.repeat(500) } };
          if (!response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`)) {
            response.once('drain', write);
            return;
          }
        }
        response.end();
      };
      write();
    });
    let read = 0;
    for await (const _ of clientOf().watch(ConfigMap)) {
      read += 1;
      if (read === 1) {
        // Let everything settle that can without the reader going on.
        for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
        expect(written).toBeLessThan(total);
      }
    }
    expect(read).toBe(total);
  });

  test('ends a watch without error when its signal aborts', async () => {
    respond((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(`${JSON.stringify({ type: 'ADDED', object: map('a') })}\n`);
    });
    const stop = new AbortController();
    let count = 0;
    for await (const _ of clientOf().watch(ConfigMap, { signal: stop.signal })) {
      count += 1;
      stop.abort();
    }
    expect(count).toBe(1);
  });

  test('streams a log as it comes', async () => {
    respond((_, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' });
      response.write('one\n');
      setImmediate(() => response.end('two\n'));
    });
    let text = '';
    const options = { namespace: 'x', follow: true, tailLines: 0 };
    for await (const chunk of clientOf().logs('p', options)) text += Buffer.from(chunk).toString();
    expect(text).toBe('one\ntwo\n');
    expect(seen[0]?.url).toBe('/api/v1/namespaces/x/pods/p/log?follow=true&tailLines=0');
  });

  test('refuses to name a namespaced object without a namespace', async () => {
    await expect(clientOf().get(Pod, 'p')).rejects.toThrow('pods "p": a namespace is required for this kind');
  });
});
