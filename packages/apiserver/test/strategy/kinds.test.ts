import { describe, expect, test } from 'vitest';
import { strategyFor } from '../../src/strategy/index.ts';
import { context } from '../auth/fakes.ts';
import { type Body, create, type Made, problems, update } from './support.ts';

const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const selector = { matchLabels: { app: 'a' } };

const service = (spec: object = {}): Body => ({
  apiVersion: 'v1',
  kind: 'Service',
  spec: { ports: [{ port: 80 }], selector: { app: 'a' }, ...spec },
});

describe('a service', () => {
  test('gets an address and its defaults', () => {
    const made = create(service());
    expect(made.spec).toEqual({
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      selector: { app: 'a' },
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
    });
    expect(made.status).toEqual({ loadBalancer: {} });
  });

  test('that is headless or external has none', () => {
    expect(create(service({ clusterIP: 'None' })).spec).toMatchObject({
      clusterIP: 'None',
      clusterIPs: ['None'],
    });
    const external = create(
      service({ type: 'ExternalName', externalName: 'db.example.com', ports: undefined }),
    );
    expect(external.spec).not.toHaveProperty('clusterIP');
    expect(external.spec).not.toHaveProperty('internalTrafficPolicy');
  });

  test('gives back what it took when it goes, and what a failed create took', () => {
    const ctx = context();
    const made = create(service({ type: 'NodePort' }), ctx);
    expect(ctx.taken.size).toBe(2);
    strategyFor('', 'services').afterDelete?.(made, ctx);
    expect(ctx.taken.size).toBe(0);
    ctx.taken.add(31000);
    expect(() =>
      create(service({ type: 'NodePort', ports: [{ name: 'a', port: 1, nodePort: 31000 }] }), ctx),
    ).toThrow(
      'Service "x" is invalid: spec.ports[0].nodePort: Invalid value: 31000: provided value is already allocated',
    );
    expect([...ctx.taken]).toEqual([31000]);
  });

  test('keeps its address and ports through an update that leaves them out', () => {
    const old = create(service({ type: 'NodePort' }));
    const { object, problems: found } = update(old, (next) =>
      Object.assign(next, { spec: { type: 'NodePort', ports: [{ port: 80 }], selector: { app: 'b' } } }),
    );
    expect(found).toEqual([]);
    expect(object.spec).toMatchObject({
      clusterIP: old.spec['clusterIP'],
      ports: [{ nodePort: 30002 }],
      selector: { app: 'b' },
    });
  });

  test('drops what a new type cannot have', () => {
    const old = create(service({ type: 'NodePort' }));
    const cluster = update(old, (next) => Object.assign(next.spec, { type: 'ClusterIP' }));
    expect(cluster.problems).toEqual([]);
    expect(cluster.object.spec['ports']).toEqual([{ port: 80, protocol: 'TCP', targetPort: 80 }]);
    const external = update(old, (next) =>
      Object.assign(next.spec, { type: 'ExternalName', externalName: 'x.example' }),
    );
    expect(external.problems).toEqual([]);
    expect(external.object.spec).not.toHaveProperty('clusterIP');
  });

  test('is refused for what cannot be', () => {
    const old = create(service());
    expect(
      update(old, (next) => Object.assign(next.spec, { clusterIP: '10.96.0.9', clusterIPs: ['10.96.0.9'] }))
        .problems,
    ).toEqual(['spec.clusterIPs[0]: Invalid value: ["10.96.0.9"]: may not change once set']);
    expect(problems(service({ ports: [] }))).toEqual(['spec.ports: Required value']);
    expect(problems(service({ ports: [{ port: 1 }, { port: 2, name: 'b' }] }))).toEqual([
      'spec.ports[0].name: Required value',
    ]);
    expect(problems(service({ ports: [{ port: 80, nodePort: 30000 }] }))).toEqual([
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ]);
    expect(strategyFor('', 'services').nameProblem?.('1a')).toContain('a DNS-1035 label must');
  });
});

