import { describe, expect, test } from 'vitest';
import { defaultPullPolicy } from '../../src/strategy/pod-defaults.ts';
import { qosClass, strategyFor } from '../../src/strategy/index.ts';
import { type Body, create, problems, update } from './support.ts';

const pod = (spec: object = {}, metadata: object = {}): Body => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata,
  spec: { containers: [{ name: 'c', image: 'busybox' }], ...spec },
});
const container = (more: object): Body => pod({ containers: [{ name: 'c', image: 'busybox', ...more }] });

describe('the defaults of a pod', () => {
  test('are those of a Kubernetes API server', () => {
    expect(create(pod())).toMatchObject({
      spec: {
        containers: [
          {
            name: 'c',
            image: 'busybox',
            imagePullPolicy: 'Always',
            resources: {},
            terminationMessagePath: '/dev/termination-log',
            terminationMessagePolicy: 'File',
          },
        ],
        restartPolicy: 'Always',
        dnsPolicy: 'ClusterFirst',
        schedulerName: 'default-scheduler',
        terminationGracePeriodSeconds: 30,
        securityContext: {},
        enableServiceLinks: true,
      },
      status: { phase: 'Pending', qosClass: 'BestEffort' },
    });
  });

  test.each([
    ['nginx', 'Always'],
    ['nginx:latest', 'Always'],
    ['nginx:1.25', 'IfNotPresent'],
    ['reg.example:5000/nginx', 'Always'],
    ['reg.example:5000/nginx:v1', 'IfNotPresent'],
    ['nginx@sha256:0123456789abcdef', 'IfNotPresent'],
  ])('image %s is pulled %s', (image, policy) => {
    expect(defaultPullPolicy(image)).toBe(policy);
  });

  test('probes, ports, field references and volumes are completed', () => {
    const made = create(
      pod({
        containers: [
          {
            name: 'c',
            image: 'busybox',
            ports: [{ containerPort: 80 }],
            livenessProbe: { httpGet: { port: 80 } },
            readinessProbe: { grpc: { port: 81 }, periodSeconds: 3 },
            env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
          },
        ],
        volumes: [
          { name: 'none' },
          { name: 's', secret: { secretName: 's' } },
          { name: 'h', hostPath: { path: '/x' } },
          { name: 'p', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
        ],
      }),
    );
    expect(made.spec['containers']).toMatchObject([
      {
        ports: [{ containerPort: 80, protocol: 'TCP' }],
        livenessProbe: {
          httpGet: { path: '/', port: 80, scheme: 'HTTP' },
          timeoutSeconds: 1,
          periodSeconds: 10,
          successThreshold: 1,
          failureThreshold: 3,
        },
        readinessProbe: { grpc: { port: 81, service: '' }, periodSeconds: 3 },
        env: [{ name: 'IP', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'status.podIP' } } }],
      },
    ]);
    expect(made.spec['volumes']).toEqual([
      { name: 'none', emptyDir: {} },
      { name: 's', secret: { secretName: 's', defaultMode: 420 } },
      { name: 'h', hostPath: { path: '/x', type: '' } },
      {
        name: 'p',
        projected: {
          defaultMode: 420,
          sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 3600 } }],
        },
      },
    ]);
  });

  test('requests come from limits in a pod, but not in a template', () => {
    const resources = { limits: { cpu: '1000m', 'nvidia.com/gpu': '1' }, requests: { cpu: '0.5' } };
    const made = create(container({ resources }));
    expect((made.spec['containers'] as object[])[0]).toMatchObject({
      resources: {
        limits: { cpu: '1', 'nvidia.com/gpu': '1' },
        requests: { cpu: '500m', 'nvidia.com/gpu': '1' },
      },
    });
    const deployment = create({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: {
          metadata: { labels: { a: 'b' } },
          spec: { containers: [{ name: 'c', image: 'i', resources: { limits: { cpu: '1' } } }] },
        },
      },
    });
    const template = (
      deployment.spec as {
        template: { spec: { containers: { resources: object }[]; enableServiceLinks?: boolean } };
      }
    ).template;
    expect(template.spec.containers[0]?.resources).toEqual({ limits: { cpu: '1' } });
    expect(template.spec.enableServiceLinks).toBeUndefined();
  });

  test('a host-network pod has its ports on the host; the deprecated account name follows', () => {
    const made = create(
      pod({
        hostNetwork: true,
        serviceAccountName: 'robot',
        containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 9 }] }],
      }),
    );
    expect((made.spec['containers'] as object[])[0]).toMatchObject({
      ports: [{ containerPort: 9, hostPort: 9 }],
    });
    expect(made.spec['serviceAccount']).toBe('robot');
  });

  test('a gated pod says so in its conditions', () => {
    expect(create(pod({ schedulingGates: [{ name: 'example.com/wait' }] })).status).toMatchObject({
      conditions: [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'SchedulingGated',
          message: 'Scheduling is blocked due to non-empty scheduling gates',
        },
      ],
    });
  });
});

