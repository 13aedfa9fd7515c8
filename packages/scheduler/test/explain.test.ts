import type { Pod, PodDisruptionBudget } from '@coracle/machinery/api';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  explainGang,
  explainPod,
  explanationText,
  fitErrorMessage,
  traceDecision,
  traceText,
  type Framework,
} from '../src/core/index.ts';
import { node, pod } from './objects.ts';

function cluster(
  nodes: readonly ReturnType<typeof node>[],
  placed: readonly [Pod, string][] = [],
): Framework {
  const snapshot = createSnapshot();
  for (const each of nodes) snapshot.setNode(each);
  for (const [each, name] of placed) snapshot.addPod(snapshot.describe(each), name);
  return createFramework({ profile: defaultProfile(), snapshot, random: () => 0 });
}
const gpu = 'nvidia.com/gpu';
const ports = { containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80 }] }] };
const explain = (framework: Framework, wanted: Pod, options = {}) =>
  explainPod(framework, framework.snapshot.describe(wanted), options);

describe('an explanation of a pod', () => {
  test('names the resource that is short, who holds it, and the smallest amount to free', () => {
    const framework = cluster(
      [node('a3', { allocatable: { [gpu]: '8' } }), node('b1', { allocatable: { [gpu]: '4' } }), node('cpu')],
      [
        [pod('train', { namespace: 'ml', requests: { [gpu]: '4' } }), 'a3'],
        [pod('serve', { namespace: 'ml', requests: { [gpu]: '2' } }), 'a3'],
        [pod('other', { namespace: 'secret', requests: { [gpu]: '4' } }), 'b1'],
      ],
    );
    const visible = (namespace: string): boolean => namespace !== 'secret';
    const found = explain(framework, pod('big', { requests: { [gpu]: '4' } }), { visible });
    expect(found.state).toBe('Waiting');
    expect(found.summary).toBe('Insufficient nvidia.com/gpu on the 2 nodes that come closest, of 3');
    expect(found.dominant).toEqual({ plugin: 'NodeResourcesFit', reason: 'Insufficient nvidia.com/gpu' });
    expect(found.message).toBe(
      '0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: ' +
        '1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.',
    );
    expect(found.nearest[0]).toMatchObject({
      node: 'a3',
      text: 'lacks 2 nvidia.com/gpu (has 8, 2 free; taken by ml/train 4, ml/serve 2)',
    });
    expect(found.nearest[1]?.text).toContain('taken by a pod of another namespace 4');
    expect(found.remedies.map(({ text }) => text)).toEqual([
      'free 2 nvidia.com/gpu on node a3 (taken by ml/train, ml/serve); 1 more node would do with more',
      'ask for at most 2 nvidia.com/gpu instead of 4: node a3 has that much free',
      'a priority above 0 (it has 0) lets it evict pods that are in its way: spec.priorityClassName',
    ]);
    expect(explanationText(found)).toBe(`Pod default/big: waiting
  Insufficient nvidia.com/gpu on the 2 nodes that come closest, of 3

In the way (3 nodes, 0 fit)
      3  Insufficient nvidia.com/gpu  [NodeResourcesFit]: a3, b1, cpu

Nearest nodes
  a3: lacks 2 nvidia.com/gpu (has 8, 2 free; taken by ml/train 4, ml/serve 2)
  b1: lacks 4 nvidia.com/gpu (has 4, 0 free; taken by a pod of another namespace 4)
  cpu: lacks 4 nvidia.com/gpu (has 0, 0 free)

Preemption
  0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod.

What would help
  - free 2 nvidia.com/gpu on node a3 (taken by ml/train, ml/serve); 1 more node would do with more
  - ask for at most 2 nvidia.com/gpu instead of 4: node a3 has that much free
  - a priority above 0 (it has 0) lets it evict pods that are in its way: spec.priorityClassName
`);
  });

  test('takes the reason of the nodes that come closest, not that of the many that never could', () => {
    const many = Array.from({ length: 20 }, (_, i) => node(`cpu-${i}`));
    const framework = cluster(
      [...many, node('gpu', { labels: { pool: 'gpu' } })],
      [[pod('there', { requests: { cpu: '3' } }), 'gpu']],
    );
    const found = explain(
      framework,
      pod('p', { requests: { cpu: '2' }, spec: { nodeSelector: { pool: 'gpu' } } }),
    );
    expect(found.dominant?.reason).toBe('Insufficient cpu');
    expect(found.summary).toBe('Insufficient cpu on the node that comes closest, of 21');
    // And still counts as kube-scheduler does.
    expect(found.rejections.map(({ nodes, reason }) => [nodes, reason])).toEqual([
      [20, "node(s) didn't match Pod's node affinity/selector"],
      [1, 'Insufficient cpu'],
    ]);
  });

  test.each<[string, Framework, Pod, string, string]>([
    [
      'a taint',
      cluster([node('a', { spec: { taints: [{ key: 'team', value: 'x', effect: 'NoSchedule' }] } })]),
      pod('p'),
      'node(s) had untolerated taint {team: x} on the only node',
      'tolerate the taint team=x:NoSchedule of node a, or take it off: kubectl taint nodes a team:NoSchedule-',
    ],
    [
      'a cordon',
      cluster([node('a', { spec: { unschedulable: true } })]),
      pod('p'),
      'node(s) were unschedulable on the only node',
      'let pods run on node a again: kubectl uncordon a',
    ],
    [
      'a label that no node has',
      cluster([node('a', { labels: { disk: 'hdd' } }), node('b')]),
      pod('p', { spec: { nodeSelector: { disk: 'ssd' } } }),
      "node(s) didn't match Pod's node affinity/selector on all 2 nodes",
      'no node has the label disk=ssd that nodeSelector asks for: there are disk=hdd',
    ],
    [
      'a request larger than any node',
      cluster([node('a'), node('b', { allocatable: { cpu: '8' } })]),
      pod('p', { requests: { cpu: '12' } }),
      'Insufficient cpu on all 2 nodes',
      'ask for at most 8 cpu instead of 12: node b has that much free',
    ],
    [
      'a host port',
      cluster([node('a')], [[pod('web', { spec: ports }), 'a']]),
      pod('p', { spec: ports }),
      "node(s) didn't have free ports for the requested pod ports on the only node",
      'free the host port, or ask for another (node a would do then)',
    ],
    [
      'an affinity that nobody answers',
      cluster([node('a')]),
      pod('p', {
        spec: {
          affinity: {
            podAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [
                { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'db' } } },
              ],
            },
          },
        },
      }),
      "node(s) didn't match pod affinity rules on the only node",
      'it wants to be near pods with app=db in the same kubernetes.io/hostname: relax that, or make it preferred (node a would do then)',
    ],
    [
      'a host by name',
      cluster([node('a'), node('b')], [[pod('full', { requests: { cpu: '4' } }), 'a']]),
      pod('p', { spec: { nodeSelector: { 'kubernetes.io/hostname': 'a' } } }),
      'Insufficient cpu on the node that comes closest, of 2',
      'free 1 cpu on node a (taken by default/full)',
    ],
    ['no nodes', cluster([]), pod('p'), 'the cluster has no nodes', 'the cluster has no nodes: add one'],
  ])('%s: says what helps', (_name, framework, wanted, summary, remedy) => {
    const found = explain(framework, wanted);
    expect(found.summary).toBe(summary);
    expect(found.remedies[0]?.text).toBe(remedy);
  });

  test('names who holds the host port', () => {
    const framework = cluster([node('a')], [[pod('web', { spec: ports }), 'a']]);
    expect(explain(framework, pod('p', { spec: ports })).nearest[0]?.text).toBe(
      'host port 80/TCP is taken by default/web',
    );
  });

  test('with gates says whose turn it is', () => {
    const gated = pod('p', { spec: { schedulingGates: [{ name: 'example.com/wait' }] } });
    const found = explain(cluster([node('a')]), gated);
    expect(found).toMatchObject({
      state: 'Gated',
      summary: 'it is held back by the scheduling gate example.com/wait',
    });
    expect(found.message).toBe('Scheduling is blocked due to non-empty scheduling gates');
  });

  test('that would fit says where it would go', () => {
    const found = explain(cluster([node('a'), node('b', { spec: { unschedulable: true } })]), pod('p'));
    expect(found).toMatchObject({
      state: 'Feasible',
      node: 'a',
      summary: 'one node fits; it would go to a now',
    });
  });

  test('tells of preemption: whom, where, or why not', () => {
    const framework = cluster(
      [node('a')],
      [[pod('low', { requests: { cpu: '4' }, labels: { app: 'low' } }), 'a']],
    );
    const wins = explain(framework, pod('high', { priority: 10 }));
    expect(wins.preemption).toEqual({
      tried: true,
      text: 'evicting 1 pod from a makes room',
      node: 'a',
      victims: ['default/low'],
    });
    expect(wins.remedies[0]?.action).toBe('Wait');
    const budget = {
      metadata: { name: 'b', namespace: 'default', uid: 'b', resourceVersion: '1' },
      spec: { selector: { matchLabels: { app: 'low' } } },
      status: { disruptionsAllowed: 0 },
    } as unknown as PodDisruptionBudget;
    expect(explain(framework, pod('high', { priority: 10 }), { budgets: [budget] }).preemption?.text).toBe(
      'evicting 1 pod from a makes room, which breaks 1 disruption budget',
    );
    const never = explain(framework, pod('high', { priority: 10, spec: { preemptionPolicy: 'Never' } }));
    expect(never.preemption).toMatchObject({ tried: false });
    expect(never.preemption?.text).toContain('not eligible due to preemptionPolicy=Never');
  });
});

