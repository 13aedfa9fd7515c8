import type { ApiRequest, Credentials, Unstructured } from '@coracle/machinery';
import { describe, expect, test } from 'vitest';
import {
  createAuthentication,
  createPki,
  createTokenKeys,
  hashToken,
  issueToken,
} from '../../src/auth/index.ts';
import { fakeLookup } from './fakes.ts';

const tokenKeys = createTokenKeys(createPki().serviceAccountKey);
const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'robot', namespace: 'lab' } };
const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'lab' },
  spec: { serviceAccountName: 'robot', nodeName: 'n1', containers: [] },
};
const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } };

function setup() {
  const lookup = fakeLookup(account, pod, node);
  const clock = { at: new Date('2026-05-01T12:00:00Z') };
  const now = (): Date => clock.at;
  const authentication = createAuthentication({
    tokenKeys,
    lookup,
    now,
    staticTokens: [{ hash: hashToken('s3cret'), user: { username: 'ci', groups: ['builders'] } }],
  });
  const authenticate = (credentials: Credentials, path = '/api/v1/pods') =>
    authentication.authenticate({ credentials, path } as ApiRequest);
  const issue = (spec: object = {}): string => {
    const answer = issueToken({ lookup, tokenKeys, now }, 'lab', 'robot', {
      spec,
      metadata: {},
    } as unknown as Unstructured);
    return (answer['status'] as { token: string }).token;
  };
  return { lookup, clock, authentication, authenticate, issue };
}
const bearer = (token: string): Credentials => ({ kind: 'bearer', token });

const encode = (text: string): string => Buffer.from(text).toString('base64');

describe('authentication', () => {
  test('a client certificate is its common name and organizations', async () => {
    const { authenticate } = setup();
    expect(await authenticate({ kind: 'certificate', commonName: 'jane', organizations: ['dev'] })).toEqual({
      username: 'jane',
      groups: ['dev', 'system:authenticated'],
    });
  });

  test('a static token is its user; a wrong one is Unauthorized, never anonymous', async () => {
    const { authenticate } = setup();
    expect(await authenticate(bearer('s3cret'))).toEqual({
      username: 'ci',
      groups: ['builders', 'system:authenticated'],
    });
    await expect(authenticate(bearer('wrong'), '/healthz')).rejects.toMatchObject({
      code: 401,
      message: 'Unauthorized',
    });
  });

  test('nobody gets in without credentials, but to the health endpoints and the version', async () => {
    const { authenticate } = setup();
    for (const path of ['/healthz', '/livez/ping', '/readyz', '/version'])
      expect(await authenticate({ kind: 'none' }, path)).toEqual({
        username: 'system:anonymous',
        groups: ['system:unauthenticated'],
      });
    for (const path of ['/', '/api', '/healthzz', '/metrics'])
      await expect(authenticate({ kind: 'none' }, path)).rejects.toMatchObject({ code: 401 });
  });

  test('a bootstrap token of kube-system lets a node in, until it expires', async () => {
    const { authenticate, lookup, clock } = setup();
    lookup.add({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'bootstrap-token-abcdef', namespace: 'kube-system' },
      type: 'bootstrap.kubernetes.io/token',
      data: {
        'token-id': encode('abcdef'),
        'token-secret': encode('0123456789abcdef'),
        'usage-bootstrap-authentication': encode('true'),
        expiration: encode('2026-05-01T13:00:00Z'),
      },
    });
    expect(await authenticate(bearer('abcdef.0123456789abcdef'))).toEqual({
      username: 'system:bootstrap:abcdef',
      groups: ['system:bootstrappers', 'system:authenticated'],
    });
    await expect(authenticate(bearer('abcdef.0123456789abcdee'))).rejects.toMatchObject({ code: 401 });
    clock.at = new Date('2026-05-01T13:00:01Z');
    await expect(authenticate(bearer('abcdef.0123456789abcdef'))).rejects.toMatchObject({ code: 401 });
  });
});