describe('config maps and secrets', () => {
  test('stringData goes into data', () => {
    const made = create({
      apiVersion: 'v1',
      kind: 'Secret',
      stringData: { a: 'ü' },
      data: { a: 'AA==', b: 'AA==' },
    });
    expect(made).toMatchObject({
      type: 'Opaque',
      data: { a: Buffer.from('ü').toString('base64'), b: 'AA==' },
    });
    expect(made).not.toHaveProperty('stringData');
  });

  test('a typed secret has the keys of its type, and keeps the type', () => {
    expect(
      problems({ apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }),
    ).toEqual(['data[tls.key]: Required value']);
    const old = create({ apiVersion: 'v1', kind: 'Secret', data: {} });
    expect(update(old, (next) => Object.assign(next, { type: 'other' })).problems).toEqual([
      'type: Invalid value: "other": field is immutable',
    ]);
  });

  test('immutable ones do not change, nor become mutable', () => {
    const old = create({ apiVersion: 'v1', kind: 'ConfigMap', immutable: true, data: { a: '1' } });
    expect(
      update(old, (next) => Object.assign(next, { data: { a: '2' }, immutable: false })).problems,
    ).toEqual([
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
    ]);
  });

  test('keys and size are limited', () => {
    expect(problems({ apiVersion: 'v1', kind: 'ConfigMap', data: { 'a/b': '' } })[0]).toContain(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    );
    expect(problems({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: 'x'.repeat(1048577) } })).toEqual([
      ': Too long: may not be more than 1048576 bytes',
    ]);
  });
});

describe('workloads', () => {
  test.each<[string, object, object]>([
    [
      'Deployment',
      {},
      {
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      },
    ],
    ['ReplicaSet', {}, { replicas: 1 }],
    [
      'StatefulSet',
      { serviceName: 's' },
      {
        replicas: 1,
        revisionHistoryLimit: 10,
        podManagementPolicy: 'OrderedReady',
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
        persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      },
    ],
    [
      'DaemonSet',
      {},
      {
        revisionHistoryLimit: 10,
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      },
    ],
  ])('%s gets its defaults', (kind, spec, expected) => {
    expect(create({ apiVersion: 'apps/v1', kind, spec: { selector, template, ...spec } }).spec).toMatchObject(
      expected,
    );
  });

  test.each(['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet'])(
    'a %s must select its own pods, for ever',
    (kind) => {
      const body = {
        apiVersion: 'apps/v1',
        kind,
        spec: { selector: { matchLabels: { app: 'b' } }, template },
      };
      expect(problems(body)).toEqual([
        'spec.template.metadata.labels: Invalid value: {"app":"a"}: `selector` does not match template `labels`',
      ]);
      const old = create({ apiVersion: 'apps/v1', kind, spec: { selector, template } });
      const changed = update(old, (next) =>
        Object.assign(next.spec, {
          selector: { matchLabels: { app: 'a', x: 'y' } },
          template: { ...template, metadata: { labels: { app: 'a', x: 'y' } } },
        }),
      );
      expect(changed.problems.join()).toMatch(
        /field is immutable|updates to statefulset spec for fields other than/,
      );
      expect(
        update(old, (next) => Object.assign(next.spec, { replicas: kind === 'DaemonSet' ? undefined : 5 }))
          .problems,
      ).toEqual([]);
    },
  );

  test('pods of a workload always restart', () => {
    const once = { ...template, spec: { ...template.spec, restartPolicy: 'Never' } };
    expect(
      problems({ apiVersion: 'apps/v1', kind: 'Deployment', spec: { selector, template: once } }),
    ).toEqual(['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"']);
  });

  test('a replication controller takes selector and labels from its template', () => {
    const made = create({ apiVersion: 'v1', kind: 'ReplicationController', spec: { template } });
    expect(made.spec).toMatchObject({ replicas: 1, selector: { app: 'a' } });
    expect(made.metadata.labels).toEqual({ app: 'a' });
  });
});

