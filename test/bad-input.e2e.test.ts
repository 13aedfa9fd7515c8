/** What a careless or hostile client can send over HTTPS: each gets the right Status, and the engine goes on. */
import https from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testEngine } from './support/engine.ts';
import type { TestEngine } from './support/engine.ts';

interface Answer {
  code: number;
  body: {
    kind?: string;
    status?: string;
    reason?: string;
    message?: string;
    code?: number;
    details?: { causes?: { reason: string; field: string }[] };
  };
}

describe('bad input', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await testEngine({ nodeName: false });
  });
  afterAll(() => engine?.close());

  const decode = (text: unknown): string => Buffer.from(String(text), 'base64').toString();
  function send(
    method: string,
    path: string,
    body?: string | Buffer,
    headers: Record<string, string> = {},
    as: 'admin' | 'nobody' = 'admin',
  ): Promise<Answer> {
    const user = engine.kubeconfig.users[0]?.user ?? {};
    const cluster = engine.kubeconfig.clusters[0]?.cluster;
    return new Promise((resolve, reject) => {
      const request = https.request(
        engine.server + path,
        {
          method,
          agent: false,
          ca: decode(cluster?.['certificate-authority-data']),
          ...(as === 'admin'
            ? { cert: decode(user['client-certificate-data']), key: decode(user['client-key-data']) }
            : {}),
          headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => {
            const text = Buffer.concat(chunks).toString();
            try {
              resolve({ code: answer.statusCode ?? 0, body: JSON.parse(text) });
            } catch {
              resolve({ code: answer.statusCode ?? 0, body: { message: text } });
            }
          });
        },
      );
      request.on('error', reject);
      request.end(body);
    });
  }
  const maps = '/api/v1/namespaces/default/configmaps';
  const map = (more: object = {}): string =>
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'm' }, ...more });
  const podWith = (spec: object): string =>
    JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec });

  test.each<[string, Parameters<typeof send>, number, string, RegExp]>([
    ['malformed JSON', ['POST', maps, '{"apiVersion": "v1", '], 400, 'BadRequest', /./],
    ['JSON that is no object', ['POST', maps, '[1,2]'], 400, 'BadRequest', /./],
    ['an empty body', ['POST', maps, ''], 400, 'BadRequest', /./],
    [
      'malformed YAML',
      ['POST', maps, 'a: [1', { 'content-type': 'application/yaml' }],
      400,
      'BadRequest',
      /./,
    ],
    ['bytes that are not UTF-8', ['POST', maps, Buffer.from([0x7b, 0xff, 0xfe])], 400, 'BadRequest', /./],
    [
      'a wrong type',
      ['POST', '/api/v1/namespaces/default/pods', podWith({ containers: 'none' })],
      400,
      'BadRequest',
      /Pod in version "v1" cannot be handled as a Pod/,
    ],
    [
      'an unknown field under Strict',
      ['POST', `${maps}?fieldValidation=Strict`, map({ datta: {} })],
      400,
      'BadRequest',
      /strict decoding error: unknown field "datta"/,
    ],
    [
      'a field twice under Strict',
      [
        'POST',
        `${maps}?fieldValidation=Strict`,
        '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"},"data":{"a":"1","a":"2"}}',
      ],
      400,
      'BadRequest',
      /strict decoding error: .*duplicate field/,
    ],
    [
      'a bad fieldValidation',
      ['POST', `${maps}?fieldValidation=Perhaps`, map()],
      422,
      'Invalid',
      /fieldValidation/,
    ],
    [
      'an oversize body',
      ['POST', maps, map({ data: { big: 'x'.repeat(4 * 1024 * 1024) } })],
      413,
      'RequestEntityTooLarge',
      /./,
    ],
    [
      'a content type nobody speaks',
      ['POST', maps, map(), { 'content-type': 'text/csv' }],
      415,
      'UnsupportedMediaType',
      /./,
    ],
    [
      'an accept nobody can fulfil',
      ['GET', maps, undefined, { accept: 'text/csv' }],
      406,
      'NotAcceptable',
      /./,
    ],
    ['a bad label selector', ['GET', `${maps}?labelSelector=a%3D%3D%3Db%2C%2C`], 400, 'BadRequest', /./],
    [
      'a bad field selector',
      ['GET', `${maps}?fieldSelector=spec.nonsense%3D1`],
      400,
      'BadRequest',
      /field label not supported: spec\.nonsense/,
    ],
    ['a bad limit', ['GET', `${maps}?limit=many`], 400, 'BadRequest', /./],
    ['a bad continue token', ['GET', `${maps}?limit=1&continue=rubbish`], 400, 'BadRequest', /continue/],
    ['a bad resourceVersion', ['GET', `${maps}?watch=1&resourceVersion=soon`], 422, 'Invalid', /./],
    [
      'a JSON patch that is no list',
      [
        'PATCH',
        '/api/v1/namespaces/default',
        '{"op":"add"}',
        { 'content-type': 'application/json-patch+json' },
      ],
      400,
      'BadRequest',
      /./,
    ],
    [
      'a JSON patch of a path that is not there',
      [
        'PATCH',
        '/api/v1/namespaces/default',
        '[{"op":"remove","path":"/metadata/nonsense/deep"}]',
        { 'content-type': 'application/json-patch+json' },
      ],
      422,
      'Invalid',
      /./,
    ],
    [
      'a malformed merge patch',
      ['PATCH', '/api/v1/namespaces/default', '{', { 'content-type': 'application/merge-patch+json' }],
      400,
      'BadRequest',
      /./,
    ],
    [
      'server-side apply, which comes later',
      ['PATCH', '/api/v1/namespaces/default', '{}', { 'content-type': 'application/apply-patch+yaml' }],
      415,
      'UnsupportedMediaType',
      /./,
    ],
    [
      'a wrong token',
      ['GET', maps, undefined, { authorization: 'Bearer wrong' }, 'nobody'],
      401,
      'Unauthorized',
      /Unauthorized/,
    ],
    ['no credentials', ['GET', maps, undefined, {}, 'nobody'], 401, 'Unauthorized', /Unauthorized/],
    [
      'an unknown kind',
      ['POST', '/apis/example.com/v1/namespaces/default/nonsenses', map()],
      404,
      'NotFound',
      /could not find the requested resource/,
    ],
    ["a kind that is not this path's", ['POST', maps, podWith({ containers: [] })], 400, 'BadRequest', /./],
    ["a name that is not the path's", ['PUT', `${maps}/other`, map()], 400, 'BadRequest', /./],
    [
      "a namespace that is not the path's",
      ['POST', maps, map({ metadata: { name: 'm', namespace: 'other' } })],
      400,
      'BadRequest',
      /namespace/,
    ],
    [
      'a namespace that is not there',
      ['POST', '/api/v1/namespaces/none/configmaps', map()],
      404,
      'NotFound',
      /namespaces "none" not found/,
    ],
    [
      'a bad name',
      ['POST', maps, map({ metadata: { name: 'No Spaces' } })],
      422,
      'Invalid',
      /metadata\.name/,
    ],
    [
      'no name at all',
      ['POST', maps, map({ metadata: {} })],
      422,
      'Invalid',
      /name or generateName is required/,
    ],
    [
      'a pod without containers',
      ['POST', '/api/v1/namespaces/default/pods', podWith({ containers: [] })],
      422,
      'Invalid',
      /spec\.containers: Required value/,
    ],
    [
      'a quantity that is none',
      [
        'POST',
        '/api/v1/namespaces/default/pods',
        podWith({ containers: [{ name: 'a', image: 'b', resources: { requests: { cpu: 'lots' } } }] }),
      ],
      400,
      'BadRequest',
      /quantit/,
    ],
    ['an update of what is not there', ['PUT', `${maps}/m`, map()], 404, 'NotFound', /./],
    [
      'a stale resourceVersion',
      [
        'PUT',
        '/api/v1/namespaces/default',
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Namespace',
          metadata: { name: 'default', resourceVersion: '999999' },
        }),
      ],
      409,
      'Conflict',
      /the object has been modified/,
    ],
    ['a method no path has', ['POST', '/api/v1/namespaces/default', map()], 405, 'MethodNotAllowed', /./],
    ['an unknown path', ['GET', '/nonsense'], 404, 'NotFound', /./],
  ])('%s', async (_, request, code, reason, message) => {
    const answer = await send(...request);
    expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', reason, code });
    expect(answer.code).toBe(code);
    expect(answer.body.message).toMatch(message);
  });

  test('after all that the engine answers', async () => {
    expect((await send('GET', '/readyz')).code).toBe(200);
  });

  test('a depth bomb, a wide path and rubbish on the socket do not end it', async () => {
    const deep = '{"a":'.repeat(200_000) + '1' + '}'.repeat(200_000);
    const answer = await send('POST', maps, deep);
    expect(answer.code).toBeGreaterThanOrEqual(400);
    await send('GET', `/${'a/'.repeat(4000)}`).catch(() => undefined);
    await send('GET', '/%E0%A4%A').catch(() => undefined);
    await send('GET', '/api/v1/namespaces/..%2f..%2fetc/configmaps').catch(() => undefined);
    expect((await send('GET', '/readyz')).code).toBe(200);
  });
});
