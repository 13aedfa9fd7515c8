import type { Pod, PodDisruptionBudget } from '@coracle/machinery/api';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  findGangPreemption,
  placeGang,
  placingGang,
  type Framework,
  type Gang,
  type GangDecision,
  type GangTopology,
  type PlacedPod,
  type Snapshot,
  type VictimGroup,
} from '../src/core/index.ts';
import { node, pod, type PodOptions } from './objects.ts';

const gpu = 'nvidia.com/gpu';

/** Nodes of so many cards, with labels, by name: `a1: { cards: 2, rack: 'a' }`. */
function cluster(nodes: Record<string, { cards: number } & Record<string, string | number>>): {
  snapshot: Snapshot;
  framework: Framework;
} {
  const snapshot = createSnapshot();
  for (const [name, { cards, ...labels }] of Object.entries(nodes)) {
    snapshot.setNode(
      node(name, {
        labels: Object.fromEntries(Object.entries(labels).map(([k, v]) => [k, String(v)])),
        allocatable: { cpu: '64', memory: '256Gi', [gpu]: String(cards) },
      }),
    );
  }
  return {
    snapshot,
    framework: createFramework({ profile: defaultProfile(), snapshot, random: () => 0 }),
  };
}

const member = (name: string, cards: number, options: PodOptions = {}): Pod =>
  pod(name, { requests: { cpu: '100m', [gpu]: String(cards) }, ...options });

function gangOf(
  snapshot: Snapshot,
  name: string,
  size: number,
  options: Partial<Gang> & { cards?: number; priority?: number } = {},
): Gang {
  const { cards = 1, priority = 0, ...rest } = options;
  return {
    pods: Array.from({ length: size }, (_, i) =>
      snapshot.describe(member(`${name}${i}`, cards, { priority })),
    ),
    minCount: size,
    scheduled: 0,
    ...rest,
  };
}

const nodesOf = (decision: GangDecision): string[] =>
  [...new Set(decision.placed.map(({ nodeName }) => nodeName))].toSorted();
const inRack: GangTopology = { required: ['rack'] };

