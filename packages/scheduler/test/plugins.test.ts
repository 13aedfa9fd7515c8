import type { Node, Pod } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  fitErrorMessage,
  podRequests,
  tolerates,
  type Decision,
  type DefaultProfileArgs,
  type Framework,
} from '../src/core/index.ts';
import { imageLocality } from '../src/core/plugins/image-locality.ts';
import { prepareAllocationScore, type ScoringStrategy } from '../src/core/plugins/resource-scores.ts';
import { node, pod } from './objects.ts';

function framework(nodes: readonly Node[], args: DefaultProfileArgs = {}): Framework {
  const snapshot = createSnapshot();
  for (const n of nodes) snapshot.setNode(n);
  return createFramework({ profile: defaultProfile(args), snapshot, random: () => 0 });
}
function decide(on: Framework, p: Pod): Decision {
  return on.schedule(on.snapshot.describe(p));
}
function message(decision: Decision): string {
  return decision.fits ? `on ${decision.nodeName}` : fitErrorMessage(decision.diagnosis);
}
/** Scores of one strategy on nodes 10 CPUs wide with this much requested already. */
function scores(strategy: ScoringStrategy, used: readonly string[], wants: string): number[] {
  const snapshot = createSnapshot();
  used.forEach((cpu, i) => {
    snapshot.setNode(node(`n${i}`, { allocatable: { cpu: '10' } }));
    if (cpu !== '0') snapshot.addPod(snapshot.describe(pod(`u${i}`, { requests: { cpu } })), `n${i}`);
  });
  const info = snapshot.describe(pod('p', { requests: { cpu: wants } }));
  const out = new Float64Array(used.length);
  prepareAllocationScore(strategy, info, snapshot).score(Int32Array.from(used.keys()), used.length, out);
  return [...out];
}

describe('NodeResourcesFit', () => {
  const resources = [{ name: 'cpu', weight: 1 }];
  test('LeastAllocated prefers the emptiest, MostAllocated the fullest', () => {
    expect(scores({ type: 'LeastAllocated', resources }, ['0', '4', '8'], '1')).toEqual([90, 50, 10]);
    expect(scores({ type: 'MostAllocated', resources }, ['0', '4', '8'], '1')).toEqual([10, 50, 90]);
  });

  test('RequestedToCapacityRatio follows its broken line', () => {
    const shape = [
      { utilization: 0, score: 0 },
      { utilization: 50, score: 10 },
      { utilization: 100, score: 5 },
    ];
    const strategy: ScoringStrategy = {
      type: 'RequestedToCapacityRatio',
      resources,
      requestedToCapacityRatio: { shape },
    };
    // 10 % -> 20; 50 % -> 100; 90 % -> 100 - 50 * 40/50.
    expect(scores(strategy, ['0', '4', '8'], '1')).toEqual([20, 100, 60]);
  });

  test('does not look at resources it is told to ignore', () => {
    const p = pod('p', { requests: { 'example.com/foo': '1' } });
    expect(message(decide(framework([node('n')]), p))).toBe(
      '0/1 nodes are available: 1 Insufficient example.com/foo.',
    );
    const nodeResourcesFit = { ignoredResourceGroups: ['example.com'] };
    expect(message(decide(framework([node('n')], { nodeResourcesFit }), p))).toBe('on n');
  });
});

describe('requests', () => {
  test('of pod level replace those of containers', () => {
    const p = pod('p', {
      requests: { cpu: '1', 'example.com/foo': '2' },
      spec: { resources: { requests: { cpu: '3', memory: '1Gi' } }, overhead: { cpu: '100m' } },
    });
    expect(Object.fromEntries(podRequests(p))).toEqual({ cpu: 3100, memory: 2 ** 30, 'example.com/foo': 2 });
  });

  test('of a running pod are the largest of asked, allocated and actual', () => {
    const p = pod('p', { requests: { cpu: '1' } });
    const status = (extra: object) =>
      ({
        ...p,
        status: { containerStatuses: [{ name: 'c', allocatedResources: { cpu: '2' }, ...extra }] },
      }) as unknown as Pod;
    const cpu = (of: Pod): number | undefined => podRequests(of, { useStatus: true }).get('cpu');
    expect(cpu(p)).toBe(1000);
    expect(cpu(status({}))).toBe(2000);
    expect(cpu(status({ resources: { requests: { cpu: '2500m' } } }))).toBe(2500);
    const infeasible = status({});
    infeasible.status!.conditions = [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }];
    expect(
      cpu({
        ...infeasible,
        spec: { ...p.spec!, containers: [{ name: 'c', resources: { requests: { cpu: '9' } } }] },
      }),
    ).toBe(2000);
  });
});

