import type { Unstructured } from '@coracle/machinery';
import { describe, expect, test } from 'vitest';
import { defaultPrinter, printerFor } from '../../src/printers/index.ts';

const now = new Date('2026-05-01T12:00:00Z');
const ago = (seconds: number): string =>
  new Date(now.getTime() - seconds * 1000).toISOString().replace('.000Z', 'Z');

/** Cells of the columns that plain `kubectl get` shows (and with `wide` all), by column name. */
function row(group: string, resource: string, object: object, wide = false): Record<string, unknown> {
  const printer = printerFor(group, resource, 'v1') ?? defaultPrinter;
  const full = {
    metadata: {
      name: 'x',
      creationTimestamp: ago(300),
      ...('metadata' in object ? (object.metadata as object) : {}),
    },
  };
  const cells = printer.cells({ ...object, ...full } as unknown as Unstructured, now);
  return Object.fromEntries(
    printer.columns.flatMap((column, at) => (wide || !column.priority ? [[column.name, cells[at]]] : [])),
  );
}

describe('pods', () => {
  const status = (spec: object, of: object, metadata: object = {}) => {
    const { Ready, Status, Restarts } = row('', 'pods', { metadata, spec, status: of });
    return [Ready, Status, Restarts].join(' ');
  };
  const two = { containers: [{ name: 'a' }, { name: 'b' }] };
  const running = (name: string, more: object = {}) => ({
    name,
    ready: true,
    restartCount: 0,
    state: { running: {} },
    ...more,
  });
  const ended = (name: string, terminated: object, restartCount = 0) => ({
    name,
    ready: false,
    restartCount,
    state: { terminated },
  });

  test.each<[string, string, [object, object, object?]]>([
    ['pending', '0/2 Pending 0', [two, { phase: 'Pending' }]],
    [
      'being made',
      '0/2 ContainerCreating 0',
      [
        two,
        {
          phase: 'Pending',
          containerStatuses: ['a', 'b'].map((name) => ({
            name,
            restartCount: 0,
            state: { waiting: { reason: 'ContainerCreating' } },
          })),
        },
      ],
    ],
    [
      'running',
      '2/2 Running 0',
      [two, { phase: 'Running', containerStatuses: [running('a'), running('b')] }],
    ],
    [
      'restarted',
      '2/2 Running 3 (90s ago)',
      [
        two,
        {
          phase: 'Running',
          containerStatuses: [
            running('a', { restartCount: 3, lastState: { terminated: { finishedAt: ago(90) } } }),
            running('b'),
          ],
        },
      ],
    ],
    [
      'done',
      '0/2 Completed 0',
      [
        two,
        {
          phase: 'Succeeded',
          containerStatuses: [
            ended('a', { exitCode: 0, reason: 'Completed' }),
            ended('b', { exitCode: 0, reason: 'Completed' }),
          ],
        },
      ],
    ],
    [
      'half done, the rest ready',
      '1/2 NotReady 0',
      [
        two,
        {
          phase: 'Running',
          containerStatuses: [running('a'), ended('b', { exitCode: 0, reason: 'Completed' })],
        },
      ],
    ],
    [
      'failed',
      '0/2 Error 0',
      [two, { phase: 'Failed', containerStatuses: [ended('a', { exitCode: 1, reason: 'Error' })] }],
    ],
    [
      'killed by a signal',
      '0/2 Signal:9 0',
      [two, { phase: 'Failed', containerStatuses: [ended('a', { exitCode: 137, signal: 9 })] }],
    ],
    [
      'ended without a reason',
      '0/2 ExitCode:3 0',
      [two, { phase: 'Failed', containerStatuses: [ended('a', { exitCode: 3 })] }],
    ],
    ['evicted', '0/2 Evicted 0', [two, { phase: 'Failed', reason: 'Evicted' }]],
    [
      'gated',
      '0/2 SchedulingGated 0',
      [
        two,
        {
          phase: 'Pending',
          conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }],
        },
      ],
    ],
    [
      'going',
      '2/2 Terminating 0',
      [
        two,
        { phase: 'Running', containerStatuses: [running('a'), running('b')] },
        { deletionTimestamp: ago(1) },
      ],
    ],
    [
      'on a lost node',
      '0/2 Unknown 0',
      [two, { phase: 'Running', reason: 'NodeLost' }, { deletionTimestamp: ago(1) }],
    ],
    [
      'initializing',
      '0/2 Init:0/1 0',
      [
        { ...two, initContainers: [{ name: 'i' }] },
        { phase: 'Pending', initContainerStatuses: [{ name: 'i', restartCount: 0, state: { running: {} } }] },
      ],
    ],
    [
      'failing to initialize',
      '0/2 Init:Error 2',
      [
        { ...two, initContainers: [{ name: 'i' }] },
        { phase: 'Pending', initContainerStatuses: [ended('i', { exitCode: 1, reason: 'Error' }, 2)] },
      ],
    ],
    [
      'with a sidecar',
      '2/2 Running 0',
      [
        { containers: [{ name: 'a' }], initContainers: [{ name: 's', restartPolicy: 'Always' }] },
        {
          phase: 'Running',
          initContainerStatuses: [running('s', { started: true })],
          containerStatuses: [running('a')],
        },
      ],
    ],
  ])('%s: %s', (_name, expected, [spec, of, metadata]) => {
    expect(status(spec, of, metadata)).toBe(expected);
  });

  test('wide shows where', () => {
    const shown = row(
      '',
      'pods',
      {
        spec: { ...two, nodeName: 'n1', readinessGates: [{ conditionType: 'g' }] },
        status: {
          phase: 'Running',
          podIPs: [{ ip: '10.0.0.9' }],
          conditions: [{ type: 'g', status: 'True' }],
        },
      },
      true,
    );
    expect(shown).toMatchObject({
      Age: '5m',
      IP: '10.0.0.9',
      Node: 'n1',
      'Nominated Node': '<none>',
      'Readiness Gates': '1/1',
    });
  });
});