describe('quality of service', () => {
  test.each([
    [{}, 'BestEffort'],
    [{ requests: { cpu: '1' } }, 'Burstable'],
    [{ limits: { cpu: '1' }, requests: { cpu: '1' } }, 'Burstable'],
    [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1000m', memory: '1024Mi' } }, 'Guaranteed'],
    [{ limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '512Mi' } }, 'Burstable'],
    [{ limits: { 'nvidia.com/gpu': '1' } }, 'BestEffort'],
  ])('%j is %s', (resources, expected) => {
    expect(qosClass({ containers: [{ name: 'c', resources }] } as Parameters<typeof qosClass>[0])).toBe(
      expected,
    );
  });
});

describe('a pod is refused', () => {
  test.each<[string, Body, string]>([
    ['without containers', pod({ containers: [] }), 'spec.containers: Required value'],
    ['without an image', pod({ containers: [{ name: 'c' }] }), 'spec.containers[0].image: Required value'],
    [
      'with two containers of one name',
      pod({
        containers: [
          { name: 'c', image: 'a' },
          { name: 'c', image: 'b' },
        ],
      }),
      'spec.containers[1].name: Duplicate value: "c"',
    ],
    [
      'with an unknown restart policy',
      pod({ restartPolicy: 'Sometimes' }),
      'spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"',
    ],
    [
      'with a mount of no volume',
      container({ volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
      'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ],
    [
      'with more requested than allowed',
      container({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }),
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ],
    [
      'with half a GPU',
      container({ resources: { limits: { 'nvidia.com/gpu': '500m' } } }),
      'spec.containers[0].resources.limits[nvidia.com/gpu]: Invalid value: "500m": must be an integer',
    ],
    [
      'with GPUs requested but not limited',
      container({ resources: { requests: { 'nvidia.com/gpu': '1' } } }),
      'spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources',
    ],
    [
      'with a bad environment variable',
      container({ env: [{ name: 'A=B' }] }),
      'spec.containers[0].env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than \'=\'',
    ],
    [
      'with an unknown downward field',
      container({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.x' } } }] }),
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Unsupported value: "spec.x"',
    ],
    [
      'with a port out of range',
      container({ ports: [{ containerPort: 70000 }] }),
      'spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
    ],
    [
      'with a toleration without key and operator',
      pod({ tolerations: [{ effect: 'NoSchedule' }] }),
      'spec.tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ],
    [
      'with two sources in a volume',
      pod({ volumes: [{ name: 'v', emptyDir: {}, hostPath: { path: '/' } }] }),
      'may not specify more than 1 volume type',
    ],
    [
      'with a node name and gates',
      pod({ nodeName: 'n', schedulingGates: [{ name: 'g' }] }),
      'spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared',
    ],
    [
      'with a probe of two kinds',
      container({ livenessProbe: { exec: { command: ['a'] }, tcpSocket: { port: 1 } } }),
      'spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
    ],
    [
      'with hooks on a plain init container',
      pod({
        initContainers: [{ name: 'i', image: 'i', lifecycle: { preStop: { exec: { command: ['x'] } } } }],
      }),
      'spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always',
    ],
  ])('%s', (_name, body, expected) => {
    expect(problems(body).join('\n')).toContain(expected);
  });

  test('with all its faults in one answer, in the words of upstream', () => {
    expect(() =>
      create(pod({ containers: [{ name: 'Bad', image: '' }], restartPolicy: 'x' }, { name: 'p' })),
    ).toThrow(
      /^Pod "p" is invalid: \[spec\.containers\[0\]\.name: Invalid value: "Bad": a lowercase RFC 1123 label .*, spec\.containers\[0\]\.image: Required value, spec\.restartPolicy: Unsupported value: "x": supported values: "Always", "Never", "OnFailure"\]$/,
    );
  });
});

describe('an update of a pod', () => {
  const old = create(pod({ tolerations: [{ key: 'a', operator: 'Exists' }], activeDeadlineSeconds: 100 }));
  type Spec = Record<string, unknown> & { containers: Record<string, unknown>[]; tolerations: object[] };
  const change = (edit: (spec: Spec) => void): string[] =>
    update(old, (object) => edit(object.spec as unknown as Spec)).problems;

  test('may change images, shorten the deadline and add tolerations', () => {
    expect(
      change((spec) => {
        (spec.containers[0] as { image: string }).image = 'busybox:2';
        spec['activeDeadlineSeconds'] = 50;
        spec.tolerations.push({ key: 'b', operator: 'Exists' });
      }),
    ).toEqual([]);
  });

  test('may not change anything else', () => {
    expect(change((spec) => (spec['nodeName'] = 'n'))[0]).toMatch(
      /^spec: Forbidden: pod updates may not change fields other than `spec\.containers\[\*\]\.image`,`spec\.initContainers\[\*\]\.image`,/,
    );
    expect(change((spec) => (spec.tolerations = []))).toContain(
      'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
    );
    expect(change((spec) => (spec['activeDeadlineSeconds'] = 200))).toContain(
      'spec.activeDeadlineSeconds: Invalid value: 200: must be less than or equal to previous value',
    );
    expect(change((spec) => spec.containers.push({ name: 'd', image: 'i' }))).toEqual([
      'spec.containers: Forbidden: pod updates may not add or remove containers',
    ]);
  });

  test('of a gated pod may drop gates and narrow its nodes, not add gates', () => {
    const gated = create(pod({ schedulingGates: [{ name: 'a' }, { name: 'b' }] }));
    const edit = (run: (spec: Spec) => void) =>
      update(gated, (object) => run(object.spec as unknown as Spec)).problems;
    expect(
      edit((spec) => {
        spec['schedulingGates'] = [{ name: 'b' }];
        spec['nodeSelector'] = { zone: 'x' };
      }),
    ).toEqual([]);
    expect(edit((spec) => (spec['schedulingGates'] = [{ name: 'c' }])).join()).toContain(
      "only deletion is allowed, but found new scheduling gate 'c'",
    );
  });

  test('of the status may not leave a terminal phase', () => {
    const failed = update(
      old,
      (object) => Object.assign(object.status, { phase: 'Failed' }),
      undefined,
      'status',
    ).object;
    expect(
      update(failed, (object) => Object.assign(object.status, { phase: 'Running' }), undefined, 'status')
        .problems,
    ).toEqual(['status.phase: Invalid value: "Running": may not leave a terminal phase']);
  });
});

describe('deleting a pod', () => {
  const grace = strategyFor('', 'pods').gracePeriodSeconds;
  const bound = create(pod({ nodeName: 'n' }));
  test('waits for the kubelet only where there is one', () => {
    expect(grace?.(create(pod()), undefined)).toBe(0);
    expect(grace?.(bound, undefined)).toBe(30);
    expect(grace?.(bound, 5)).toBe(5);
    expect(grace?.(bound, 0)).toBe(0);
    expect(grace?.({ ...bound, status: { phase: 'Succeeded' } }, undefined)).toBe(0);
  });
});

test('pods are selected by the fields upstream knows', () => {
  const made = create(pod({ nodeName: 'n', serviceAccountName: 'robot' }));
  const fields = strategyFor('', 'pods').fields ?? {};
  expect(Object.fromEntries(Object.entries(fields).map(([name, read]) => [name, read(made)]))).toEqual({
    'spec.nodeName': 'n',
    'spec.restartPolicy': 'Always',
    'spec.schedulerName': 'default-scheduler',
    'spec.serviceAccountName': 'robot',
    'spec.hostNetwork': 'false',
    'status.phase': 'Pending',
    'status.podIP': '',
    'status.podIPs': '',
    'status.nominatedNodeName': '',
  });
});
