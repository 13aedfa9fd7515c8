/** What is kept from decision to decision, against the same asked anew after every change. */
import type { Pod, PodDisruptionBudget } from '@coracle/machinery/api';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  findPreemption,
  fitErrorMessage,
  Nominations,
  scheduleOne,
  Trial,
  type FilterPlugin,
  type Plugin,
  type Preemption,
  type Profile,
} from '../src/core/index.ts';
import { named, podSpecs } from './arbitraries.ts';
import { node, pod } from './objects.ts';

const nodeCount = 8;
const nodeAt = (i: number, cpu: number, tainted: boolean) =>
  node(`n${i}`, {
    labels: { zone: `z${i % 2}` },
    allocatable: { cpu: String(cpu), pods: i % 3 === 0 ? '2' : '5' },
    ...(tainted
      ? { spec: { taints: [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' as const }] } }
      : {}),
  });

const place = fc.record({
  on: fc.nat(nodeCount - 1),
  cpu: fc.constantFrom('1', '2'),
  priority: fc.constantFrom(0, 0, 1, 5),
  labels: fc.constantFrom({ app: 'a' }, { app: 'b' }),
});
const change = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('place' as const), place }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('leave' as const), which: fc.nat() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('node' as const),
      on: fc.nat(nodeCount + 2),
      cpu: fc.integer({ min: 2, max: 4 }),
      tainted: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('noNode' as const), on: fc.nat(nodeCount - 1) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('nominate' as const),
      on: fc.nat(nodeCount - 1),
      which: fc.nat(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('budget' as const), allowed: fc.nat(1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trial' as const), place }) },
  {
    weight: 12,
    arbitrary: fc.record({ kind: fc.constant('ask' as const), which: fc.nat(), lot: fc.nat(99) }),
  },
);
const changes = fc.array(change, { minLength: 20, maxLength: 80 });
/** Some that want much, so that they fit nowhere, and some with rules of every kind. */
const asking = fc.array(
  fc.record({
    spec: fc.oneof(
      {
        weight: 4,
        arbitrary: fc.constantFrom('3', '4').map((cpu) => pod('p', { requests: { cpu } })),
      },
      { weight: 1, arbitrary: podSpecs },
    ),
    priority: fc.constantFrom(1, 9, 9),
  }),
  { minLength: 1, maxLength: 3 },
);

/** The profile, its filters without what lets preemption calculate. */
function tryingOut(profile: Profile): Profile {
  const plain = (plugin: Plugin): Plugin => {
    if (!('prepareFilter' in plugin)) return plugin;
    const prepareFilter: FilterPlugin['prepareFilter'] = (info, snapshot) => {
      const filter = plugin.prepareFilter(info, snapshot);
      if (!filter) return undefined;
      const { imagine: _, ...rest } = filter;
      return rest;
    };
    return { ...plugin, prepareFilter };
  };
  return { ...profile, plugins: profile.plugins.map((p) => ({ ...p, plugin: plain(p.plugin) })) };
}

test('kept verdicts, counts and victims are what asking anew finds, whatever has changed', () => {
  fc.assert(
    fc.property(
      asking,
      fc.array(place, { minLength: 16, maxLength: 24 }),
      changes,
      (templates, at, steps) => {
        const snapshot = createSnapshot();
        const nominations = new Nominations();
        const profile = {
          ...defaultProfile({ percentageOfNodesToScore: 100 }),
          preemption: { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 2 },
        };
        const kept = createFramework({ profile, snapshot, random: () => 0.5, nominations });
        // Asked anew, evictions are carried out on trial, not calculated.
        const slow = tryingOut(profile);
        const create = () => createFramework({ profile: slow, snapshot, random: () => 0.5, nominations });
        for (let i = 0; i < nodeCount; i++) snapshot.setNode(nodeAt(i, 4, i === 5));
        const askers = templates.map(({ spec, priority }, i) => {
          const base = named(spec, `asker${i}`);
          return snapshot.describe({ ...base, spec: { ...base.spec!, priority } } as Pod);
        });
        let budgets: PodDisruptionBudget[] = [];
        let serial = 0;
        const placed = ({ cpu, priority, labels }: { cpu: string; priority: number; labels: {} }) => {
          const base = pod(`r${serial++}`, { requests: { cpu }, priority, labels });
          const startTime = `2026-01-01T00:00:${String(serial % 60).padStart(2, '0')}Z`;
          return snapshot.describe({ ...base, status: { phase: 'Running', startTime } } as Pod, {
            placed: true,
          });
        };
        const outcome = (found: Preemption): unknown =>
          'victims' in found
            ? [found.victims.nodeName, found.victims.pods.map(({ info }) => info.uid)]
            : found.message;
        for (const one of at) snapshot.addPod(placed(one), `n${one.on}`);
        for (const step of steps) {
          switch (step.kind) {
            case 'place':
              snapshot.addPod(placed(step.place), `n${step.place.on}`);
              break;
            case 'leave': {
              const all = [...snapshot.pods()];
              if (all.length > 0) snapshot.removePod(all[step.which % all.length]!.info.uid);
              break;
            }
            case 'node':
              snapshot.setNode(nodeAt(step.on, step.cpu, step.tainted));
              break;
            case 'noNode':
              snapshot.removeNode(`n${step.on}`);
              break;
            case 'nominate': {
              const asker = askers[step.which % askers.length]!;
              if (step.which % 3 === 0) nominations.delete(asker.uid);
              else nominations.set(asker, `n${step.on}`);
              break;
            }
            case 'budget':
              budgets = [
                {
                  metadata: { name: 'b', namespace: 'default', uid: 'b' },
                  spec: { selector: { matchLabels: { app: 'a' } } },
                  status: { disruptionsAllowed: step.allowed },
                } as unknown as PodDisruptionBudget,
              ];
              break;
            case 'trial': {
              const trial = new Trial(snapshot, kept);
              trial.imagine(placed(step.place), `n${step.place.on}`);
              kept.schedule(askers[0]!);
              trial.rollback();
              break;
            }
            case 'ask': {
              const asker = askers[step.which % askers.length]!;
              const decision = kept.schedule(asker);
              const anew = create().schedule(asker);
              expect(decision).toEqual(anew);
              if (decision.fits || anew.fits) break;
              const { diagnosis } = decision;
              expect(fitErrorMessage(diagnosis)).toBe(fitErrorMessage(anew.diagnosis));
              const options = { budgets, random: () => step.lot / 100 };
              const found = outcome(findPreemption(kept, asker, diagnosis, options));
              // Rows given one by one are looked at one after the other, and nothing is kept of it.
              const rows = { ...diagnosis, helpful: undefined };
              expect(found).toEqual(outcome(findPreemption(create(), asker, rows, options)));
            }
          }
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('where nodes are sampled, the few on which a pod fits are found in the order of a search that looks at all', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(149), { minLength: 20, maxLength: 60 }), fc.nat(149), (freed, from) => {
      const snapshot = createSnapshot();
      const create = () => createFramework({ profile: defaultProfile(), snapshot, random: () => 0.7 });
      const kept = create();
      for (let i = 0; i < 150; i++) {
        snapshot.setNode(node(`n${i}`, { allocatable: { cpu: '4' } }));
        snapshot.addPod(snapshot.describe(pod(`r${i}`, { requests: { cpu: '3' } })), `n${i}`);
      }
      kept.searchStart = from;
      const want = (i: number) => snapshot.describe(pod(`p${i}`, { requests: { cpu: '3' } }));
      expect(kept.schedule(want(0)).fits).toBe(false);
      for (const [i, n] of freed.entries()) {
        snapshot.removePod(`pod-r${n}`);
        if (i % 3 !== 0) continue;
        const anew = create();
        anew.searchStart = kept.searchStart;
        const info = want(i + 1);
        expect(kept.schedule(info)).toEqual(anew.schedule(info));
        expect(kept.searchStart).toBe(anew.searchStart);
        if (i % 2 === 0) scheduleOne(kept, info);
      }
    }),
    { numRuns: 60 },
  );
});

test('the best of the next rows that fit is what a walk over them finds, whatever has changed', () => {
  const steps = fc.array(
    fc.record({
      node: fc.nat(139),
      what: fc.constantFrom(
        'place',
        'place',
        'leave',
        'fill',
        'taint',
        'ask',
        'trial',
        'nominate',
        'withdraw',
      ),
      lot: fc.nat(99),
    }),
    { minLength: 10, maxLength: 50 },
  );
  const percentages = fc.constantFrom(100, 75);
  fc.assert(
    fc.property(steps, fc.nat(139), percentages, (changes, from, percentageOfNodesToScore) => {
      const snapshot = createSnapshot();
      const nominations = new Nominations();
      let lot = 0;
      const create = () =>
        createFramework({
          profile: defaultProfile({ percentageOfNodesToScore }),
          snapshot,
          random: () => lot,
          nominations,
        });
      const kept = create();
      const names = (i: number) => `n${i % 120}`;
      for (let i = 0; i < 120; i++) snapshot.setNode(node(names(i), { allocatable: { cpu: '4' } }));
      let serial = 0;
      const nominated: string[] = [];
      const want = (cpu = '1') => snapshot.describe(pod(`p${serial++}`, { requests: { cpu } }));
      // Kinds of which there are many have their tree.
      const asked = want();
      for (let i = 0; i < 201; i++) kept.schedule(asked);
      kept.searchStart = from % 120;
      for (const step of changes) {
        const name = names(step.node);
        lot = step.lot / 100;
        if (step.what === 'place') snapshot.addPod(want(), name);
        else if (step.what === 'fill') snapshot.addPod(want('4'), name);
        else if (step.what === 'leave') {
          const [first] = snapshot.podsOn(snapshot.rowOf(name)!);
          if (first) snapshot.removePod(first.info.uid);
        } else if (step.what === 'taint') {
          const taints = [{ key: 'k', effect: 'NoSchedule' as const }];
          snapshot.setNode(node(name, { allocatable: { cpu: '4' }, spec: step.lot % 2 ? { taints } : {} }));
        } else if (step.what === 'nominate') {
          const base = pod(`p${serial++}`, {
            requests: { cpu: step.lot % 3 ? '4' : '2' },
            priority: step.lot % 2,
          });
          nominations.set(snapshot.describe(base), name);
          nominated.push(`pod-p${serial - 1}`);
        } else if (step.what === 'withdraw') {
          const uid = nominated.splice(step.lot % Math.max(1, nominated.length), 1)[0];
          if (uid !== undefined) nominations.delete(uid);
        } else if (step.what === 'trial') {
          const trial = new Trial(snapshot, kept);
          trial.imagine(want('2'), name);
          kept.schedule(asked);
          trial.rollback();
        }
        const anew = create();
        anew.searchStart = kept.searchStart;
        const info = want();
        expect(kept.schedule(info)).toEqual(anew.schedule(info));
        expect(kept.searchStart).toBe(anew.searchStart);
        if (step.lot % 2 === 0) scheduleOne(kept, info);
      }
    }),
    { numRuns: 60 },
  );
});