describe('core kinds', () => {
  test('a namespace is active, finalized and labelled with its name', () => {
    const made = create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'lab' } });
    expect(made).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': 'lab' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
    const ended = {
      ...made,
      metadata: { ...made.metadata, deletionTimestamp: '2026-05-01T12:00:00Z' },
    } as unknown as Made;
    expect(update(ended, () => {}, undefined, 'status').problems).toEqual([
      'status.phase: Invalid value: "Active": may only be \'Terminating\' if `deletionTimestamp` is not empty',
    ]);
    expect(update(made, (next) => Object.assign(next, { spec: {} })).object.spec).toEqual({
      finalizers: ['kubernetes'],
    });
  });

  test('a node allocates its capacity unless it says less; taints are unique', () => {
    const taint = { key: 'a', effect: 'NoSchedule' };
    expect(problems({ apiVersion: 'v1', kind: 'Node', spec: { taints: [taint, taint] } })[0]).toContain(
      'spec.taints[1]: Duplicate value',
    );
    const old = create({ apiVersion: 'v1', kind: 'Node' });
    const { object } = update(
      old,
      (next) => Object.assign(next, { status: { capacity: { cpu: '4000m' } } }),
      undefined,
      'status',
    );
    expect(object.status).toEqual({ capacity: { cpu: '4' }, allocatable: { cpu: '4' } });
  });

  test('limits of a range fill each other', () => {
    const made = create({
      apiVersion: 'v1',
      kind: 'LimitRange',
      spec: { limits: [{ type: 'Container', max: { cpu: '2' }, min: { memory: '1Gi' } }] },
    });
    expect(made.spec['limits']).toEqual([
      {
        type: 'Container',
        max: { cpu: '2' },
        min: { memory: '1Gi' },
        default: { cpu: '2' },
        defaultRequest: { cpu: '2', memory: '1Gi' },
      },
    ]);
  });

  test('claims and volumes start pending, with a mode; a claim stays as it is', () => {
    const claim = create({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1024Mi' } } },
    });
    expect(claim).toMatchObject({
      spec: { volumeMode: 'Filesystem', resources: { requests: { storage: '1Gi' } } },
      status: { phase: 'Pending' },
    });
    expect(
      update(claim, (next) => Object.assign(next.spec, { accessModes: ['ReadWriteMany'] })).problems,
    ).toEqual([
      'spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims',
    ]);
    expect(
      problems({
        apiVersion: 'v1',
        kind: 'PersistentVolume',
        spec: { accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } },
      }),
    ).toEqual(['spec: Required value: must specify a volume type']);
  });
});

