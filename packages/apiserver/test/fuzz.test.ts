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

const template = {
  metadata: { labels: { app: 'a' } },
  spec: {
    volumes: [{ name: 'v', emptyDir: {} }],
    containers: [
      {
        name: 'c',
        image: 'i',
        env: [{ name: 'A', value: '1' }],
        ports: [{ containerPort: 80, name: 'http', protocol: 'TCP' }],
        resources: { limits: { cpu: '1' }, requests: { cpu: '1' } },
        livenessProbe: { httpGet: { path: '/', port: 80 } },
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      },
    ],
    tolerations: [{ key: 'a', operator: 'Exists' }],
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }] }],
        },
      },
    },
  },
};
const selector = { matchLabels: { app: 'a' } };
/** Collection and a valid object of it. */
const valid: [string, Record<string, unknown>][] = [
  ['/api/v1/namespaces/default/pods', { metadata: { generateName: 'z-' }, spec: template.spec }],
  [
    '/apis/apps/v1/namespaces/default/deployments',
    {
      metadata: { generateName: 'z-' },
      spec: {
        replicas: 1,
        selector,
        template,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
      },
    },
  ],
  [
    '/apis/apps/v1/namespaces/default/statefulsets',
    { metadata: { generateName: 'z-' }, spec: { serviceName: 's', selector, template } },
  ],
  [
    '/apis/batch/v1/namespaces/default/jobs',
    {
      metadata: { generateName: 'z-' },
      spec: {
        completionMode: 'Indexed',
        completions: 2,
        parallelism: 2,
        template: { spec: { ...template.spec, restartPolicy: 'Never' } },
        podFailurePolicy: { rules: [{ action: 'Ignore', onExitCodes: { operator: 'In', values: [1] } }] },
      },
    },
  ],
  [
    '/apis/batch/v1/namespaces/default/cronjobs',
    {
      metadata: { generateName: 'z-' },
      spec: {
        schedule: '* * * * *',
        jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } },
      },
    },
  ],
  [
    '/api/v1/namespaces/default/services',
    {
      metadata: { generateName: 'z-' },
      spec: {
        type: 'NodePort',
        selector: { app: 'a' },
        ports: [{ port: 80, targetPort: 'http', name: 'h' }],
      },
    },
  ],
  [
    '/api/v1/namespaces/default/persistentvolumeclaims',
    {
      metadata: { generateName: 'z-' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
  ],
  [
    '/api/v1/namespaces/default/secrets',
    { metadata: { generateName: 'z-' }, type: 'Opaque', data: { a: 'YQ==' } },
  ],
  [
    '/api/v1/nodes',
    {
      metadata: { generateName: 'z-' },
      spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] },
      status: { capacity: { cpu: '1' }, conditions: [{ type: 'Ready', status: 'True' }] },
    },
  ],
  [
    '/apis/policy/v1/namespaces/default/poddisruptionbudgets',
    { metadata: { generateName: 'z-' }, spec: { minAvailable: '50%', selector } },
  ],
  [
    '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers',
    {
      metadata: { generateName: 'z-' },
      spec: {
        maxReplicas: 2,
        scaleTargetRef: { kind: 'Deployment', name: 'd' },
        targetCPUUtilizationPercentage: 5,
      },
    },
  ],
  [
    '/apis/networking.k8s.io/v1/namespaces/default/ingresses',
    {
      metadata: { generateName: 'z-' },
      spec: {
        rules: [
          {
            host: 'a.b',
            http: {
              paths: [
                { path: '/', pathType: 'Prefix', backend: { service: { name: 's', port: { number: 80 } } } },
              ],
            },
          },
        ],
      },
    },
  ],
  [
    '/apis/rbac.authorization.k8s.io/v1/clusterroles',
    { metadata: { generateName: 'z-' }, rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }] },
  ],
  [
    '/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings',
    {
      metadata: { generateName: 'z-' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
      subjects: [{ kind: 'User', name: 'u' }],
    },
  ],
  [
    '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    {
      metadata: { name: 'zs.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'zs', kind: 'Z' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: '.spec.a' }],
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: {
                    type: 'object',
                    properties: { a: { type: 'string', default: 'x', pattern: '^x' } },
                  },
                },
              },
            },
          },
        ],
      },
    },
  ],
  [
    '/apis/resource.k8s.io/v1/namespaces/default/resourceclaims',
    {
      metadata: { generateName: 'z-' },
      spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu' } }] } },
    },
  ],
  [
    '/apis/events.k8s.io/v1/namespaces/default/events',
    {
      metadata: { generateName: 'z-' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reason: 'R',
      action: 'A',
      type: 'Normal',
      reportingController: 'c',
      reportingInstance: 'i',
      regarding: { kind: 'Pod', name: 'x', namespace: 'default' },
    },
  ],
  [
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } },
  ],
];

/** Every path in a JSON value. */
function pathsIn(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [
    path,
    ...Object.entries(value).flatMap(([key, item]) =>
      pathsIn(item, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ];
}

const odd = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    0,
    -1,
    1.5,
    1e300,
    2 ** 31,
    '',
    'x',
    'A_B',
    '1Gi',
    '-1',
    '100%',
    'http',
    '*',
    'a/b',
    '2026-01-01T00:00:00Z',
    [],
    [null],
    [{}],
    {},
    { a: null },
    { type: 'x' },
    ['a', 'a'],
  ),
  value,
);

test('valid objects with one part replaced are taken or refused, never a 5xx, and what is taken can be read in every form', async () => {
  for (const [collection, object] of valid) {
    const { code, body } = await t.request('POST', `${collection}?dryRun=All`, { body: object });
    expect([collection, code, body.message]).toEqual([collection, 201, undefined]);
  }
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...valid),
      fc.nat(),
      odd,
      fc.boolean(),
      async ([collection, object], pick, replacement, strict) => {
        const copy = structuredClone(object);
        const all = pathsIn(copy).slice(1);
        const path = all[pick % all.length] ?? [];
        let target: Record<string | number, unknown> = copy;
        for (const key of path.slice(0, -1)) target = target[key] as Record<string, unknown>;
        target[path.at(-1) ?? ''] = replacement;
        bugs.length = 0;
        const made = await t.request('POST', `${collection}${strict ? '?fieldValidation=Strict' : ''}`, {
          body: copy,
        });
        expect(bugs).toEqual([]);
        expect(made.code).toBeLessThan(500);
        if (made.code !== 201 || !made.body.metadata.name || collection.includes('reviews')) return;
        const one = `${collection}/${made.body.metadata.name}`;
        for (const form of ['Table', 'PartialObjectMetadata'])
          expect(
            (
              await t.request('GET', one, {
                headers: { accept: `application/json;as=${form};v=v1;g=meta.k8s.io` },
              })
            ).code,
          ).toBe(200);
        const again = await t.request('PUT', one, { body: made.body });
        expect([again.code, again.body.message]).toEqual([200, undefined]);
        expect(again.body.metadata.resourceVersion).toBe(made.body.metadata.resourceVersion);
        const gone = await t.request('DELETE', one, { body: { gracePeriodSeconds: 0 } });
        expect(gone.code).toBe(200);
        expect(bugs).toEqual([]);
      },
    ),
    { numRuns: 1000 },
  );
}, 60_000);