describe('topology of gangs', () => {
  test('the domain that is left with the least room is taken, so that large ones stay whole', () => {
    const { snapshot, framework } = cluster({
      a1: { cards: 8, rack: 'a' },
      a2: { cards: 8, rack: 'a' },
      b1: { cards: 4, rack: 'b' },
      b2: { cards: 4, rack: 'b' },
      c1: { cards: 8, rack: 'c' },
      c2: { cards: 4, rack: 'c' },
    });
    expect(nodesOf(placeGang(framework, gangOf(snapshot, 'x', 7, { topology: inRack })))).toEqual([
      'b1',
      'b2',
    ]);
    expect(nodesOf(placeGang(framework, gangOf(snapshot, 'y', 9, { topology: inRack })))).toEqual([
      'c1',
      'c2',
    ]);
    expect(nodesOf(placeGang(framework, gangOf(snapshot, 'z', 16, { topology: inRack })))).toEqual([
      'a1',
      'a2',
    ]);
  });

  test('several keys must all agree; a node without one of them is in no domain', () => {
    const { snapshot, framework } = cluster({
      a1: { cards: 4, block: 'x', rack: 'r1' },
      a2: { cards: 4, block: 'y', rack: 'r1' },
      a3: { cards: 4, block: 'y', rack: 'r1' },
      a4: { cards: 8, rack: 'r1' },
    });
    const topology = { required: ['block', 'rack'] };
    expect(nodesOf(placeGang(framework, gangOf(snapshot, 'x', 8, { topology })))).toEqual(['a2', 'a3']);
    expect(placeGang(framework, gangOf(snapshot, 'y', 5, { topology }))).toMatchObject({
      fits: false,
      domains: { keys: ['block', 'rack'], count: 2, most: 4 },
    });
  });

  test('the nearest preferred level that holds the whole gang is used, and none if none does', () => {
    const nodes = Object.fromEntries(
      ['a', 'b', 'c', 'd'].flatMap((rack, r) =>
        [1, 2].map((n) => [`${rack}${n}`, { cards: 2, rack, block: r < 2 ? 'x' : 'y' }]),
      ),
    );
    const topology = { required: [], preferred: ['rack', 'block'] };
    const { snapshot, framework } = cluster(nodes);
    expect(nodesOf(placeGang(framework, gangOf(snapshot, 'x', 4, { topology })))).toEqual(['a1', 'a2']);
    const second = nodesOf(placeGang(framework, gangOf(snapshot, 'y', 6, { topology })));
    expect(new Set(second.map((name) => name[0]))).toEqual(new Set(['c', 'd']));
    expect(placeGang(framework, gangOf(snapshot, 'z', 6, { topology })).placed).toHaveLength(6);
  });

  test('a gang of which part runs keeps its domain, and members above the minimum follow into it', () => {
    const { snapshot, framework } = cluster({
      a1: { cards: 4, rack: 'a' },
      b1: { cards: 2, rack: 'b' },
    });
    const late = gangOf(snapshot, 'late', 3, { topology: inRack, minCount: 1, scheduled: 1, nodes: ['b1'] });
    snapshot.addPod(snapshot.describe(member('first', 1)), 'b1');
    const decision = placeGang(framework, late);
    expect(nodesOf(decision)).toEqual(['b1']);
    expect(decision.placed).toHaveLength(1);
  });

  test('on the fewest nodes if asked: the fullest nodes first, the last members where they fit tightly', () => {
    const { snapshot, framework } = cluster({
      a: { cards: 4 },
      b: { cards: 8 },
      c: { cards: 2 },
      d: { cards: 8 },
      e: { cards: 6 },
    });
    const decision = placeGang(framework, gangOf(snapshot, 'x', 18, { fewestNodes: true }));
    expect(nodesOf(decision)).toEqual(['b', 'c', 'd']);
  });

  test('of each task as many as it needs, or nobody', () => {
    const { snapshot, framework } = cluster({ a: { cards: 2 } });
    const pods = ['w0', 'w1', 'w2', 'm0'].map((name) =>
      snapshot.describe(member(name, name[0] === 'w' ? 1 : 0)),
    );
    const of = (info: (typeof pods)[number]): string => info.pod.metadata.name[0]!;
    const ask = (w: number, m: number) =>
      placeGang(framework, {
        pods,
        minCount: 2,
        scheduled: 0,
        tasks: {
          needed: new Map([
            ['w', w],
            ['m', m],
          ]),
          of,
        },
      });
    expect(ask(3, 0).fits).toBe(false);
    expect(snapshot.podCount).toBe(0);
    expect(ask(2, 1).placed).toHaveLength(3);
  });

  test('less free in the cluster than it names: not tried, and said so', () => {
    const { snapshot, framework } = cluster({ a: { cards: 4 } });
    const cards = snapshot.dimensionOf(gpu);
    expect(placeGang(framework, gangOf(snapshot, 'x', 2, { minResources: [[cards, 5]] }))).toMatchObject({
      fits: false,
      rejection: `the cluster has less ${gpu} free than minResources`,
    });
    expect(placeGang(framework, gangOf(snapshot, 'y', 2, { minResources: [[cards, 4]] })).fits).toBe(true);
  });

  test('a decision left half-way leaves nothing behind', () => {
    const { snapshot, framework } = cluster({ a: { cards: 4 }, b: { cards: 4 } });
    const before = snapshot.generation;
    const steps = placingGang(framework, gangOf(snapshot, 'x', 8));
    for (let i = 0; i < 5; i++) steps.next();
    expect(snapshot.podCount).toBeGreaterThan(0);
    steps.return({ fits: false, placed: [], unplaced: [], domain: '' });
    expect(snapshot.podCount).toBe(0);
    expect(snapshot.generation).toBe(before);
  });
});

const racks = fc.array(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 4,
});

describe('laws of topology', () => {
  test('equal members fit if and only if some domain has the cards, stay in it, and it is the tightest', () => {
    fc.assert(
      fc.property(racks, fc.integer({ min: 1, max: 9 }), (sizes, size) => {
        const { snapshot, framework } = cluster(
          Object.fromEntries(
            sizes.flatMap((nodes, r) => nodes.map((cards, n) => [`r${r}-${n}`, { cards, rack: `r${r}` }])),
          ),
        );
        const decision = placeGang(framework, gangOf(snapshot, 'g', size, { topology: inRack }));
        const room = sizes.map((nodes) => nodes.reduce((a, b) => a + b, 0)).filter((cards) => cards >= size);
        expect(decision.fits).toBe(room.length > 0);
        expect(snapshot.podCount).toBe(decision.fits ? size : 0);
        if (!decision.fits) return;
        const used = new Set(decision.placed.map(({ nodeName }) => Number(nodeName.slice(1).split('-')[0])));
        expect(used.size).toBe(1);
        const [rack] = used;
        expect(sizes[rack!]!.reduce((a, b) => a + b, 0)).toBe(Math.min(...room));
      }),
      { numRuns: 200 },
    );
  });
});