describe('versions of one kind', () => {
  test('an autoscaler of v1 is one of v2 with a CPU metric, and back', () => {
    const strategy = strategyFor('autoscaling', 'horizontalpodautoscalers');
    const v1 = {
      apiVersion: 'autoscaling/v1',
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'x' },
      spec: {
        maxReplicas: 3,
        scaleTargetRef: { kind: 'Deployment', name: 'd' },
        targetCPUUtilizationPercentage: 50,
      },
    } as never;
    const v2 = strategy.toStorage?.(v1, 'v1');
    expect(v2).toMatchObject({
      apiVersion: 'autoscaling/v2',
      spec: {
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { averageUtilization: 50 } } }],
      },
    });
    expect(strategy.fromStorage?.(v2 as never, 'v1')).toEqual(v1);
  });

  test('what v1 of an autoscaler cannot say travels in annotations', () => {
    const strategy = strategyFor('autoscaling', 'horizontalpodautoscalers');
    const v2 = create({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      spec: {
        maxReplicas: 3,
        scaleTargetRef: { kind: 'D', name: 'd' },
        metrics: [
          {
            type: 'Pods',
            pods: { metric: { name: 'q' }, target: { type: 'AverageValue', averageValue: '5' } },
          },
        ],
        behavior: { scaleUp: {} },
      },
    });
    const v1 = strategy.fromStorage?.(v2, 'v1') as Made;
    expect(v1.spec).not.toHaveProperty('metrics');
    expect(strategy.toStorage?.(v1, 'v1')?.['spec']).toEqual(v2.spec);
  });

  test('an event is the same under both groups', () => {
    const strategy = strategyFor('events.k8s.io', 'events');
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'e' },
      regarding: { name: 'p' },
      note: 'n',
      reportingController: 'c',
    } as never;
    const stored = strategy.toStorage?.(event, 'v1');
    expect(stored).toEqual({
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e' },
      involvedObject: { name: 'p' },
      message: 'n',
      reportingComponent: 'c',
    });
    expect(strategy.fromStorage?.(stored as never, 'v1')).toEqual(event);
  });

  test('device requests of v1beta1 are flat', () => {
    const strategy = strategyFor('resource.k8s.io', 'resourceclaims');
    const flat = {
      apiVersion: 'resource.k8s.io/v1beta1',
      kind: 'ResourceClaim',
      metadata: {},
      spec: { devices: { requests: [{ name: 'a', deviceClassName: 'gpu', count: 2 }] } },
    } as never;
    const stored = strategy.toStorage?.(flat, 'v1beta1');
    expect(stored?.['spec']).toEqual({
      devices: { requests: [{ name: 'a', exactly: { deviceClassName: 'gpu', count: 2 } }] },
    });
    expect(strategy.fromStorage?.(stored as never, 'v1beta1')).toEqual(flat);
  });
});

const group = (schedulingPolicy: object): Body => ({
  apiVersion: 'scheduling.k8s.io/v1alpha2',
  kind: 'PodGroup',
  spec: { schedulingPolicy },
});

