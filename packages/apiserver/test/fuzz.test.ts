import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testServer, type TestServer } from '../src/testing.ts';

let t: TestServer;
const bugs: unknown[] = [];
beforeAll(async () => {
  const note = (_message: string, fields?: Record<string, unknown>): void =>
    void bugs.push(fields?.['error']);
  t = await testServer({ logger: { info() {}, warn() {}, error: note } });
  await t.call('POST', '/api/v1/namespaces/default/configmaps', {
    metadata: { name: 'x' },
    data: { a: '1' },
  });
  await t.call('POST', '/api/v1/namespaces/default/pods', {
    metadata: { name: 'x' },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  });
});
afterAll(() => t.close());

const paths = [
  '/api/v1/namespaces/default/configmaps',
  '/api/v1/namespaces/default/configmaps/x',
  '/api/v1/namespaces/default/pods',
  '/api/v1/namespaces/default/pods/x',
  '/api/v1/namespaces/default/pods/x/status',
  '/api/v1/namespaces/default/pods/x/binding',
  '/api/v1/namespaces/default/pods/x/eviction',
  '/api/v1/namespaces/default/pods/x/log',
  '/api/v1/namespaces/default/pods/x/exec',
  '/api/v1/namespaces/default/pods/x/resize',
  '/api/v1/namespaces/default/services',
  '/api/v1/namespaces/default/serviceaccounts/default/token',
  '/apis/apps/v1/namespaces/default/deployments',
  '/apis/batch/v1/namespaces/default/jobs',
  '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  '/apis/rbac.authorization.k8s.io/v1/clusterroles',
  '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
  '/apis/authorization.k8s.io/v1/subjectaccessreviews',
  '/api',
  '/openapi/v2',
  '/',
];
const fields = [
  'metadata',
  'spec',
  'status',
  'name',
  'labels',
  'containers',
  'template',
  'selector',
  'versions',
  'names',
  'group',
  'target',
  'deleteOptions',
  'replicas',
  'ports',
  'rules',
  'finalizers',
  'kind',
  'apiVersion',
];
const types = [
  'application/json',
  'application/yaml',
  'application/merge-patch+json',
  'application/json-patch+json',
  'application/strategic-merge-patch+json',
  'x/y',
  '',
];
const queries = [
  '',
  'watch=1&timeoutSeconds=1',
  'limit=-1',
  'limit=2',
  'dryRun=All',
  'fieldValidation=Strict',
  'labelSelector=a==b,(',
  'fieldSelector=a=b',
  'continue=e30',
  'resourceVersion=0',
  'propagationPolicy=Orphan&dryRun=All',
  'pretty=1',
  'container=c&stdout=1&command=x',
];

/** JSON whose fields often are ones the server looks at, with values of any type. */
const value = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 5 },
    fc.constantFrom<unknown>(null, true, 0, -1, 1e300, 'x', '', 'v1', [], {}),
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(fc.constantFrom(...fields), fc.string({ maxLength: 3 })), tie('node'), {
      maxKeys: 5,
    }),
  ),
})).node;

test('no request is answered with a 5xx or a rejection, whatever it holds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE'),
      fc.constantFrom(...paths),
      fc.constantFrom(...queries),
      fc.constantFrom(...types),
      fc.oneof(
        { weight: 4, arbitrary: value.map((v) => JSON.stringify(v)) },
        { weight: 1, arbitrary: fc.string({ maxLength: 30 }) },
      ),
      async (method, path, query, type, text) => {
        // The namespace and service account the other requests need stay.
        fc.pre(method !== 'DELETE' || path !== '/api/v1/namespaces');
        const response = await t.handler({
          method,
          path,
          query: new URLSearchParams(query),
          headers: { 'content-type': type },
          credentials: t.admin,
          body: { bytes: new TextEncoder().encode(text) },
          want: 'bytes',
          signal: new AbortController().signal,
        });
        expect(response.kind === 'upgrade' ? 101 : response.code).toBeLessThan(500);
        expect(bugs).toEqual([]);
      },
    ),
    { numRuns: 1500 },
  );
}, 30_000);

test('no path is answered with a 5xx', async () => {
  const part = fc.constantFrom(
    'api',
    'apis',
    'v1',
    'apps',
    'namespaces',
    'default',
    'pods',
    'x',
    'status',
    'watch',
    'scale',
    'proxy',
    '..',
    '%',
    '',
    'openapi',
    'v3',
    'healthz',
    '__proto__',
    'constructor',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { maxLength: 8 }),
      fc.constantFrom('GET', 'POST', 'DELETE', 'HEAD'),
      async (parts, method) => {
        const response = await t.handler({
          method,
          path: `/${parts.join('/')}`,
          query: new URLSearchParams(),
          headers: {},
          credentials: t.admin,
          want: 'values',
          signal: new AbortController().signal,
        });
        expect(response.kind === 'upgrade' ? 101 : response.code).toBeLessThan(500);
      },
    ),
    { numRuns: 1000 },
  );
});