describe('an explanation of a gang', () => {
  const members = (framework: Framework, count: number) =>
    Array.from({ length: count }, (_, i) =>
      framework.snapshot.describe(pod(`m${i}`, { requests: { cpu: '3' }, group: 'g' })),
    );
  const options = { kind: 'PodGroup', namespace: 'default', name: 'g', exists: true };

  test('says how many fit together, and what the next one lacks while they are in their places', () => {
    const framework = cluster([node('a'), node('b')]);
    const before = framework.snapshot.generation;
    const found = explainGang(
      framework,
      { pods: members(framework, 4), minCount: 4, scheduled: 0 },
      { ...options, members: 4 },
    );
    expect(framework.snapshot.podCount).toBe(0);
    expect(framework.snapshot.generation).toBe(before);
    expect(found.gang).toMatchObject({ minCount: 4, waiting: 4, placeable: 2 });
    expect(found.summary).toBe(
      'only 2 of the 4 members it still needs fit together; for the next: Insufficient cpu on all 2 nodes',
    );
    expect(found.nearest[0]?.text).toBe('lacks 2 cpu (has 4, 1 free; taken by default/m0 3)');
    expect(found.remedies.map(({ text }) => text)).toContain(
      '2 members would run now: lower minCount to that, if fewer are of use',
    );
  });

  test('that is not complete says how many members are missing', () => {
    const framework = cluster([node('a')]);
    const found = explainGang(
      framework,
      { pods: members(framework, 1), minCount: 3, scheduled: 0 },
      { ...options, members: 1 },
    );
    expect(found).toMatchObject({ state: 'Gated', summary: '2 of the 3 members it needs are not there yet' });
  });

  test('that fits leaves nothing on the snapshot', () => {
    const framework = cluster([node('a'), node('b')]);
    const found = explainGang(
      framework,
      { pods: members(framework, 2), minCount: 2, scheduled: 0 },
      { ...options, members: 2 },
    );
    expect(found.state).toBe('Feasible');
    expect(framework.snapshot.podCount).toBe(0);
  });
});