const policy = (spec: object) =>
  create({ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', spec }).spec['policyTypes'];

describe('other kinds', () => {
  test('bindings complete their subjects and never change their role', () => {
    const made = create({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      roleRef: { kind: 'Role', name: 'r' },
      subjects: [
        { kind: 'User', name: 'u' },
        { kind: 'ServiceAccount', name: 's' },
      ],
    });
    expect(made).toMatchObject({
      roleRef: { apiGroup: 'rbac.authorization.k8s.io' },
      subjects: [
        { kind: 'User', apiGroup: 'rbac.authorization.k8s.io' },
        { kind: 'ServiceAccount', namespace: 'default' },
      ],
    });
    expect(
      update(made, (next) =>
        Object.assign(next, { roleRef: { ...(made['roleRef'] as object), name: 'q' } }),
      ).problems.join(),
    ).toContain('cannot change roleRef');
  });

  test('a priority class keeps its value; system names are reserved', () => {
    const made = create({
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name: 'high' },
      value: 10,
    });
    expect(made['preemptionPolicy']).toBe('PreemptLowerPriority');
    expect(update(made, (next) => Object.assign(next, { value: 11 })).problems).toEqual([
      'value: Forbidden: may not be changed in an update.',
    ]);
    expect(
      problems({
        apiVersion: 'scheduling.k8s.io/v1',
        kind: 'PriorityClass',
        metadata: { name: 'system-mine' },
        value: 1,
      })[0],
    ).toContain('reserved for system use only');
  });

  test('a pod group is basic or a gang, not both', () => {
    expect(create(group({ gang: { minCount: 4 } })).spec['disruptionMode']).toBe('Pod');
    expect(problems(group({}))).toEqual([
      'spec.schedulingPolicy: Required value: must specify one of: `basic`, `gang`',
    ]);
    expect(problems(group({ gang: { minCount: 0 } }))).toEqual([
      'spec.schedulingPolicy.gang.minCount: Invalid value: 0: must be greater than or equal to 1',
    ]);
  });

  test('a pod group wants one topology level at most, and shared claims that say which', () => {
    const spec = (more: object): Body => ({
      ...group({}),
      spec: { schedulingPolicy: { gang: { minCount: 2 } }, ...more },
    });
    expect(
      problems(spec({ schedulingConstraints: { topology: [{ key: 'rack' }, { key: 'block' }] } })),
    ).toEqual(['spec.schedulingConstraints.topology: Too many: 2: must have at most 1 items']);
    expect(problems(spec({ schedulingConstraints: { topology: [{ key: 'a b' }] } }))[0]).toContain(
      'spec.schedulingConstraints.topology[0].key: Invalid value: "a b"',
    );
    expect(
      problems(spec({ resourceClaims: [{ name: 'a' }, { name: 'a', resourceClaimName: 'c' }] })),
    ).toEqual([
      expect.stringContaining('must specify one of: `resourceClaimName`, `resourceClaimTemplateName`'),
      expect.stringContaining('Duplicate value'),
    ]);
  });

  test('a workload has up to eight templates, each like a pod group', () => {
    const templates = (count: number): Body => ({
      apiVersion: 'scheduling.k8s.io/v1alpha2',
      kind: 'Workload',
      spec: {
        controllerRef: { apiGroup: 'batch', kind: 'Job', name: 'j' },
        podGroupTemplates: Array.from({ length: count }, (_, i) => ({
          name: `t${i}`,
          schedulingPolicy: { basic: {} },
        })),
      },
    });
    expect(problems(templates(8))).toEqual([]);
    expect(problems(templates(9))).toEqual([
      'spec.podGroupTemplates: Too many: 9: must have at most 8 items',
    ]);
    expect(problems(templates(0))).toEqual([
      'spec.podGroupTemplates: Required value: must have at least one item',
    ]);
  });

  test('webhooks get their defaults', () => {
    const made = create({
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'MutatingWebhookConfiguration',
      webhooks: [
        {
          name: 'a.b.c',
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
          clientConfig: { service: { name: 's', namespace: 'n' } },
          rules: [{}],
        },
      ],
    });
    expect(made['webhooks']).toMatchObject([
      {
        failurePolicy: 'Fail',
        matchPolicy: 'Equivalent',
        timeoutSeconds: 10,
        reinvocationPolicy: 'Never',
        namespaceSelector: {},
        objectSelector: {},
        clientConfig: { service: { port: 443 } },
        rules: [{ scope: '*' }],
      },
    ]);
  });

  test('network policies say which directions they are about', () => {
    expect(policy({ podSelector: {} })).toEqual(['Ingress']);
    expect(policy({ podSelector: {}, egress: [{}] })).toEqual(['Ingress', 'Egress']);
  });

  test('a signing request is signed with who asked for it', () => {
    const made = create({
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      spec: {
        request: Buffer.from('-----BEGIN CERTIFICATE REQUEST-----').toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client',
        usages: ['client auth'],
        username: 'root',
        groups: ['system:masters'],
      },
    });
    expect(made.spec).toMatchObject({ username: 'alice', groups: ['system:authenticated'] });
  });
});

describe('names', () => {
  test.each([
    ['', 'pods', 'a.b-1', true],
    ['', 'events', 'Odd_Name.1', true],
    ['apps', 'statefulsets', 'web.1', false],
    ['rbac.authorization.k8s.io', 'clusterroles', 'system:node', true],
    ['rbac.authorization.k8s.io', 'clusterroles', 'a/b', false],
    ['apiregistration.k8s.io', 'apiservices', 'v1.', true],
    ['networking.k8s.io', 'ipaddresses', '10.0.0.1', true],
    ['networking.k8s.io', 'ipaddresses', '2001:db8::1', true],
    ['networking.k8s.io', 'ipaddresses', '2001:db8:0::1', false],
    ['networking.k8s.io', 'ipaddresses', 'x', false],
  ])('%s/%s may be named %s: %s', (group, resource, name, allowed) => {
    expect(strategyFor(group, resource).nameProblem?.(name) === undefined).toBe(allowed);
  });
});
