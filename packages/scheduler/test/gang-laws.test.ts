/**
 * Gangs under everything that goes wrong: arrivals in any order, bindings that fail, schedulers killed and started anew in
 * the middle, whether or not gangs come in several kinds and want one rack. At every moment no card is given twice; in the
 * end every gang that fits the cluster has run, so none ever waited for ever on half its nodes.
 */
import type { KubeObject } from '@coracle/machinery';
import { Pod } from '@coracle/machinery/api';
import { manualClock } from '@coracle/operator';
import { apiError, type FakeCluster } from '@coracle/operator/testing';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inMemory, live, type LiveCluster } from './live-cluster.ts';
import { node, pod, podGroup } from './objects.ts';

interface GangPlan {
  readonly size: number;
  /** Members beyond the minimum. */
  readonly extra: number;
  readonly priority: number;
  readonly kind: 'kubernetes' | 'coscheduling';
  readonly rack: boolean;
  readonly whole: boolean;
}
type Step =
  | { readonly do: 'gang'; readonly gang: GangPlan; readonly groupFirst: boolean }
  | { readonly do: 'single'; readonly priority: number }
  | { readonly do: 'fail bindings'; readonly count: number }
  | { readonly do: 'restart' }
  | { readonly do: 'finish one' }
  | { readonly do: 'wait'; readonly seconds: number };

const gangs: fc.Arbitrary<GangPlan> = fc.record({
  size: fc.integer({ min: 1, max: 5 }),
  extra: fc.integer({ min: 0, max: 1 }),
  priority: fc.constantFrom(0, 0, 10),
  kind: fc.constantFrom('kubernetes', 'kubernetes', 'coscheduling'),
  rack: fc.boolean(),
  whole: fc.boolean(),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('gang' as const), gang: gangs, groupFirst: fc.boolean() }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('single' as const), priority: fc.constantFrom(0, 5) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('fail bindings' as const),
        count: fc.integer({ min: 1, max: 4 }),
      }),
    },
    { weight: 2, arbitrary: fc.constant({ do: 'restart' as const }) },
    { weight: 2, arbitrary: fc.constant({ do: 'finish one' as const }) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 20 }) }),
    },
  ),
  { minLength: 4, maxLength: 16 },
);

const card = { cpu: '100m', 'nvidia.com/gpu': '1' };
const pods = (cluster: FakeCluster): Pod[] => cluster.objects<Pod>(Pod, 'default');
const finished = (p: Pod): boolean => p.status?.phase === 'Succeeded' || p.status?.phase === 'Failed';

/** Fails if a node has given out more cards than it has. */
function noOvercommit(cluster: FakeCluster, cards: ReadonlyMap<string, number>): void {
  const used = new Map<string, number>();
  for (const p of pods(cluster)) {
    const on = p.spec?.nodeName;
    if (on && !finished(p)) used.set(on, (used.get(on) ?? 0) + 1);
  }
  for (const [name, count] of used) expect(count).toBeLessThanOrEqual(cards.get(name)!);
}

function membersOf(g: number, { size, extra, priority, kind }: GangPlan): Pod[] {
  return Array.from({ length: size + extra }, (_, i) =>
    pod(`g${g}-${i}`, {
      requests: card,
      priority,
      ...(kind === 'kubernetes'
        ? { group: `g${g}` }
        : { labels: { 'scheduling.x-k8s.io/pod-group': `g${g}` } }),
    }),
  );
}

function groupOf(g: number, { size, kind, rack, whole }: GangPlan): KubeObject {
  const made = podGroup(`g${g}`, size, rack && kind === 'kubernetes' ? 'rack' : undefined);
  if (kind === 'kubernetes') {
    const spec = { ...made.spec, ...(whole ? { disruptionMode: 'PodGroup' } : {}) };
    return { ...made, spec } as KubeObject;
  }
  const { metadata } = made;
  const other = {
    apiVersion: 'scheduling.x-k8s.io/v1alpha1',
    kind: 'PodGroup',
    metadata,
    spec: { minMember: size },
  };
  return other as unknown as KubeObject;
}