describe('service account tokens', () => {
  test('name the account, its groups, and the pod and node they are bound to', async () => {
    const { authenticate, issue } = setup();
    const user = await authenticate(
      bearer(issue({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' } })),
    );
    expect(user).toMatchObject({
      username: 'system:serviceaccount:lab:robot',
      uid: 'uid-robot',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:lab', 'system:authenticated'],
    });
    expect(user?.extra).toMatchObject({
      'authentication.kubernetes.io/pod-name': ['p'],
      'authentication.kubernetes.io/pod-uid': ['uid-p'],
      'authentication.kubernetes.io/node-name': ['n1'],
      'authentication.kubernetes.io/node-uid': ['uid-n1'],
    });
  });

  test('are refused when expired, for other audiences, altered, or signed by another key', async () => {
    const { authenticate, issue, clock, lookup } = setup();
    const token = issue({ expirationSeconds: 600 });
    const other = issueToken(
      { lookup, tokenKeys: createTokenKeys(createPki().serviceAccountKey), now: () => clock.at },
      'lab',
      'robot',
      { metadata: {} } as unknown as Unstructured,
    );
    await expect(authenticate(bearer((other['status'] as { token: string }).token))).rejects.toMatchObject({
      code: 401,
    });
    await expect(authenticate(bearer(issue({ audiences: ['vault'] })))).rejects.toMatchObject({ code: 401 });
    const [head = '', body = '', signature = ''] = token.split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as { sub: string };
    claims.sub = 'system:serviceaccount:kube-system:admin';
    const forged = [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
    await expect(authenticate(bearer(forged))).rejects.toMatchObject({ code: 401 });
    const none = [Buffer.from('{"alg":"none"}').toString('base64url'), body, ''].join('.');
    await expect(authenticate(bearer(none))).rejects.toMatchObject({ code: 401 });
    expect(await authenticate(bearer(token))).toBeDefined();
    clock.at = new Date(clock.at.getTime() + 600_000);
    await expect(authenticate(bearer(token))).rejects.toMatchObject({ code: 401 });
  });

  test('end with their account, or with the pod they are bound to, also under the same name again', async () => {
    const { authenticate, issue, lookup } = setup();
    const bound = issue({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' } });
    const free = issue();
    expect(await authenticate(bearer(bound))).toBeDefined();
    lookup.add({ ...pod, metadata: { ...pod.metadata, uid: 'another' } });
    await expect(authenticate(bearer(bound))).rejects.toMatchObject({ code: 401 });
    expect(await authenticate(bearer(free))).toBeDefined();
    lookup.add({ ...account, metadata: { ...account.metadata, uid: 'another' } });
    await expect(authenticate(bearer(free))).rejects.toMatchObject({ code: 401 });
    lookup.remove('', 'serviceaccounts', 'lab', 'robot');
    await expect(authenticate(bearer(free))).rejects.toMatchObject({ code: 401 });
  });

  test('of a kubelet live longer than they say, so that a paused agent does not break its pods', () => {
    const { issue } = setup();
    const token = issue({
      expirationSeconds: 3607,
      boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' },
    });
    const claims = tokenKeys.open(token);
    expect((claims?.exp ?? 0) - (claims?.iat ?? 0)).toBe(365 * 86_400);
    expect(claims?.['kubernetes.io'].warnafter).toBe((claims?.iat ?? 0) + 3607);
  });

  test('are not issued for too short a time, for a pod of another account, or for what does not exist', () => {
    const { issue, lookup } = setup();
    expect(() => issue({ expirationSeconds: 599 })).toThrow(
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
    );
    expect(() => issue({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'gone' } })).toThrow(
      'pods "gone" not found',
    );
    expect(() => issue({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p', uid: 'old' } })).toThrow(
      'the UID in the bound object reference (old) does not match the UID in record',
    );
    lookup.add({
      ...pod,
      metadata: { ...pod.metadata, name: 'q' },
      spec: { ...pod.spec, serviceAccountName: 'other' },
    });
    expect(() => issue({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'q' } })).toThrow(
      'cannot bind token for serviceaccount "robot" to pod running with different serviceaccount name.',
    );
  });

  test('are verified by the published keys', () => {
    expect(tokenKeys.jwks().keys).toEqual([
      expect.objectContaining({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig', kid: tokenKeys.keyId }),
    ]);
    expect(tokenKeys.jwks().keys[0]).not.toHaveProperty('d');
  });
});
