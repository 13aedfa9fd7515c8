import { describe, expect, test } from 'vitest';
import { render, table, type Part } from '../src/describe/text.ts';
import { title } from '../src/describe/generic.ts';
import { pod, setupCli } from './harness.ts';

describe('coracle describe', () => {
  test('shows a pod with its containers, GPUs and events', async () => {
    const { run } = setupCli({
      objects: [
        pod('a', {
          metadata: {
            name: 'a',
            uid: 'u1',
            labels: { app: 'web' },
            annotations: { 'coracle.dev/gpu-ids': 'main=GPU-1,GPU-2' },
          },
          spec: {
            nodeName: 'n1',
            containers: [
              {
                name: 'main',
                image: 'busybox',
                command: ['sh', '-c', 'exit 3'],
                resources: { limits: { 'nvidia.com/gpu': '2' } },
                env: [
                  { name: 'A', value: 'b' },
                  { name: 'N', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                ],
              },
            ],
          },
          status: {
            phase: 'Failed',
            conditions: [{ type: 'Ready', status: 'False', reason: 'PodFailed' }],
            containerStatuses: [
              {
                name: 'main',
                ready: false,
                restartCount: 2,
                state: { terminated: { exitCode: 3, reason: 'Error' } },
              },
            ],
          },
        }),
        {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: 'a.1' },
          involvedObject: { kind: 'Pod', name: 'a', uid: 'u1' },
          type: 'Warning',
          reason: 'BackOff',
          message: 'restarting',
          count: 3,
          source: { component: 'kubelet' },
        },
        {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: 'a.2' },
          involvedObject: { kind: 'Pod', name: 'a', uid: 'older' },
          reason: 'NotThisOne',
        },
      ],
    });
    const { out } = await run('describe', 'pod', 'a');
    for (const line of [
      /^Name: +a$/m,
      /^Node: +n1$/m,
      /^Status: +Failed$/m,
      /^GPUs: +GPU-1, GPU-2$/m,
      /^ {4}Command: +sh$/m,
      /^ {4}Limits: +nvidia.com\/gpu: 2$/m,
      /^ {4}State: +Terminated \(Error\)$/m,
      /^ {4}Exit Code: +3$/m,
      /^ {4}Restart Count: +2$/m,
      /^ {4}Environment: +A: b\n +N: \(metadata.name\)$/m,
      /^ {2}Ready +False +<unknown> +PodFailed/m,
      /^ {2}Warning +BackOff +.*\(x3 over .*\) +kubelet +restarting$/m,
    ]) {
      expect(out).toMatch(line);
    }
    expect(out).not.toContain('NotThisOne');
  });

  test('shows a node with what its pods have asked for', async () => {
    const requests = { cpu: '500m', memory: '1Gi' };
    const { run } = setupCli({
      objects: [
        {
          apiVersion: 'v1',
          kind: 'Node',
          metadata: { name: 'n1' },
          spec: { taints: [{ key: 'gpu', effect: 'NoSchedule' }] },
          status: { allocatable: { cpu: '2', memory: '4Gi', 'nvidia.com/gpu': '4', pods: '110' } },
        },
        ...['a', 'b'].map((name) =>
          pod(name, {
            spec: {
              nodeName: 'n1',
              containers: [{ name: 'main', resources: { requests, limits: { 'nvidia.com/gpu': '1' } } }],
            },
          }),
        ),
        pod('done', {
          spec: { nodeName: 'n1', containers: [{ name: 'main', resources: { requests } }] },
          status: { phase: 'Succeeded' },
        }),
      ],
    });
    const { out } = await run('describe', 'node/n1');
    expect(out).toMatch(/^Taints: +gpu:NoSchedule$/m);
    expect(out).toMatch(/^ {2}cpu +1000m \(50%\) +0m \(0%\)$/m);
    expect(out).toMatch(/^ {2}memory +2048Mi \(50%\)/m);
    expect(out).toMatch(/^ {2}nvidia.com\/gpu +0 \(0%\) +2 \(50%\)$/m);
    expect(out).not.toMatch(/^ {2}default +done/m);
  });

  test('shows a job with its pods', async () => {
    const labels = { 'batch.kubernetes.io/job-name': 'j' };
    const status = {
      active: 1,
      ready: 1,
      startTime: '2026-01-01T00:00:00Z',
      completionTime: '2026-01-01T00:01:30Z',
    };
    const { run } = setupCli({
      objects: [
        { apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j' }, spec: { parallelism: 2 }, status },
        pod('j-0', { metadata: { name: 'j-0', labels } }),
      ],
    });
    const { out } = await run('describe', 'job', 'j');
    expect(out).toMatch(/^Pods Statuses: +1 Active \(1 Ready\) \/ 0 Succeeded \/ 0 Failed$/m);
    expect(out).toMatch(/^Duration: +1m30s$/m);
    expect(out).toMatch(/^ {2}j-0 +Running/m);
    expect(out).toMatch(/^Events: +<none>$/m);
  });

  test('shows any other object, and no values of secrets', async () => {
    const { run } = setupCli({
      objects: [
        {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name: 's' },
          type: 'Opaque',
          data: { password: 'aHVudGVyMg==' },
        },
        {
          apiVersion: 'v1',
          kind: 'Service',
          metadata: { name: 'w' },
          spec: { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] },
        },
      ],
    });
    const secret = (await run('describe', 'secret', 's')).out;
    expect(secret).toMatch(/^Data: +password: 7 bytes$/m);
    expect(secret).not.toContain('aHVudGVyMg');
    const service = (await run('describe', 'svc')).out;
    expect(service).toMatch(
      /^Spec:\n {2}Cluster IP: +None\n {2}Ports:\n {4}http:\n {6}Name: +http\n {6}Port: +80$/m,
    );
  });
});

describe('render', () => {
  test('lines values up, continues lists, nests parts, underlines tables', () => {
    const list: Part[] = [
      ['Name', 'a'],
      ['Long Label', { lines: ['1', '2'] }],
      ['Absent', undefined],
      ['Inner', { parts: [['X', 1]] }],
      ['Rows', table(['A', 'B'], [['1', '22']])],
      ['None', table(['A'], [])],
    ];
    expect(render(list)).toBe(
      [
        'Name:        a',
        'Long Label:  1',
        '             2',
        'Inner:',
        '  X:  1',
        'Rows:',
        '  A   B',
        '  -   -',
        '  1   22',
        'None:        <none>',
        '',
      ].join('\n'),
    );
  });

  test.each([
    ['podSelector', 'Pod Selector'],
    ['clusterIP', 'Cluster IP'],
    ['app.kubernetes.io/name', 'app.kubernetes.io/name'],
    ['x', 'X'],
  ])('title of %s is %s', (name, text) => {
    expect(title(name)).toBe(text);
  });
});
