import type { ApiError, Unstructured } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import { type AdmissionDeps, builtinAdmission } from '../../src/admission/index.ts';
import { bootstrapRbac, createAuthorizer } from '../../src/auth/index.ts';
import type { AdmissionRequest } from '../../src/contracts.ts';
import { admission, fakeLookup, type FakeLookup, user } from '../auth/fakes.ts';

const namespace = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, ...('labels' in more ? { labels: more.labels } : {}) },
  status: { phase: 'Active', ...('status' in more ? (more.status as object) : {}) },
});
const account = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'default', namespace: 'default' },
};

function setup(objects: object[] = [], more: Partial<AdmissionDeps> = {}) {
  const lookup = fakeLookup(namespace('default'), account, ...objects);
  const clock = { at: new Date('2026-05-01T12:00:00Z') };
  const plugins = builtinAdmission({
    lookup,
    authorizer: createAuthorizer({ lookup }),
    now: () => clock.at,
    random: () => 0,
    ...more,
  });
  const admit = async (request: AdmissionRequest): Promise<void> => {
    for (const plugin of plugins) await plugin.mutate?.(request);
    for (const plugin of plugins) await plugin.validate?.(request);
  };
  return { lookup, clock, admit, plugins };
}
const pod = (spec: object = {}, metadata: object = {}): Pod & Unstructured =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default', ...metadata },
    spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
  }) as never;

async function admitted(
  object: Pod & Unstructured,
  objects: object[] = [],
  more: Partial<AdmissionDeps> = {},
): Promise<Pod & { spec: NonNullable<Pod['spec']> }> {
  await setup(objects, more).admit(admission('CREATE', object));
  return object as never;
}
const resources = (requests: object, limits?: object) => ({
  containers: [{ name: 'c', image: 'i', resources: { requests, ...(limits ? { limits } : {}) } }],
});

describe('the order of the plugins', () => {
  test("is upstream's", () => {
    expect(
      setup([], { storageProtection: true, podGroupProtection: true, ownerReferences: true }).plugins.map(
        (plugin) => plugin.name,
      ),
    ).toEqual([
      'NamespaceLifecycle',
      'ServiceAccount',
      'NodeRestriction',
      'TaintNodesByCondition',
      'LimitRanger',
      'PodSecurity',
      'Priority',
      'DefaultTolerationSeconds',
      'DefaultStorageClass',
      'StorageObjectInUseProtection',
      'PodGroupProtection',
      'OwnerReferencesPermissionEnforcement',
      'PersistentVolumeClaimResize',
      'RuntimeClass',
      'CertificateSubjectRestriction',
      'DefaultIngressClass',
      'PodGroupWorkloadExists',
      'RBACEscalation',
      'ResourceQuota',
    ]);
  });
});

describe('NamespaceLifecycle', () => {
  const configMap = (name: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c', namespace: name },
  });

  test('refuses what is made in a namespace that is not there', async () => {
    await expect(setup().admit(admission('CREATE', configMap('nope')))).rejects.toMatchObject({
      code: 404,
      message: 'namespaces "nope" not found',
    });
  });

  test('refuses new content in a namespace that is being terminated, but not changes', async () => {
    const { admit } = setup([namespace('old', { status: { phase: 'Terminating' } })]);
    const error = await admit(admission('CREATE', configMap('old'))).catch((caught: unknown) => caught);
    expect((error as ApiError).status).toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message:
        'configmaps "c" is forbidden: unable to create new content in namespace old because it is being terminated',
      details: {
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: 'namespace old is being terminated',
            field: 'metadata.namespace',
          },
        ],
      },
    });
    await admit(admission('UPDATE', configMap('old'), { oldObject: configMap('old') as never }));
  });

  test.each(['default', 'kube-system', 'kube-public'])('never deletes %s', async (name) => {
    const request = admission('DELETE', undefined, { oldObject: namespace(name) as never });
    await expect(setup().admit(request)).rejects.toThrow(
      `namespaces "${name}" is forbidden: this namespace may not be deleted`,
    );
  });
});