describe('a trace', () => {
  test('has every verdict and every score: raw, normalized, weighted, in total', () => {
    const framework = cluster(
      [node('a'), node('b'), node('c', { spec: { unschedulable: true } })],
      [[pod('there', { requests: { cpu: '2' } }), 'a']],
    );
    const trace = traceDecision(framework, framework.snapshot.describe(pod('p')), 10);
    expect(trace.nodes.map(({ node: name, feasible }) => [name, feasible])).toEqual([
      ['b', true],
      ['a', true],
      ['c', false],
    ]);
    const [best, , worst] = trace.nodes;
    expect(best?.scores?.['NodeResourcesFit']).toEqual({ raw: 86, normalized: 86, weight: 1, weighted: 86 });
    expect(worst?.filters['NodeUnschedulable']).toBe('node(s) were unschedulable');
    const text = traceText(trace);
    expect(text).toMatch(/NODE +TOTAL .*NodeResourcesFit x1/);
    expect(text).toMatch(/^ {2}c +NodeUnschedulable: node\(s\) were unschedulable$/m);
  });

  test('has as many nodes as asked for, the best first', () => {
    const framework = cluster(Array.from({ length: 12 }, (_, i) => node(`n${i}`)));
    const trace = traceDecision(framework, framework.snapshot.describe(pod('p')), 3);
    expect(trace.nodes).toHaveLength(3);
    expect(trace.omitted).toBe(9);
    expect(traceText(trace)).toContain('9 more nodes: --all shows them');
  });
});