describe('jobs', () => {
  const shown = (spec: object, status: object, metadata: object = {}) =>
    row('batch', 'jobs', { metadata, spec: { template: { spec: { containers: [] } }, ...spec }, status });
  const condition = (type: string) => [{ type, status: 'True' }];

  test('show how far they are and for how long', () => {
    expect(shown({ completions: 4, parallelism: 2 }, { succeeded: 1, startTime: ago(65) })).toEqual({
      Name: 'x',
      Status: 'Running',
      Completions: '1/4',
      Duration: '65s',
      Age: '5m',
    });
    expect(
      shown(
        { completions: 1 },
        { succeeded: 1, startTime: ago(100), completionTime: ago(70), conditions: condition('Complete') },
      ),
    ).toMatchObject({ Status: 'Complete', Completions: '1/1', Duration: '30s' });
    expect(shown({ parallelism: 3 }, {})).toMatchObject({ Completions: '0/1 of 3', Duration: '' });
    expect(shown({ completions: 1 }, { conditions: condition('Failed') })).toMatchObject({
      Status: 'Failed',
    });
    expect(shown({ completions: 1 }, { conditions: condition('Suspended') })).toMatchObject({
      Status: 'Suspended',
    });
    expect(shown({ completions: 1 }, {}, { deletionTimestamp: ago(1) })).toMatchObject({
      Status: 'Terminating',
    });
  });
});