describe('ServiceAccount', () => {
  test('mounts the token of the default account into every container', async () => {
    const { spec } = await admitted(pod({ initContainers: [{ name: 'i', image: 'i' }] }));
    const mount = {
      name: 'kube-api-access-bbbbb',
      readOnly: true,
      mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
    };
    expect(spec.serviceAccountName).toBe('default');
    expect(spec.containers[0]?.volumeMounts).toEqual([mount]);
    expect(spec.initContainers?.[0]?.volumeMounts).toEqual([mount]);
    expect(spec.volumes).toEqual([
      {
        name: 'kube-api-access-bbbbb',
        projected: {
          defaultMode: 420,
          sources: [
            { serviceAccountToken: { expirationSeconds: 3607, path: 'token' } },
            { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
            {
              downwardAPI: {
                items: [
                  { path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } },
                ],
              },
            },
          ],
        },
      },
    ]);
  });

  test('leaves alone who does not want it, or has mounted something there', async () => {
    expect((await admitted(pod({ automountServiceAccountToken: false }))).spec.volumes).toBeUndefined();
    const off = [{ ...account, automountServiceAccountToken: false }];
    expect((await admitted(pod(), off)).spec.volumes).toBeUndefined();
    expect((await admitted(pod({ automountServiceAccountToken: true }), off)).spec.volumes).toHaveLength(1);
    const own = [{ name: 'x', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }];
    expect(
      (await admitted(pod({ containers: [{ name: 'c', image: 'i', volumeMounts: own }] }))).spec.volumes,
    ).toBeUndefined();
  });

  test("gives the account's pull secrets, and refuses an account that is not there", async () => {
    const secrets = [{ ...account, imagePullSecrets: [{ name: 'reg' }] }];
    expect((await admitted(pod(), secrets)).spec.imagePullSecrets).toEqual([{ name: 'reg' }]);
    await expect(admitted(pod({ serviceAccountName: 'ghost' }))).rejects.toThrow(
      'pods "p" is forbidden: error looking up service account default/ghost: serviceaccount "ghost" not found',
    );
  });
});

describe('Priority', () => {
  const priorityClass = (name: string, value: number, more: object = {}) => ({
    apiVersion: 'scheduling.k8s.io/v1',
    kind: 'PriorityClass',
    metadata: { name },
    value,
    ...more,
  });

  test('resolves the class of a pod, the default one, or zero', async () => {
    expect((await admitted(pod())).spec).toMatchObject({
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
    });
    expect((await admitted(pod({ priorityClassName: 'system-node-critical' }))).spec.priority).toBe(
      2_000_001_000,
    );
    const classes = [
      priorityClass('high', 100, { preemptionPolicy: 'Never' }),
      priorityClass('base', 5, { globalDefault: true }),
    ];
    expect((await admitted(pod({ priorityClassName: 'high' }), classes)).spec).toMatchObject({
      priority: 100,
      preemptionPolicy: 'Never',
    });
    expect((await admitted(pod(), classes)).spec).toMatchObject({ priorityClassName: 'base', priority: 5 });
  });

  test("refuses unknown classes and numbers of one's own", async () => {
    await expect(admitted(pod({ priorityClassName: 'none' }))).rejects.toThrow(
      'pods "p" is forbidden: no PriorityClass with name none was found',
    );
    await expect(admitted(pod({ priority: 7 }))).rejects.toThrow(
      'the integer value of priority (7) must not be provided in pod spec; priority admission controller computed 0',
    );
  });

  test('allows one default class', async () => {
    const { admit } = setup([priorityClass('base', 5, { globalDefault: true })]);
    await expect(
      admit(admission('CREATE', priorityClass('other', 6, { globalDefault: true }))),
    ).rejects.toThrow('PriorityClass base is already marked as default. Only one default can exist');
  });
});