describe('gangs, whatever happens', () => {
  test('never share a card, and all that fit have run in the end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 5 }),
        steps,
        async (sizes, plan) => {
          const clock = manualClock();
          const cards = new Map(sizes.map((count, i) => [`n${i}`, count]));
          const rackOf = (i: number): string => `r${i >> 1}`;
          const cluster = inMemory(
            sizes.map((count, i) =>
              node(`n${i}`, {
                labels: { rack: rackOf(i) },
                allocatable: { 'nvidia.com/gpu': String(count) },
              }),
            ),
          );
          let failures = 0;
          cluster.react((action) => {
            if (action.subresource !== 'binding') return;
            if (failures > 0) {
              failures--;
              throw apiError('InternalError', 'no luck');
            }
          });
          // Evicted pods go as soon as their node would let them.
          const bury = async (): Promise<void> => {
            for (const p of pods(cluster)) {
              if (!p.metadata.deletionTimestamp) continue;
              await cluster.client
                .delete(Pod, p.metadata.name, { namespace: 'default', gracePeriodSeconds: 0 })
                .catch(() => undefined);
            }
          };
          const known = new Map<number, GangPlan>();
          let h: LiveCluster = await live(cluster, {}, clock);
          // A gang that is not complete waits for its other members and does not end; if some were evicted, it is cleaned up.
          const mayEnd = (p: Pod): boolean => {
            const gang = /^g(\d+)-/.exec(p.metadata.name);
            if (!gang) return true;
            const { size } = known.get(Number(gang[1]))!;
            const mates = pods(cluster).filter((q) => q.metadata.name.startsWith(gang[0]));
            return mates.length < size || mates.filter((q) => q.spec?.nodeName).length >= size;
          };
          const finish = async (all: boolean): Promise<boolean> => {
            const done = pods(cluster).filter((p) => p.spec?.nodeName && !finished(p) && mayEnd(p));
            for (const p of all ? done : done.slice(0, 1)) {
              await cluster.client
                .patch(
                  Pod,
                  p.metadata.name,
                  'merge',
                  { status: { phase: 'Succeeded' } },
                  {
                    namespace: 'default',
                    subresource: 'status',
                  },
                )
                .catch(() => undefined);
            }
            return done.length > 0;
          };
          let count = 0;
          for (const step of plan) {
            const n = count++;
            if (step.do === 'gang') {
              known.set(n, step.gang);
              const [group, members] = [groupOf(n, step.gang), membersOf(n, step.gang)];
              await h.create(...(step.groupFirst ? [group, ...members] : [...members, group]));
            } else if (step.do === 'single')
              await h.create(pod(`s${n}`, { requests: card, priority: step.priority }));
            else if (step.do === 'fail bindings') failures += step.count;
            else if (step.do === 'finish one') await finish(false);
            else if (step.do === 'wait') {
              await h.settled();
              await clock.advance(step.seconds * 1_000);
            } else {
              // Killed wherever it is: bindings that are under way may or may not have been made.
              await h.stop();
              h = await live(cluster, {}, clock);
            }
            noOvercommit(cluster, cards);
          }
          // Everything that runs ends sooner or later; a gang evicted in part is not made anew by anybody.
          failures = 0;
          const total = sizes.reduce((a, b) => a + b, 0);
          const racks = new Map<string, number>();
          sizes.forEach((c, i) => racks.set(rackOf(i), (racks.get(rackOf(i)) ?? 0) + c));
          for (let round = 0; round < 60; round++) {
            await h.settled();
            noOvercommit(cluster, cards);
            await bury();
            if (!pods(cluster).some((p) => !finished(p))) break;
            await finish(true);
            await clock.advance(15_000);
          }
          await h.settled();
          const left = pods(cluster).filter((p) => !finished(p) && !p.spec?.nodeName);
          for (const p of left) {
            const { name } = p.metadata;
            const gang = /^g(\d+)-/.exec(name);
            const asked = gang && known.get(Number(gang[1]));
            const most = asked?.rack && asked.kind === 'kubernetes' ? Math.max(...racks.values()) : total;
            const alive = pods(cluster).filter((q) =>
              q.metadata.name.startsWith(`${name.split('-')[0]}-`),
            ).length;
            // It needs more than there is, or members were evicted before the rest had started.
            expect(asked && (asked.size > most || alive < asked.size), `${name} waits for ever`).toBeTruthy();
          }
          await h.stop();
        },
      ),
      { numRuns: 30 },
    );
  });
});
