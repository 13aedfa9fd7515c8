import type { Node, Pod } from '@coracle/machinery/api';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  podRequests,
  scheduleOne,
} from '../src/core/index.ts';
import { named, namespaces, nodes, podSpecs, roomyNodes, wishfulPods } from './arbitraries.ts';
import { needs, objections, resourceNames, totals } from './reference.ts';

interface Step {
  what: 'pod' | 'delete' | 'node' | 'lose';
  of: number;
}
const step = (what: Step['what']): fc.Arbitrary<Step> => fc.record({ what: fc.constant(what), of: fc.nat() });
/** What happens to the cluster: mostly pods to place. */
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: step('pod') },
    { weight: 1, arbitrary: step('delete') },
    { weight: 1, arbitrary: step('node') },
    { weight: 1, arbitrary: step('lose') },
  ),
  { minLength: 1, maxLength: 25 },
);
const lots = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));

/** Plays the steps and compares each decision with the reference. */
function play(
  before: readonly Node[],
  after: readonly Node[],
  specs: readonly Pod[],
  todo: readonly Step[],
  random: () => number,
): void {
  const snapshot = createSnapshot();
  const profile = defaultProfile({ percentageOfNodesToScore: 100 });
  const framework = createFramework({ profile, snapshot, random });
  const present = new Map<string, Node>(before.map((n) => [n.metadata.name, n]));
  const placed = new Map<string, { pod: Pod; nodeName: string }>();
  for (const n of before) snapshot.setNode(n);
  for (const [name, labels] of Object.entries(namespaces)) snapshot.setNamespace(name, labels);
  const podsOn = (n: Node): Pod[] =>
    [...placed.values()].filter((p) => p.nodeName === n.metadata.name).map((p) => p.pod);

  const place = (pod: Pod): void => {
    const all = [...present.values()];
    const cluster = { nodes: all, podsOn, namespaces };
    const against = all.map((n) => objections(pod, n, cluster));
    const feasible = all.filter((_n, at) => against[at]!.length === 0);
    const decision = scheduleOne(framework, snapshot.describe(pod));
    if (!decision.fits) {
      const reasons = new Map<string, number>();
      for (const reason of against.flat()) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      expect(feasible).toEqual([]);
      expect(Object.fromEntries(decision.diagnosis.reasons)).toEqual(Object.fromEntries(reasons));
      return;
    }
    const scores = totals(pod, feasible, cluster);
    const best = feasible.filter((_n, at) => scores[at] === Math.max(...scores));
    expect(best.map((n) => n.metadata.name)).toContain(decision.nodeName);
    placed.set(pod.metadata.uid, { pod, nodeName: decision.nodeName });
  };

  todo.forEach(({ what, of }, i) => {
    if (what === 'pod') place(named(specs[of % specs.length]!, `p${i}`));
    else if (what === 'delete') {
      const victim = [...placed.keys()][of % Math.max(1, placed.size)];
      if (victim === undefined) return;
      placed.delete(victim);
      snapshot.removePod(victim);
    } else if (what === 'node') {
      const changed = after[of % after.length]!;
      present.set(changed.metadata.name, changed);
      snapshot.setNode(changed);
    } else {
      const name = `n${of % before.length}`;
      present.delete(name);
      snapshot.removeNode(name);
    }
  });
}

describe('the core against the slow reference', () => {
  test('requests of a pod are what KEP-753 says', () => {
    fc.assert(
      fc.property(podSpecs, (spec) => {
        const computed = podRequests(spec);
        for (const name of resourceNames(spec)) expect(computed.get(name) ?? 0).toBe(needs(spec, name));
      }),
      { numRuns: 300 },
    );
  });

  test('the default profile has the weights of kube-scheduler', () => {
    const weights = defaultProfile().plugins.map(({ plugin, weight }) => [plugin.name, weight]);
    // Has no say where no node says how its cards are linked.
    const own = ['NodeCardTopology'];
    const theirs = weights.filter(([name, weight]) => weight !== undefined && !own.includes(name as string));
    expect(theirs).toEqual([
      ['TaintToleration', 3],
      ['NodeAffinity', 2],
      ['NodeResourcesFit', 1],
      ['PodTopologySpread', 2],
      ['InterPodAffinity', 2],
      ['DynamicResources', 2],
      ['NodeResourcesBalancedAllocation', 1],
      ['ImageLocality', 1],
    ]);
  });

  test('every pod goes to a node the reference scores highest, or has the same reasons against every node', () => {
    fc.assert(
      fc.property(
        nodes,
        nodes,
        fc.array(podSpecs, { minLength: 1, maxLength: 3 }),
        steps,
        lots,
        (a, b, specs, todo, lot) => play(a, b, specs, todo, () => lot.next().value),
      ),
      { numRuns: 300 },
    );
  });

  test('where all nodes have room, wishes are weighed as the reference weighs them', () => {
    fc.assert(
      fc.property(
        roomyNodes,
        roomyNodes,
        fc.array(wishfulPods, { minLength: 1, maxLength: 3 }),
        steps,
        lots,
        (a, b, specs, todo, lot) => play(a, b, specs, todo, () => lot.next().value),
      ),
      { numRuns: 200 },
    );
  });
});