describe('tolerations and taints', () => {
  test('pods stay five minutes on a lost node, unless they say otherwise', async () => {
    const own = {
      key: 'node.kubernetes.io/not-ready',
      operator: 'Exists',
      effect: 'NoExecute',
      tolerationSeconds: 5,
    };
    expect((await admitted(pod({ tolerations: [own] }))).spec.tolerations).toEqual([
      own,
      {
        key: 'node.kubernetes.io/unreachable',
        operator: 'Exists',
        effect: 'NoExecute',
        tolerationSeconds: 300,
      },
    ]);
    expect((await admitted(pod({ tolerations: [{ operator: 'Exists' }] }))).spec.tolerations).toHaveLength(1);
  });

  test('a new node is tainted until it is ready', async () => {
    const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' } } as unknown as Unstructured;
    await setup().admit(admission('CREATE', node));
    expect(node['spec']).toEqual({ taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] });
  });
});

describe('LimitRanger', () => {
  const range = (limit: object) => [
    {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: { name: 'l', namespace: 'default' },
      spec: { limits: [{ type: 'Container', ...limit }] },
    },
  ];

  test('fills in what a container leaves out, and says so', async () => {
    const made = await admitted(pod(), range({ default: { cpu: '500m' }, defaultRequest: { cpu: '100m' } }));
    expect(made.spec.containers[0]?.resources).toEqual({
      limits: { cpu: '500m' },
      requests: { cpu: '100m' },
    });
    expect(made.metadata.annotations?.['kubernetes.io/limit-ranger']).toBe(
      'LimitRanger plugin set: cpu limit for container c; cpu request for container c',
    );
  });

  test('takes a written limit for the request before its own default', async () => {
    const made = await admitted(
      pod({ containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '2' } } }] }),
      range({ defaultRequest: { cpu: '100m' } }),
    );
    expect(made.spec.containers[0]?.resources?.requests).toEqual({ cpu: '2' });
  });

  test.each<[string, object, object, string]>([
    [
      'too little',
      { min: { cpu: '1' } },
      resources({ cpu: '500m' }, { cpu: '2' }),
      'minimum cpu usage per Container is 1, but request is 500m',
    ],
    [
      'too much',
      { max: { cpu: '1' } },
      resources({ cpu: '1' }, { cpu: '2' }),
      'maximum cpu usage per Container is 1, but limit is 2',
    ],
    [
      'no limit at all',
      { max: { memory: '1Gi' } },
      resources({ memory: '1Mi' }),
      'maximum memory usage per Container is 1Gi.  No limit is specified',
    ],
    [
      'too loose a limit',
      { maxLimitRequestRatio: { cpu: '2' } },
      resources({ cpu: '1' }, { cpu: '3' }),
      'cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000',
    ],
  ])('refuses %s', async (_name, limit, spec, expected) => {
    await expect(admitted(pod(spec), range(limit))).rejects.toThrow(`pods "p" is forbidden: ${expected}`);
  });
});