/** Pods that run: `{ a1: ['low', 'low2'] }`, each of one card unless said. */
function run(
  snapshot: Snapshot,
  on: Record<string, readonly string[]>,
  options: { cards?: number; priority?: number; start?: string; labels?: Record<string, string> } = {},
): void {
  const { cards = 1, priority = 1, start = '2026-01-01T00:00:00Z', labels } = options;
  for (const [nodeName, names] of Object.entries(on)) {
    for (const name of names) {
      const made = member(name, cards, { priority, nodeName, ...(labels ? { labels } : {}) });
      (made.status as { startTime: string }).startTime = start;
      snapshot.addPod(snapshot.describe(made), nodeName);
    }
  }
}

const alone = (): undefined => undefined;
function preempt(
  framework: Framework,
  gang: Gang,
  group: (victim: PlacedPod) => VictimGroup | undefined = alone,
  budgets: PodDisruptionBudget[] = [],
): string[] | undefined {
  const before = framework.snapshot.generation;
  const found = findGangPreemption(framework, gang, { budgets, group });
  expect(framework.snapshot.generation).toBe(before);
  return found?.victims.map(({ info }) => info.pod.metadata.name).toSorted();
}

describe('preemption for gangs', () => {
  test('frees one rack that the gang can use, not as many cards here and there (Kueue #5243)', () => {
    const { snapshot, framework } = cluster({
      a1: { cards: 2, rack: 'a' },
      a2: { cards: 2, rack: 'a' },
      b1: { cards: 2, rack: 'b' },
      b2: { cards: 2, rack: 'b' },
    });
    run(snapshot, { a1: ['a1x', 'a1y'], b1: ['b1x', 'b1y'], b2: ['b2x'] });
    run(snapshot, { a2: ['a2x', 'a2y'] }, { priority: 5 });
    const gang = gangOf(snapshot, 'g', 4, { priority: 10, topology: inRack });
    expect(preempt(framework, gang)).toEqual(['b1x', 'b1y', 'b2x']);
    expect(preempt(framework, gangOf(snapshot, 'h', 5, { priority: 10, topology: inRack }))).toBeUndefined();
  });

  test('a rack of lower priority is cleared rather than one with fewer pods', () => {
    const { snapshot, framework } = cluster({ a: { cards: 4, rack: 'a' }, b: { cards: 4, rack: 'b' } });
    run(snapshot, { a: ['a1', 'a2', 'a3', 'a4'] }, { priority: 1 });
    run(snapshot, { b: ['b1'] }, { priority: 5 });
    const gang = gangOf(snapshot, 'g', 4, { priority: 10, topology: inRack });
    expect(preempt(framework, gang)).toEqual(['a1', 'a2', 'a3', 'a4']);
  });

  test('evicts one large pod rather than many small ones, and the youngest among equals', () => {
    const { snapshot, framework } = cluster({ a: { cards: 4 }, b: { cards: 4 }, c: { cards: 4 } });
    run(snapshot, { a: ['a1', 'a2', 'a3', 'a4'] });
    run(snapshot, { b: ['old'] }, { cards: 4, start: '2026-01-01T00:00:00Z' });
    run(snapshot, { c: ['young'] }, { cards: 4, start: '2026-02-01T00:00:00Z' });
    expect(preempt(framework, gangOf(snapshot, 'g', 1, { cards: 4, priority: 10 }))).toEqual(['young']);
    expect(preempt(framework, gangOf(snapshot, 'h', 2, { cards: 4, priority: 10 }))).toEqual([
      'old',
      'young',
    ]);
    expect(preempt(framework, gangOf(snapshot, 'i', 4, { cards: 1, priority: 10 }))).toEqual(['young']);
  });

  test('groups go whole, or give what they have above their minimum', () => {
    const { snapshot, framework } = cluster({ a: { cards: 2 }, b: { cards: 2 } });
    run(snapshot, { a: ['g1', 'g2'], b: ['g3', 'single'] });
    const names = ['g1', 'g2', 'g3'];
    const group =
      (min: number) =>
      (victim: PlacedPod): VictimGroup | undefined =>
        names.includes(victim.info.pod.metadata.name)
          ? { key: 'g', pods: names.map((name) => snapshot.pod(`pod-${name}`)!), min }
          : undefined;
    const gang = (size: number): Gang => gangOf(snapshot, `x${size}-`, size, { priority: 10 });
    expect(preempt(framework, gang(1), group(Infinity))).toEqual(['single']);
    expect(preempt(framework, gang(2), group(Infinity))).toEqual(names);
    expect(preempt(framework, gang(2), group(2))).toHaveLength(2);
    // An important member protects its group.
    run(snapshot, { a: ['g1'] }, { priority: 20 });
    expect(preempt(framework, gang(2), group(Infinity))).toBeUndefined();
  });

  test('spares whom a disruption budget protects if it can', () => {
    const { snapshot, framework } = cluster({ a: { cards: 2, rack: 'a' }, b: { cards: 2, rack: 'b' } });
    run(snapshot, { a: ['a1', 'a2'] }, { labels: { app: 'db' } });
    run(snapshot, { b: ['b1', 'b2'] }, { start: '2025-01-01T00:00:00Z' });
    const budget = {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: { name: 'db', namespace: 'default', uid: 'db' },
      spec: { selector: { matchLabels: { app: 'db' } } },
      status: { disruptionsAllowed: 1 },
    } as unknown as PodDisruptionBudget;
    const gang = gangOf(snapshot, 'g', 2, { priority: 10, topology: inRack });
    expect(preempt(framework, gang)).toEqual(['a1', 'a2']);
    expect(preempt(framework, gang, alone, [budget])).toEqual(['b1', 'b2']);
  });

  test('pods on their way out make room without an eviction', () => {
    const { snapshot, framework } = cluster({ a: { cards: 2 }, b: { cards: 2 } });
    run(snapshot, { a: ['a1', 'a2'], b: ['b1', 'b2'] });
    for (const name of ['a1', 'b2']) {
      const { info } = snapshot.pod(`pod-${name}`)!;
      const metadata = { ...info.pod.metadata, deletionTimestamp: '2026-03-01T00:00:00Z' };
      snapshot.refreshPod({ ...info, pod: { ...info.pod, metadata } });
    }
    expect(preempt(framework, gangOf(snapshot, 'g', 2, { priority: 10 }))).toEqual([]);
    expect(preempt(framework, gangOf(snapshot, 'h', 3, { priority: 10 }))).toHaveLength(1);
  });
});