describe('explanations and decisions', () => {
  const clusters = fc.record({
    nodes: fc.array(
      fc.record({
        cpu: fc.integer({ min: 1, max: 4 }),
        taint: fc.boolean(),
        label: fc.boolean(),
        used: fc.integer({ min: 0, max: 3 }),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    cpu: fc.integer({ min: 1, max: 5 }),
    selector: fc.boolean(),
    priority: fc.integer({ min: 0, max: 1 }),
  });

  test('agree: the same verdict, message and place, the top of the trace among the best', () => {
    fc.assert(
      fc.property(clusters, ({ nodes, cpu, selector, priority }) => {
        const framework = cluster(
          nodes.map((each, i) =>
            node(`n${i}`, {
              allocatable: { cpu: String(each.cpu) },
              ...(each.label ? { labels: { x: 'y' } } : {}),
              ...(each.taint ? { spec: { taints: [{ key: 't', effect: 'NoSchedule' }] } } : {}),
            }),
          ),
          nodes.map((each, i) => [pod(`u${i}`, { requests: { cpu: String(each.used) } }), `n${i}`]),
        );
        const wanted = pod('p', {
          requests: { cpu: String(cpu) },
          priority,
          ...(selector ? { spec: { nodeSelector: { x: 'y' } } } : {}),
        });
        const info = framework.snapshot.describe(wanted);
        const decision = framework.schedule(info);
        const found = explainPod(framework, info);
        const trace = traceDecision(framework, info, 100);
        const feasible = trace.nodes.filter((each) => each.feasible);
        expect(found.state).toBe(decision.fits ? 'Feasible' : 'Waiting');
        expect(found.nodes.feasible).toBe(feasible.length);
        if (decision.fits) {
          const best = feasible.filter(({ total }) => total === feasible[0]?.total).map((each) => each.node);
          expect(best).toContain(decision.nodeName);
          return;
        }
        expect(found.message?.startsWith(fitErrorMessage(decision.diagnosis))).toBe(true);
        expect(found.nearest.length).toBeGreaterThan(0);
        expect(found.remedies.length).toBeGreaterThan(0);
        // kube-scheduler's counts are the explanation's.
        const counts = new Map(found.rejections.map(({ reason, nodes: n }) => [reason, n]));
        expect(counts).toEqual(decision.diagnosis.reasons);
      }),
    );
  });
});