describe('ResourceQuota', () => {
  const quota = (hard: object, more: object = {}) => ({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: 'q', namespace: 'default' },
    spec: { hard, ...more },
  });
  const store = (lookup: FakeLookup, made: Unstructured): void => lookup.add(structuredClone(made));

  test('refuses the pod that would exceed it, counting pods as they are', async () => {
    const { admit, lookup } = setup([quota({ 'requests.cpu': '2', pods: '2' })]);
    const first = pod(resources({ cpu: '1500m' }), { name: 'a' });
    await admit(admission('CREATE', first));
    store(lookup, first);
    await expect(admit(admission('CREATE', pod(resources({ cpu: '1' }), { name: 'b' })))).rejects.toThrow(
      'pods "b" is forbidden: exceeded quota: q, requested: requests.cpu=1, used: requests.cpu=1500m, limited: requests.cpu=2',
    );
    await admit(admission('CREATE', pod(resources({ cpu: '500m' }), { name: 'c' })));
    lookup.add({ ...first, status: { phase: 'Succeeded' } });
    await admit(admission('CREATE', pod(resources({ cpu: '1' }), { name: 'd' })));
  });

  test('never lets two requests share the last unit, though neither is stored yet', async () => {
    const { admit, clock } = setup([quota({ 'requests.nvidia.com/gpu': '1' })]);
    const gpu = (name: string) =>
      admission('CREATE', pod(resources({ 'nvidia.com/gpu': '1' }, { 'nvidia.com/gpu': '1' }), { name }));
    const results = await Promise.allSettled([admit(gpu('a')), admit(gpu('b'))]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected']);
    // The first was never stored (it failed later): its claim ends after a while.
    clock.at = new Date(clock.at.getTime() + 6_000);
    await admit(gpu('c'));
  });

  test('wants to know what it limits', async () => {
    const { admit } = setup([quota({ 'limits.memory': '1Gi', cpu: '1' })]);
    await expect(admit(admission('CREATE', pod()))).rejects.toThrow(
      'failed quota: q: must specify cpu for: c; limits.memory for: c',
    );
  });

  test('counts only what is in its scopes', async () => {
    const { admit } = setup([quota({ pods: '0' }, { scopes: ['BestEffort'] })]);
    await expect(admit(admission('CREATE', pod()))).rejects.toThrow(
      'exceeded quota: q, requested: pods=1, used: pods=0, limited: pods=0',
    );
    await admit(admission('CREATE', pod(resources({ cpu: '1' }))));
  });

  test('counts services by type, claims by size and class, and any kind by count', async () => {
    const { admit } = setup([
      quota({ 'services.nodeports': '1', 'requests.storage': '1Gi', 'count/jobs.batch': '0' }),
    ]);
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', namespace: 'default' },
      spec: { type: 'NodePort', ports: [{ port: 1 }, { port: 2 }] },
    };
    await expect(admit(admission('CREATE', service))).rejects.toThrow(
      'requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1',
    );
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'c', namespace: 'default' },
      spec: { resources: { requests: { storage: '2Gi' } } },
    };
    await expect(admit(admission('CREATE', claim))).rejects.toThrow('requested: requests.storage=2Gi');
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'j', namespace: 'default' },
      spec: {},
    };
    await expect(admit(admission('CREATE', job))).rejects.toThrow(
      'jobs.batch "j" is forbidden: exceeded quota: q, requested: count/jobs.batch=1',
    );
  });
});

describe('PodSecurity', () => {
  const enforcing = (level: string, mode = 'enforce') => [
    namespace('default', { labels: { [`pod-security.kubernetes.io/${mode}`]: level } }),
  ];

  test("refuses by the namespace's label, naming what and where", async () => {
    const bad = pod({
      hostNetwork: true,
      containers: [{ name: 'c', image: 'i', securityContext: { privileged: true } }],
    });
    await expect(admitted(bad, enforcing('baseline'))).rejects.toThrow(
      'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true), privileged (container "c" must not set securityContext.privileged=true)',
    );
    await expect(admitted(pod(), enforcing('restricted'))).rejects.toThrow(
      'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    );
    await admitted(pod(), enforcing('baseline'));
    await admitted(bad);
  });

  test('warns where asked to warn', async () => {
    const warnings: string[] = [];
    await admitted(pod({ hostPID: true }), enforcing('baseline', 'warn'), {
      warn: (_request, message) => warnings.push(message),
    });
    expect(warnings).toEqual(['would violate PodSecurity "baseline:latest": host namespaces (hostPID=true)']);
  });
});

describe('NodeRestriction', () => {
  const node = (name: string, more: object = {}) =>
    ({ apiVersion: 'v1', kind: 'Node', metadata: { name }, ...more }) as unknown as Unstructured;
  const n1 = { user: user('system:node:n1', 'system:nodes') };
  const { admit } = setup([
    ...bootstrapRbac(),
    pod({ nodeName: 'n1' }, { name: 'mine' }),
    pod({ nodeName: 'n2' }, { name: 'other' }),
  ]);

  test('a node touches its own node and its taints not at all', async () => {
    await admit(
      admission('UPDATE', node('n1', { spec: { unschedulable: true } }), { ...n1, oldObject: node('n1') }),
    );
    await expect(admit(admission('UPDATE', node('n2'), { ...n1, oldObject: node('n2') }))).rejects.toThrow(
      'nodes "n2" is forbidden: node "n1" is not allowed to modify node "n2"',
    );
    const tainted = node('n1', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } });
    await expect(admit(admission('UPDATE', tainted, { ...n1, oldObject: node('n1') }))).rejects.toThrow(
      'node "n1" is not allowed to modify taints',
    );
  });

  test('a node reports and removes its own pods, and makes none but mirrors', async () => {
    const status = (name: string, nodeName: string) => {
      const object = pod({ nodeName }, { name });
      return admission('UPDATE', object, {
        ...n1,
        subresource: 'status',
        oldObject: structuredClone(object),
      });
    };
    await admit(status('mine', 'n1'));
    await expect(admit(status('other', 'n2'))).rejects.toThrow(
      'node "n1" can only update pod status for pods with spec.nodeName set to itself',
    );
    await expect(admit(admission('CREATE', pod({ nodeName: 'n1' }), n1))).rejects.toThrow(
      'can only create mirror pods',
    );
  });
});