describe('other kinds', () => {
  const template = {
    spec: {
      containers: [
        { name: 'a', image: 'i:1' },
        { name: 'b', image: 'i:2' },
      ],
    },
  };

  test.each<[string, string, object, object]>([
    [
      '',
      'nodes',
      {
        metadata: { labels: { 'node-role.kubernetes.io/worker': '', 'kubernetes.io/role': 'gpu' } },
        spec: { unschedulable: true },
        status: {
          conditions: [{ type: 'Ready', status: 'True' }],
          nodeInfo: { kubeletVersion: 'v1' },
          addresses: [{ type: 'InternalIP', address: '10.1.1.1' }],
        },
      },
      {
        Status: 'Ready,SchedulingDisabled',
        Roles: 'gpu,worker',
        Version: 'v1',
        'Internal-IP': '10.1.1.1',
        'External-IP': '<none>',
        'OS-Image': '<unknown>',
      },
    ],
    ['', 'nodes', { spec: {}, status: {} }, { Status: 'Unknown', Roles: '<none>' }],
    [
      '',
      'services',
      {
        spec: {
          type: 'NodePort',
          clusterIP: '10.0.0.1',
          ports: [
            { port: 80, nodePort: 30080, protocol: 'TCP' },
            { port: 53, protocol: 'UDP' },
          ],
          selector: { b: '2', a: '1' },
        },
      },
      {
        Type: 'NodePort',
        'Cluster-IP': '10.0.0.1',
        'External-IP': '<none>',
        'Port(s)': '80:30080/TCP,53/UDP',
        Selector: 'a=1,b=2',
      },
    ],
    [
      '',
      'services',
      { spec: { type: 'LoadBalancer', clusterIP: '10.0.0.1', ports: [] } },
      { 'External-IP': '<pending>', 'Port(s)': '<none>', Selector: '<none>' },
    ],
    [
      '',
      'services',
      { spec: { type: 'ExternalName', externalName: 'db.example' } },
      { 'Cluster-IP': '<none>', 'External-IP': 'db.example' },
    ],
    [
      'apps',
      'deployments',
      {
        spec: {
          replicas: 3,
          template,
          selector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['y', 'x'] }] },
        },
        status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 },
      },
      {
        Ready: '2/3',
        'Up-to-date': 3,
        Available: 1,
        Containers: 'a,b',
        Images: 'i:1,i:2',
        Selector: 'a in (x,y)',
      },
    ],
    [
      'apps',
      'daemonsets',
      {
        spec: { template, selector: {} },
        status: { desiredNumberScheduled: 2, currentNumberScheduled: 2, numberReady: 1 },
      },
      { Desired: 2, Current: 2, Ready: 1, 'Up-to-date': 0, Available: 0, 'Node Selector': '<none>' },
    ],
    [
      'batch',
      'cronjobs',
      {
        spec: { schedule: '* * * * *', suspend: false, jobTemplate: { spec: { template } } },
        status: { active: [{}], lastScheduleTime: ago(20) },
      },
      { Schedule: '* * * * *', Timezone: '<none>', Suspend: 'False', Active: 1, 'Last Schedule': '20s' },
    ],
    ['', 'configmaps', { data: { a: '' }, binaryData: { b: '' } }, { Data: 2 }],
    ['', 'secrets', { type: 'Opaque', data: { a: '' } }, { Type: 'Opaque', Data: 1 }],
    ['', 'namespaces', { status: { phase: 'Active' } }, { Status: 'Active', Age: '5m' }],
    [
      '',
      'endpoints',
      { subsets: [{ addresses: [{ ip: '1.1.1.1' }, { ip: '::1' }], ports: [{ port: 80 }, { port: 81 }] }] },
      { Endpoints: '1.1.1.1:80,[::1]:80,1.1.1.1:81 + 1 more...' },
    ],
    [
      'discovery.k8s.io',
      'endpointslices',
      { addressType: 'IPv4', ports: null, endpoints: [{ addresses: ['1.1.1.1'] }] },
      { Ports: '<unset>', Endpoints: '1.1.1.1' },
    ],
    [
      '',
      'events',
      {
        involvedObject: { kind: 'Pod', name: 'p' },
        type: 'Normal',
        reason: 'Pulled',
        message: 'done ',
        source: { component: 'kubelet', host: 'n' },
        firstTimestamp: ago(60),
        lastTimestamp: ago(10),
        count: 3,
      },
      {
        'Last Seen': '10s',
        Type: 'Normal',
        Reason: 'Pulled',
        Object: 'pod/p',
        Source: 'kubelet, n',
        Message: 'done',
        'First Seen': '60s',
        Count: 3,
        Name: 'x',
      },
    ],
    [
      '',
      'persistentvolumeclaims',
      {
        spec: { volumeName: 'v', storageClassName: 's', volumeMode: 'Filesystem' },
        status: {
          phase: 'Bound',
          capacity: { storage: '1Gi' },
          accessModes: ['ReadWriteMany', 'ReadWriteOnce'],
        },
      },
      {
        Status: 'Bound',
        Volume: 'v',
        Capacity: '1Gi',
        'Access Modes': 'RWO,RWX',
        StorageClass: 's',
        VolumeAttributesClass: '<unset>',
      },
    ],
    [
      'storage.k8s.io',
      'storageclasses',
      {
        metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
        provisioner: 'p',
      },
      {
        Name: 'x (default)',
        ReclaimPolicy: 'Delete',
        VolumeBindingMode: 'Immediate',
        AllowVolumeExpansion: false,
      },
    ],
    [
      'rbac.authorization.k8s.io',
      'rolebindings',
      {
        roleRef: { kind: 'Role', name: 'r' },
        subjects: [
          { kind: 'User', name: 'u' },
          { kind: 'ServiceAccount', name: 's', namespace: 'n' },
        ],
      },
      { Role: 'Role/r', Users: 'u', Groups: '', ServiceAccounts: 'n/s' },
    ],
    ['rbac.authorization.k8s.io', 'clusterroles', {}, { Name: 'x', 'Created At': ago(300) }],
    [
      'policy',
      'poddisruptionbudgets',
      { spec: { minAvailable: '50%' }, status: { disruptionsAllowed: 1 } },
      { 'Min Available': '50%', 'Max Unavailable': 'N/A', 'Allowed Disruptions': 1 },
    ],
    [
      'autoscaling',
      'horizontalpodautoscalers',
      {
        spec: {
          scaleTargetRef: { kind: 'Deployment', name: 'd' },
          minReplicas: 1,
          maxReplicas: 9,
          metrics: [
            {
              type: 'Resource',
              resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 80 } },
            },
          ],
        },
        status: {
          currentReplicas: 2,
          currentMetrics: [
            { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40 } } },
          ],
        },
      },
      { Reference: 'Deployment/d', Targets: 'cpu: 40%/80%', MinPods: 1, MaxPods: 9, Replicas: 2 },
    ],
    [
      'networking.k8s.io',
      'ingresses',
      { spec: { rules: [{ host: 'a.example' }, {}], tls: [{}] }, status: {} },
      { Class: '<none>', Hosts: 'a.example,*', Address: '', Ports: '80, 443' },
    ],
    ['coordination.k8s.io', 'leases', { spec: { holderIdentity: 'h' } }, { Holder: 'h' }],
    [
      'scheduling.k8s.io',
      'priorityclasses',
      { value: 10 },
      { Value: 10, 'Global-Default': false, PreemptionPolicy: 'PreemptLowerPriority' },
    ],
    [
      '',
      'resourcequotas',
      { status: { hard: { pods: '2', 'limits.cpu': '4' }, used: { pods: '1', 'limits.cpu': '500m' } } },
      { Request: 'pods: 1/2', Limit: 'limits.cpu: 500m/4' },
    ],
    [
      'scheduling.k8s.io',
      'podgroups',
      { spec: { schedulingPolicy: { gang: { minCount: 4 } } } },
      { Policy: 'Gang', 'Min Count': 4 },
    ],
    ['internal.apiserver.k8s.io', 'storageversions', {}, { Name: 'x', Age: '5m' }],
  ])('%s/%s', (group, resource, object, expected) => {
    expect(row(group, resource, object, true)).toMatchObject(expected);
  });
});
