/** sig-auth: certificate signing requests, service accounts and their tokens, access reviews, issuer discovery. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testServer, type TestServer } from '../../src/testing.ts';
import { type Any, eventOf, type List, merge, namesOf, strategic } from './support.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());

/** Made with `openssl req -new -subj /O=dev/O=ops/CN=jane` on an EC key. */
const pem = `-----BEGIN CERTIFICATE REQUEST-----
MIHmMIGNAgEAMCsxDDAKBgNVBAoMA2RldjEMMAoGA1UECgwDb3BzMQ0wCwYDVQQD
DARqYW5lMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE3KrWm/DJx7GwMdE14Shg
uZSBl2zs75H8PCr9drovg7NOio4aoe1PE670zB8p2PnXIkEDQ3eQPDDxKme5poDk
FKAAMAoGCCqGSM49BAMCA0gAMEUCIFEIPDbcgvlMwcqg4DOFpQlGwXv8ZoK7Fw8t
MAN7j25GAiEAsK6BzcLfbnSVlrfrx/jirKQ/KrMiX5xOjcDThNz2iH0=
-----END CERTIFICATE REQUEST-----
`;
/** A self-signed certificate of `openssl req -x509`; the API looks at its form only. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUQCfOZkWmdPGGkEe0AwG3gy8OZN8wCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEamFuZTAgFw0yNjExMjEwOTExMDZaGA8yMTI2MTAyODA5MTEw
NlowDzENMAsGA1UEAwwEamFuZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAyl
O0bRCmMQGQdKMPYh7ju/2YPq/KXIAJi9/BVuxLTj7mLvOL0n0ISBjgvPpgrRCxjz
pA4wFhjgO8e3nSYXyWajUzBRMB0GA1UdDgQWBBRnIx6ylJJYVYU6Q2awY1A1Jw0V
ZTAfBgNVHSMEGDAWgBRnIx6ylJJYVYU6Q2awY1A1Jw0VZTAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIQCoBLGNml2EZ6YJSWxaAmFk5lyM4o3vbMCK
OPA58ttbPQIgdf2htlnalOthpoR8FhYksEDC9SYENM7prUOO/+lgB5A=
-----END CERTIFICATE-----
`;

describe('Certificates API', () => {
  test('CertificateSigningRequest API: requests with the client auth usage, approval and status', async () => {
    const path = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
    const csr = (name: string): object => ({
      metadata: { name, labels: { 'special-label': 'csr' } },
      spec: {
        request: Buffer.from(pem).toString('base64'),
        signerName: 'example.com/signer',
        expirationSeconds: 3600,
        usages: ['digital signature', 'key encipherment', 'server auth'],
        username: 'somebody-else',
      },
    });
    const root = (await t.call<Any>('GET', '/apis/certificates.k8s.io/v1')).resources.map((r: Any) => r.name);
    expect(root).toEqual(
      expect.arrayContaining([
        'certificatesigningrequests',
        'certificatesigningrequests/approval',
        'certificatesigningrequests/status',
      ]),
    );
    const made = await t.call<Any>('POST', path, csr('one'));
    await t.call('POST', path, csr('two'));
    expect([made.spec.username, made.spec.expirationSeconds]).toEqual(['kubernetes-admin', 3600]);
    const list = await t.call<List>('GET', `${path}?fieldSelector=spec.signerName%3Dexample.com/signer`);
    expect(namesOf(list)).toEqual(['one', 'two']);
    const watch = await t.watch(`${path}?watch=1&resourceVersion=${list.metadata.resourceVersion}`);
    await t.call('PATCH', `${path}/one`, { metadata: { annotations: { patched: 'true' } } }, merge);
    expect((await eventOf(watch, 'MODIFIED', 'one')).metadata.annotations.patched).toBe('true');
    const change = structuredClone(await t.call<Any>('GET', `${path}/one`));
    change.metadata.annotations.updated = 'true';
    change.spec.signerName = 'example.com/other';
    const updated = await t.call<Any>('PUT', `${path}/one`, change);
    expect(updated.metadata.annotations.updated).toBe('true');
    expect(updated.spec.signerName).toBe('example.com/signer');

    expect((await t.call<Any>('GET', `${path}/one/approval`)).metadata.uid).toBe(made.metadata.uid);
    const approvalPatched = await t.call<Any>(
      'PATCH',
      `${path}/one/approval`,
      {
        metadata: { annotations: { patchedapproval: 'true' } },
        status: { conditions: [{ type: 'ApprovalPatch', status: 'True', reason: 'e2e' }] },
      },
      merge,
    );
    expect(approvalPatched.metadata.annotations.patchedapproval).toBe('true');
    expect(approvalPatched.status.conditions).toHaveLength(1);
    expect(approvalPatched.status.conditions[0]).toMatchObject({
      type: 'ApprovalPatch',
      lastUpdateTime: expect.any(String),
      lastTransitionTime: expect.any(String),
    });
    const toApprove = structuredClone(approvalPatched);
    toApprove.status.conditions.push({
      type: 'Approved',
      status: 'True',
      reason: 'E2E',
      message: 'Set from an e2e test',
    });
    const approved = await t.call<Any>('PUT', `${path}/one/approval`, toApprove);
    expect(approved.status.conditions).toHaveLength(2);

    const statusPatched = await t.call<Any>(
      'PATCH',
      `${path}/one/status`,
      {
        metadata: { annotations: { patchedstatus: 'true' } },
        status: { certificate: Buffer.from(certificate).toString('base64') },
      },
      merge,
    );
    expect(statusPatched.metadata.annotations.patchedstatus).toBe('true');
    const toUpdate = structuredClone(statusPatched);
    toUpdate.status.conditions.push({
      type: 'StatusUpdate',
      status: 'True',
      reason: 'E2E',
      message: 'Set from an e2e test',
    });
    const statusUpdated = await t.call<Any>('PUT', `${path}/one/status`, toUpdate);
    expect(statusUpdated.status.conditions.map((c: Any) => c.type)).toEqual([
      'ApprovalPatch',
      'Approved',
      'StatusUpdate',
    ]);
    // Approval is neither given nor taken by way of the status; it cannot be taken back at all.
    const sneaky = await t
      .call<Any>(
        'PATCH',
        `${path}/two/status`,
        { status: { conditions: [{ type: 'Approved', status: 'True', reason: 'x' }] } },
        merge,
      )
      .catch((e: unknown) => e);
    expect(JSON.stringify(sneaky)).not.toContain('"type":"Approved"');
    const withdrawn = await t.request('PATCH', `${path}/one/approval`, {
      body: { status: { conditions: [] } },
      headers: merge,
    });
    expect([withdrawn.code, withdrawn.body.reason]).toEqual([422, 'Invalid']);
    const both = await t.request('PATCH', `${path}/one/approval`, {
      body: [
        { op: 'add', path: '/status/conditions/-', value: { type: 'Denied', status: 'True', reason: 'x' } },
      ],
      headers: { 'content-type': 'application/json-patch+json' },
    });
    expect([both.code, both.body.reason]).toEqual([422, 'Invalid']);
    await t.call('DELETE', `${path}/one`);
    await eventOf(watch, 'DELETED', 'one');
    await t.call('DELETE', `${path}?labelSelector=special-label%3Dcsr`);
    expect((await t.call<List>('GET', path)).items).toEqual([]);
    watch.stop();
  });
});

describe('ServiceAccounts', () => {
  const accounts = '/api/v1/namespaces/default/serviceaccounts';
  test('ServiceAccount, create and review token', async () => {
    const token = await t.call<Any>('POST', `${accounts}/default/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds: 3600 },
    });
    expect(token.kind).toBe('TokenRequest');
    expect(token.status.token.split('.')).toHaveLength(3);
    expect(Date.parse(token.status.expirationTimestamp)).toBeGreaterThan(0);
    const review = await t.call<Any>('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      spec: { token: token.status.token },
    });
    expect(review.status).toMatchObject({
      authenticated: true,
      user: {
        username: 'system:serviceaccount:default:default',
        groups: expect.arrayContaining([
          'system:serviceaccounts',
          'system:serviceaccounts:default',
          'system:authenticated',
        ]),
      },
    });
    expect(review.status.error ?? '').toBe('');
    const wrong = await t.call<Any>('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      spec: { token: `${token.status.token}x` },
    });
    expect(wrong.status.authenticated ?? false).toBe(false);
    const audience = await t.call<Any>('POST', '/apis/authentication.k8s.io/v1/tokenreviews', {
      spec: { token: token.status.token, audiences: ['other'] },
    });
    expect(audience.status.authenticated ?? false).toBe(false);
  });
  test('a token bound to a pod ends with the pod', async () => {
    const pods = '/api/v1/namespaces/default/pods';
    const pod = await t.call<Any>('POST', pods, {
      metadata: { name: 'bound' },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    const token = await t.call<Any>('POST', `${accounts}/default/token`, {
      spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'bound', uid: pod.metadata.uid } },
    });
    const review = (): Promise<Any> =>
      t.call('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token: token.status.token } });
    expect((await review()).status.user.extra).toMatchObject({
      'authentication.kubernetes.io/pod-name': ['bound'],
      'authentication.kubernetes.io/pod-uid': [pod.metadata.uid],
    });
    await t.call('DELETE', `${pods}/bound?gracePeriodSeconds=0`);
    expect((await review()).status.authenticated ?? false).toBe(false);
    const other = await t.request('POST', `${accounts}/default/token`, {
      body: { spec: { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: 'bound', uid: 'x' } } },
    });
    expect(other.code).toBe(404);
  });
  test('Service Account Tokens Must AutoMount; auto mount optionally', async () => {
    await t.call('POST', accounts, { metadata: { name: 'mount' } });
    await t.call('POST', accounts, { metadata: { name: 'nomount' }, automountServiceAccountToken: false });
    const cases: [string, boolean | undefined, boolean][] = [
      ['mount', undefined, true],
      ['mount', true, true],
      ['mount', false, false],
      ['nomount', undefined, false],
      ['nomount', true, true],
      ['nomount', false, false],
    ];
    for (const [n, [serviceAccountName, automountServiceAccountToken, mounted]] of cases.entries()) {
      const pod = await t.call<Any>('POST', '/api/v1/namespaces/default/pods', {
        metadata: { name: `mount-${n}` },
        spec: {
          serviceAccountName,
          ...(automountServiceAccountToken === undefined ? {} : { automountServiceAccountToken }),
          containers: [{ name: 'c', image: 'i' }],
        },
      });
      const paths = (pod.spec.containers[0].volumeMounts ?? []).map((m: Any) => m.mountPath);
      expect(paths).toEqual(mounted ? ['/var/run/secrets/kubernetes.io/serviceaccount'] : []);
      if (mounted)
        expect(pod.spec.volumes[0].projected.sources.map((s: Any) => Object.keys(s)[0])).toEqual([
          'serviceAccountToken',
          'configMap',
          'downwardAPI',
        ]);
    }
  });
  test('ServiceAccount lifecycle test; ServiceAccount, update a ServiceAccount', async () => {
    const watch = await t.watch(`${accounts}?watch=1`);
    await t.call('POST', accounts, {
      metadata: { name: 'life', labels: { 'test-serviceaccount-static': 'true' } },
    });
    await eventOf(watch, 'ADDED', 'life');
    await t.call('PATCH', `${accounts}/life`, { automountServiceAccountToken: false }, strategic);
    expect((await eventOf(watch, 'MODIFIED', 'life')).automountServiceAccountToken).toBe(false);
    const found = await t.call<List>(
      'GET',
      '/api/v1/serviceaccounts?labelSelector=test-serviceaccount-static%3Dtrue',
    );
    expect(namesOf(found)).toEqual(['life']);
    const change = structuredClone(await t.call<Any>('GET', `${accounts}/life`));
    change.automountServiceAccountToken = true;
    expect((await t.call<Any>('PUT', `${accounts}/life`, change)).automountServiceAccountToken).toBe(true);
    await t.call('DELETE', `${accounts}?labelSelector=test-serviceaccount-static%3Dtrue`);
    await eventOf(watch, 'DELETED', 'life');
    watch.stop();
  });
  test('OIDC Discovery (ServiceAccountIssuerDiscovery)', async () => {
    const discovery = await t.call<Any>('GET', '/.well-known/openid-configuration');
    expect(discovery).toMatchObject({
      issuer: expect.stringMatching(/^https:/),
      jwks_uri: expect.stringContaining('/openid/v1/jwks'),
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
    });
    const { keys } = await t.call<Any>('GET', '/openid/v1/jwks');
    expect(keys.length).toBeGreaterThan(0);
    const token = await t.call<Any>('POST', `${accounts}/default/token`, {
      spec: { audiences: ['oidc-discovery-test'] },
    });
    const [head = '', claims = ''] = token.status.token.split('.').map((part: string) => {
      try {
        return JSON.parse(Buffer.from(part, 'base64url').toString());
      } catch {
        return undefined;
      }
    });
    expect(keys.map((k: Any) => k.kid)).toContain((head as Any).kid);
    expect(claims).toMatchObject({ iss: discovery.issuer, aud: ['oidc-discovery-test'] });
  });
});

describe('SubjectReview', () => {
  test('SubjectReview, API Operations', async () => {
    await t.call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'e2e' } });
    const user = 'system:serviceaccount:default:e2e';
    const resourceAttributes = { verb: 'list', resource: 'configmaps', namespace: 'default', version: 'v1' };
    const sar = await t.call<Any>('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      spec: { resourceAttributes, user },
    });
    expect(sar.status.allowed).toBe(false);
    const local = await t.call<Any>(
      'POST',
      '/apis/authorization.k8s.io/v1/namespaces/default/localsubjectaccessreviews',
      {
        metadata: { namespace: 'default' },
        spec: { resourceAttributes, user },
      },
    );
    expect(local.status.allowed).toBe(sar.status.allowed);
    const forbidden = await t.request('GET', '/api/v1/namespaces/default/configmaps', {
      credentials: {
        kind: 'trusted',
        user: { username: user, groups: ['system:serviceaccounts', 'system:authenticated'] },
      },
    });
    expect([forbidden.code, forbidden.body.message]).toEqual([
      403,
      `configmaps is forbidden: User "${user}" cannot list resource "configmaps" in API group "" in the namespace "default"`,
    ]);
    await t.call('POST', '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
      metadata: { name: 'e2e' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name: 'e2e', namespace: 'default' }],
    });
    const now = await t.call<Any>('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      spec: { resourceAttributes, user, groups: ['system:authenticated'] },
    });
    expect([now.status.allowed, now.status.reason]).toEqual([
      true,
      expect.stringContaining('RBAC: allowed by RoleBinding "e2e/default" of ClusterRole "view"'),
    ]);
  });
});