describe('NodeAffinity', () => {
  const named = (...values: string[]) => ({
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values }] }],
        },
      },
    },
  });

  test('by node name looks at those nodes only', () => {
    const on = framework([node('a'), node('b'), node('c', { allocatable: { cpu: '0' } })]);
    expect(decide(on, pod('p', { spec: named('b') }))).toMatchObject({ nodeName: 'b', feasible: 1 });
    expect(message(decide(on, pod('q', { spec: named('c') })))).toBe(
      "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    );
    expect(message(decide(on, pod('r', { spec: named() })))).toBe(
      '0/3 nodes are available: pod affinity terms conflict.',
    );
  });

  test('added by the profile holds for every pod', () => {
    const required = { nodeSelectorTerms: [{ matchExpressions: [{ key: 'pool', operator: 'Exists' }] }] };
    const addedAffinity = { requiredDuringSchedulingIgnoredDuringExecution: required };
    const nodeAffinity = { addedAffinity };
    const inPool = node('b', { labels: { pool: 'x' } });
    expect(message(decide(framework([node('a')], { nodeAffinity }), pod('p')))).toBe(
      "0/1 nodes are available: 1 node(s) didn't match scheduler-enforced node affinity.",
    );
    expect(message(decide(framework([node('a'), inPool], { nodeAffinity }), pod('p')))).toBe('on b');
  });
});

describe('tolerations', () => {
  const taint = { key: 'k', value: '5', effect: 'NoSchedule' };
  test.each([
    ['an empty toleration with Exists', { operator: 'Exists' }, true],
    ['an empty toleration with Equal', { operator: 'Equal' }, false],
    ['the key', { key: 'k', operator: 'Exists' }, true],
    ['another key', { key: 'x', operator: 'Exists' }, false],
    ['the value', { key: 'k', value: '5' }, true],
    ['another value', { key: 'k', value: '6' }, false],
    ['the effect', { key: 'k', value: '5', effect: 'NoSchedule' }, true],
    ['another effect', { key: 'k', value: '5', effect: 'NoExecute' }, false],
    ['more than', { key: 'k', operator: 'Gt', value: '4' }, true],
    ['more than as much', { key: 'k', operator: 'Gt', value: '5' }, false],
    ['less than', { key: 'k', operator: 'Lt', value: '6' }, true],
    ['less than no number', { key: 'k', operator: 'Lt', value: 'x' }, false],
  ])('%s', (_what, toleration, expected) => {
    expect(tolerates(toleration, taint)).toBe(expected);
  });
});

describe('ImageLocality', () => {
  test('counts an image by its size and by how many nodes have it', () => {
    const mebi = 1024 * 1024;
    const images = [{ names: ['registry/x:latest'], sizeBytes: 1023 * mebi }];
    const on = framework([node('a', { images }), node('b')]);
    const p = pod('p', { spec: { containers: [{ name: 'c', image: 'registry/x' }] } });
    const out = new Float64Array(2);
    imageLocality.prepareScore(on.snapshot.describe(p), on.snapshot)!.score(Int32Array.of(0, 1), 2, out);
    // Half of the nodes have it: 511.5 of the 23..1000 MiB that count.
    expect([...out]).toEqual([50, 0]);
    expect(message(decide(on, p))).toBe('on a');
  });
});

describe('snapshot', () => {
  test('a cluster without nodes is said to have none', () => {
    expect(message(decide(framework([]), pod('p')))).toBe('no nodes available to schedule pods');
  });

  test('pods of a node that is not known yet take their place when it comes, and keep it when it goes and comes', () => {
    const { snapshot } = framework([]);
    snapshot.addPod(snapshot.describe(pod('p', { requests: { cpu: '3' } })), 'late');
    const row = snapshot.setNode(node('late'));
    expect(snapshot.requested[0]![row]).toBe(3000);
    snapshot.removeNode('late');
    expect(snapshot.nodeCount).toBe(0);
    const again = snapshot.setNode(node('late'));
    expect(snapshot.requested[0]![again]).toBe(3000);
    snapshot.removePod('pod-p');
    expect(snapshot.requested[0]![again]).toBe(0);
  });

  test('a label column follows the nodes', () => {
    const on = framework([node('a', { labels: { zone: 'x' } })]);
    const selects = (zone: string): Pod => pod(`p-${zone}`, { spec: { nodeSelector: { zone } } });
    expect(decide(on, selects('x')).fits).toBe(true);
    expect(decide(on, selects('y')).fits).toBe(false);
    on.snapshot.setNode(node('a', { labels: { zone: 'y' } }));
    expect(decide(on, selects('x')).fits).toBe(false);
    expect(decide(on, selects('y')).fits).toBe(true);
    for (let i = 0; i < 40; i++) on.snapshot.setNode(node(`more${i}`, { labels: { zone: `z${i}` } }));
    expect(message(decide(on, selects('z39')))).toBe('on more39');
  });
});