describe('storage and runtime classes', () => {
  test('a claim without a class gets the default one', async () => {
    const storageClass = {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'fast', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      provisioner: 'x',
    };
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'c', namespace: 'default' },
      spec: {},
    } as unknown as Unstructured;
    await setup([storageClass]).admit(admission('CREATE', claim));
    expect(claim['spec']).toEqual({ storageClassName: 'fast' });
  });

  test("a pod takes over its runtime class's overhead and nodes", async () => {
    const gvisor = {
      apiVersion: 'node.k8s.io/v1',
      kind: 'RuntimeClass',
      metadata: { name: 'gvisor' },
      handler: 'runsc',
      overhead: { podFixed: { memory: '64Mi' } },
      scheduling: { nodeSelector: { sandbox: 'yes' } },
    };
    expect((await admitted(pod({ runtimeClassName: 'gvisor' }), [gvisor])).spec).toMatchObject({
      overhead: { memory: '64Mi' },
      nodeSelector: { sandbox: 'yes' },
    });
    await expect(admitted(pod({ runtimeClassName: 'kata' }))).rejects.toThrow(
      'pod rejected: RuntimeClass "kata" not found',
    );
  });
});

describe('owner references', () => {
  test('that block a deletion need the right to its finalizers, where that is enforced', async () => {
    const owned = pod(
      {},
      {
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'u', blockOwnerDeletion: true },
        ],
      },
    );
    await admitted(structuredClone(owned));
    await expect(admitted(owned, [], { ownerReferences: true })).rejects.toThrow(
      "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on",
    );
  });
});

describe('pod groups', () => {
  const group = (podGroupTemplateName?: string) =>
    ({
      apiVersion: 'scheduling.k8s.io/v1alpha2',
      kind: 'PodGroup',
      metadata: { name: 'g', namespace: 'default' },
      spec: {
        schedulingPolicy: { basic: {} },
        ...(podGroupTemplateName
          ? { podGroupTemplateRef: { workload: { workloadName: 'w', podGroupTemplateName } } }
          : {}),
      },
    }) as never;
  const workload = {
    apiVersion: 'scheduling.k8s.io/v1alpha2',
    kind: 'Workload',
    metadata: { name: 'w', namespace: 'default' },
    spec: { podGroupTemplates: [{ name: 'worker', schedulingPolicy: { basic: {} } }] },
  };

  test('are made of a template that exists', async () => {
    const { admit } = setup([workload]);
    await admit(admission('CREATE', group('worker')));
    await expect(admit(admission('CREATE', group('other')))).rejects.toThrow(
      'PodGroup rejected: PodGroupTemplate "other" not found in Workload "w"',
    );
    await expect(setup().admit(admission('CREATE', group('worker')))).rejects.toThrow(
      'PodGroup rejected: Workload "w" not found',
    );
  });

  test('are held by a finalizer where a controller takes it away', async () => {
    const made: Unstructured = group();
    await setup([], { podGroupProtection: true }).admit(admission('CREATE', made as never));
    expect(made.metadata.finalizers).toEqual(['scheduling.k8s.io/podgroup-protection']);
  });
});