describe('laws of preemption in domains', () => {
  test('with its victims gone the gang fits in one domain; without any one of them it does not; nobody goes for nothing', () => {
    const busy = fc.array(
      fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }), { minLength: 1, maxLength: 2 }),
      { minLength: 1, maxLength: 4 },
    );
    fc.assert(
      fc.property(
        busy,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 5 }),
        (sizes, priority, size) => {
          const { snapshot, framework } = cluster(
            Object.fromEntries(
              sizes.flatMap((nodes, r) => nodes.map((_, n) => [`r${r}-${n}`, { cards: 2, rack: `r${r}` }])),
            ),
          );
          sizes.forEach((nodes, r) =>
            nodes.forEach((pods, n) =>
              pods.forEach((p, i) => run(snapshot, { [`r${r}-${n}`]: [`p${r}-${n}-${i}`] }, { priority: p })),
            ),
          );
          const gang = gangOf(snapshot, 'g', size, { priority, topology: inRack });
          const fits = sizes.some((nodes) => nodes.reduce((sum, pods) => sum + 2 - pods.length, 0) >= size);
          const could = sizes.some(
            (nodes) =>
              nodes.reduce((sum, pods) => sum + 2 - pods.filter((p) => p >= priority).length, 0) >= size,
          );
          const found = findGangPreemption(framework, gang, { budgets: [], group: alone });
          expect(found !== undefined).toBe(!fits && could);
          if (!found) return;
          for (const { info } of found.victims) {
            expect(info.priority).toBeLessThan(priority);
            snapshot.removePod(info.uid);
          }
          for (const { info, nodeName } of found.victims) {
            snapshot.addPod(info, nodeName);
            const without = placeGang(framework, gang);
            expect(without.fits && without.domain === found.domain).toBe(false);
            for (const { pod: placed } of without.placed) snapshot.removePod(placed.uid);
            snapshot.removePod(info.uid);
          }
          expect(placeGang(framework, gang).fits).toBe(true);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('laws of preemption among gangs', () => {
  test('whoever is evicted, no gang keeps less than it needs, nobody important goes, and the gang then fits', () => {
    const running = fc.record({
      size: fc.integer({ min: 1, max: 4 }),
      surplus: fc.integer({ min: 0, max: 2 }),
      priority: fc.integer({ min: 0, max: 4 }),
      cards: fc.constantFrom(1, 1, 2),
    });
    const asked = fc.record({
      shapes: fc.array(fc.constantFrom(0, 1, 2, 4), { minLength: 1, maxLength: 6 }),
      missing: fc.integer({ min: 0, max: 2 }),
      priority: fc.integer({ min: 1, max: 4 }),
      rack: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 3 }),
        fc.array(running, { maxLength: 8 }),
        asked,
        fc.boolean(),
        (racksOf, others, wanted, guarded) => {
          const { snapshot, framework } = cluster(
            Object.fromEntries(
              racksOf.flatMap((count, r) =>
                Array.from({ length: count }, (_, n) => [`r${r}-${n}`, { cards: 4, rack: `r${r}` }]),
              ),
            ),
          );
          const groups = new Map<string, { names: string[]; min: number }>();
          others.forEach(({ size, surplus, priority, cards }, g) => {
            const pods = Array.from({ length: size }, (_, i) =>
              snapshot.describe(
                member(`o${g}-${i}`, cards, { priority, labels: { app: guarded && g === 0 ? 'db' : 'x' } }),
              ),
            );
            const decision = placeGang(framework, { pods, minCount: size, scheduled: 0 });
            if (decision.fits)
              groups.set(`o${g}`, { names: pods.map(({ uid }) => uid), min: Math.max(1, size - surplus) });
          });
          const group = ({ info }: PlacedPod): VictimGroup | undefined => {
            const key = info.pod.metadata.name.split('-')[0]!;
            const { names, min } = groups.get(key)!;
            const pods = names.flatMap((uid) => snapshot.pod(uid) ?? []);
            return min === 1 ? undefined : { key, pods, min };
          };
          const pods = wanted.shapes.map((cards, i) =>
            snapshot.describe(member(`w${i}`, cards, { priority: wanted.priority })),
          );
          const gang: Gang = {
            pods,
            minCount: Math.max(1, pods.length - wanted.missing),
            scheduled: 0,
            ...(wanted.rack ? { topology: inRack } : {}),
          };
          const first = placeGang(framework, gang);
          if (first.fits) return;
          const all = [...snapshot.pods()].map(({ info, nodeName }) => `${info.uid} ${nodeName}`).toSorted();
          const found = findGangPreemption(framework, gang, { budgets: [], group });
          expect(
            [...snapshot.pods()].map(({ info, nodeName }) => `${info.uid} ${nodeName}`).toSorted(),
          ).toEqual(all);
          if (!found) return;
          for (const { info } of found.victims) {
            expect(info.priority).toBeLessThan(wanted.priority);
            snapshot.removePod(info.uid);
          }
          for (const { names, min } of groups.values()) {
            const left = names.filter((uid) => snapshot.pod(uid)).length;
            expect(left === 0 || left >= min).toBe(true);
          }
          // Where the plan puts them, they have room.
          for (const { pod: placed, nodeName } of found.placed) {
            const row = snapshot.rowOf(nodeName)!;
            expect(framework.probe(placed).rejection(row)).toBeUndefined();
            snapshot.addPod(placed, nodeName);
          }
          expect(found.placed.length).toBeGreaterThanOrEqual(gang.minCount);
          if (wanted.rack)
            expect(new Set(found.placed.map(({ nodeName }) => nodeName.split('-')[0])).size).toBe(1);
        },
      ),
      { numRuns: 300 },
    );
  });
});
