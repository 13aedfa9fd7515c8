import fc from 'fast-check';
import type { Node, Pod } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  podRequests,
  scheduleOne,
} from '../src/core/index.ts';
import { named, namespaces, nodes as arbitraryNodes, podSpecs } from './arbitraries.ts';
import { needs, objections, resourceNames, totals } from './reference.ts';

/** What happens to the cluster between decisions. */
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ what: fc.constant('pod' as const), of: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('delete' as const), of: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('node' as const), of: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ what: fc.constant('lose' as const), of: fc.nat() }) },
  ),
  { minLength: 1, maxLength: 25 },
);

describe('the core against the slow reference', () => {
  test('requests of a pod are what KEP-753 says', () => {
    fc.assert(
      fc.property(podSpecs, (spec) => {
        const computed = podRequests(spec);
        for (const name of resourceNames(spec)) expect(computed.get(name) ?? 0).toBe(needs(spec, name));
      }),
      { numRuns: 400 },
    );
  });

  test('the default profile has the weights of kube-scheduler', () => {
    const weights = defaultProfile().plugins.map(({ plugin, weight }) => [plugin.name, weight]);
    expect(weights.filter(([, weight]) => weight !== undefined)).toEqual([
      ['TaintToleration', 3],
      ['NodeAffinity', 2],
      ['NodeResourcesFit', 1],
      ['PodTopologySpread', 2],
      ['InterPodAffinity', 2],
      ['NodeResourcesBalancedAllocation', 1],
      ['ImageLocality', 1],
    ]);
  });

  test('every pod goes to a node the reference scores highest, or has the same reasons against every node', () => {
    fc.assert(
      fc.property(
        arbitraryNodes,
        arbitraryNodes,
        fc.array(podSpecs, { minLength: 1, maxLength: 3 }),
        steps,
        fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })),
        (before, after, specs, todo, lots) => {
          const snapshot = createSnapshot();
          const profile = defaultProfile({ percentageOfNodesToScore: 100 });
          const random = (): number => lots.next().value;
          const framework = createFramework({ profile, snapshot, random });
          const nodes = new Map<string, Node>(before.map((n) => [n.metadata.name, n]));
          const placed = new Map<string, { pod: Pod; nodeName: string }>();
          for (const n of before) snapshot.setNode(n);
          for (const [name, labels] of Object.entries(namespaces)) snapshot.setNamespace(name, labels);
          const podsOn = (n: Node): Pod[] =>
            [...placed.values()].filter((p) => p.nodeName === n.metadata.name).map((p) => p.pod);
          todo.forEach(({ what, of }, i) => {
            if (what === 'delete') {
              const victim = [...placed.keys()][of % Math.max(1, placed.size)];
              if (victim === undefined) return;
              placed.delete(victim);
              snapshot.removePod(victim);
            } else if (what === 'node') {
              const changed = after[of % after.length]!;
              nodes.set(changed.metadata.name, changed);
              snapshot.setNode(changed);
            } else if (what === 'lose') {
              const name = `n${of % before.length}`;
              nodes.delete(name);
              snapshot.removeNode(name);
            } else {
              const pod = named(specs[of % specs.length]!, `p${i}`);
              const all = [...nodes.values()];
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
            }
          });
        },
      ),
      { numRuns: 400 },
    );
  });
});
