import type { Pod } from '@coracle/machinery/api';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  placeGang,
  scheduleOne,
  Trial,
  type Framework,
  type Snapshot,
} from '../src/core/index.ts';
import { named, nodes, podSpecs } from './arbitraries.ts';
import { node, pod } from './objects.ts';

function frameworkOn(snapshot: Snapshot, percentageOfNodesToScore = 0): Framework {
  return createFramework({
    profile: defaultProfile({ percentageOfNodesToScore }),
    snapshot,
    random: () => 0.5,
  });
}

/** All amounts of a snapshot, by node name. */
function amountsOf(snapshot: Snapshot): unknown {
  const rows: Record<string, unknown> = {};
  for (let row = 0; row < snapshot.rowCount; row++) {
    if (snapshot.alive[row] === 0) continue;
    rows[snapshot.nameOf(row)] = [
      snapshot.requested.map((column) => column[row]),
      snapshot.nonZeroCpu[row],
      snapshot.nonZeroMemory[row],
      snapshot.ports(row)?.size ?? 0,
      snapshot
        .podsOn(row)
        .map((p) => p.info.uid)
        .sort(),
    ];
  }
  return rows;
}

function expectNoOvercommit(snapshot: Snapshot): void {
  for (let row = 0; row < snapshot.rowCount; row++) {
    snapshot.requested.forEach((column, d) => {
      expect(column[row]!).toBeLessThanOrEqual(snapshot.allocatable[d]![row]!);
    });
  }
}

describe('placement', () => {
  test('never over-commits a node', () => {
    fc.assert(
      fc.property(nodes, fc.array(podSpecs, { minLength: 1, maxLength: 30 }), (cluster, specs) => {
        const snapshot = createSnapshot();
        for (const n of cluster) snapshot.setNode(n);
        const framework = frameworkOn(snapshot);
        specs.forEach((spec, i) => scheduleOne(framework, snapshot.describe(named(spec, `p${i}`))));
        expectNoOvercommit(snapshot);
      }),
      { numRuns: 100 },
    );
  });

  test('kept verdicts are what a fresh search finds', () => {
    fc.assert(
      fc.property(
        nodes,
        fc.array(podSpecs, { minLength: 1, maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 30 }),
        (cluster, specs, order) => {
          const snapshot = createSnapshot();
          for (const n of cluster) snapshot.setNode(n);
          const kept = frameworkOn(snapshot, 100);
          order.forEach((of, i) => {
            const info = snapshot.describe(named(specs[of % specs.length]!, `p${i}`));
            expect(kept.schedule(info)).toEqual(frameworkOn(snapshot, 100).schedule(info));
            scheduleOne(kept, info);
          });
        },
      ),
      { numRuns: 100 },
    );
  });

  test('a trial taken back leaves every amount as it was', () => {
    fc.assert(
      fc.property(
        nodes,
        fc.array(podSpecs, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (cluster, specs, removals) => {
          const snapshot = createSnapshot();
          for (const n of cluster) snapshot.setNode(n);
          const name = (i: number): string => cluster[i % cluster.length]!.metadata.name;
          const half = Math.ceil(specs.length / 2);
          specs
            .slice(0, half)
            .forEach((s, i) => snapshot.addPod(snapshot.describe(named(s, `p${i}`)), name(i)));
          specs.forEach((s, i) => snapshot.describe(named(s, `q${i}`)));
          const before = amountsOf(snapshot);
          const trial = new Trial(snapshot);
          specs.slice(half).forEach((s, i) => trial.place(snapshot.describe(named(s, `q${i}`)), name(i + 1)));
          for (const i of removals) {
            const placed = snapshot.pod(`pod-p${i % specs.length}`);
            if (placed) trial.remove(placed);
          }
          trial.rollback();
          expect(amountsOf(snapshot)).toEqual(before);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('looks at every node below 100 nodes, and at a part of many', () => {
    const snapshot = createSnapshot();
    for (let i = 0; i < 2000; i++) snapshot.setNode(node(`n${i}`));
    const info = snapshot.describe(pod('p'));
    const sampled = frameworkOn(snapshot).schedule(info);
    // kube-scheduler: 50 % less 1 % for every 125 nodes.
    expect(sampled).toMatchObject({ fits: true, feasible: 680 });
    expect(frameworkOn(snapshot, 100).schedule(info)).toMatchObject({ feasible: 2000 });
    expect(frameworkOn(snapshot, 1).schedule(info)).toMatchObject({ feasible: 100 });
  });
});

describe('sampling', () => {
  test('mixes nodes of all zones however they were made, and goes on where it stopped', () => {
    const snapshot = createSnapshot();
    // A zone after the other.
    for (let i = 0; i < 3000; i++)
      snapshot.setNode(node(`n${i}`, { labels: { zone: `z${Math.floor(i / 1000)}` } }));
    const spread = { topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'ScheduleAnyway' };
    const spec = { topologySpreadConstraints: [{ ...spread, labelSelector: { matchLabels: { app: 'x' } } }] };
    const framework = frameworkOn(snapshot);
    const zones = new Map<string, number>();
    for (let i = 0; i < 90; i++) {
      const decision = scheduleOne(
        framework,
        snapshot.describe(pod(`p${i}`, { labels: { app: 'x' }, spec })),
      );
      const zone = decision.fits ? snapshot.node(decision.row)!.metadata.labels!['zone']! : '';
      zones.set(zone, (zones.get(zone) ?? 0) + 1);
    }
    expect(Object.fromEntries(zones)).toEqual({ z0: 30, z1: 30, z2: 30 });
    const few = frameworkOn(snapshot, 1);
    const reached = new Set<string>();
    for (let i = 0; i < 3000 / 100 + 1; i++) {
      for (let j = 0; j < 40; j++) {
        const decision = scheduleOne(few, snapshot.describe(pod(`q${i}-${j}`, { requests: { cpu: '4' } })));
        if (decision.fits) reached.add(decision.nodeName);
      }
    }
    expect(reached.size).toBeGreaterThan(1000);
  });
});

/** A gang of `size` pods; each asks for the GPUs given in turn. */
const gangs = fc.array(
  fc.record({
    size: fc.integer({ min: 1, max: 6 }),
    spare: fc.integer({ min: 0, max: 2 }),
    gpus: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }),
  }),
  { minLength: 1, maxLength: 6 },
);
const gpuCluster = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 6 });

function members(name: string, size: number, gpus: readonly number[]): Pod[] {
  return Array.from({ length: size }, (_, i) =>
    pod(`${name}-${i}`, { requests: { 'nvidia.com/gpu': String(gpus[i % gpus.length]) } }),
  );
}

describe('gangs', () => {
  test('are placed whole or not at all, and never over-commit', () => {
    fc.assert(
      fc.property(gpuCluster, gangs, (cluster, list) => {
        const snapshot = createSnapshot();
        cluster.forEach((gpus, i) =>
          snapshot.setNode(node(`n${i}`, { allocatable: { 'nvidia.com/gpu': String(gpus) } })),
        );
        const framework = frameworkOn(snapshot);
        list.forEach(({ size, spare, gpus }, g) => {
          const pods = members(`g${g}`, size, gpus).map((p) => snapshot.describe(p));
          const minCount = Math.max(1, size - spare);
          const before = amountsOf(snapshot);
          const decision = placeGang(framework, { pods, minCount, scheduled: 0 });
          const here = pods.filter((p) => snapshot.pod(p.uid));
          if (decision.fits) {
            expect(here.length).toBeGreaterThanOrEqual(minCount);
            expect(decision.placed.map((m) => m.pod.uid).sort()).toEqual(here.map((p) => p.uid).sort());
          } else {
            expect(here).toEqual([]);
            expect(amountsOf(snapshot)).toEqual(before);
          }
        });
        expectNoOvercommit(snapshot);
      }),
      { numRuns: 300 },
    );
  });

  test('of equal pods are placed whenever there is room for them', () => {
    fc.assert(
      fc.property(
        gpuCluster,
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 3 }),
        (cluster, size, gpus) => {
          const snapshot = createSnapshot();
          cluster.forEach((n, i) =>
            snapshot.setNode(node(`n${i}`, { allocatable: { 'nvidia.com/gpu': String(n) } })),
          );
          const pods = members('g', size, [gpus]).map((p) => snapshot.describe(p));
          const room = cluster.reduce((sum, n) => sum + Math.floor(n / gpus), 0);
          expect(placeGang(frameworkOn(snapshot), { pods, minCount: size, scheduled: 0 }).fits).toBe(
            size <= room,
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  test('never lock each other out: whatever the order, gangs that fit one by one all run in the end', () => {
    fc.assert(
      fc.property(
        gpuCluster,
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 5 }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 60 }),
        (cluster, sizes, lots) => {
          const total = cluster.reduce((a, b) => a + b, 0);
          const snapshot = createSnapshot();
          cluster.forEach((n, i) =>
            snapshot.setNode(node(`n${i}`, { allocatable: { 'nvidia.com/gpu': String(n) } })),
          );
          const framework = frameworkOn(snapshot);
          const waiting = new Map(
            sizes.map((size, g) => [g, members(`g${g}`, size, [1]).map((p) => snapshot.describe(p))]),
          );
          const active: string[][] = [];
          let step = 0;
          // Gangs are tried in random order; one that runs ends at some time. No gang may wait for ever.
          for (let idle = 0; idle < 2 && waiting.size > 0;) {
            const keys = [...waiting.keys()].sort(
              (a, b) => lots[(step + a) % lots.length]! - lots[(step + b) % lots.length]! || a - b,
            );
            step++;
            let progress = false;
            for (const g of keys) {
              const pods = waiting.get(g)!;
              const decision = placeGang(framework, { pods, minCount: pods.length, scheduled: 0 });
              if (!decision.fits) continue;
              progress = true;
              waiting.delete(g);
              active.push(pods.map((p) => p.uid));
            }
            const done = active.shift();
            for (const uid of done ?? []) snapshot.removePod(uid);
            idle = progress || done ? 0 : idle + 1;
          }
          for (const pods of waiting.values()) expect(pods.length).toBeGreaterThan(total);
        },
      ),
      { numRuns: 200 },
    );
  });

  test('with a topology key stay within one domain, the smallest that holds them', () => {
    const snapshot = createSnapshot();
    const rack = (name: string, r: string) =>
      node(name, { labels: { rack: r }, allocatable: { 'nvidia.com/gpu': '2' } });
    for (const n of [
      rack('a1', 'a'),
      rack('b1', 'b'),
      rack('b2', 'b'),
      rack('c1', 'c'),
      rack('c2', 'c'),
      rack('c3', 'c'),
    ]) {
      snapshot.setNode(n);
    }
    const framework = frameworkOn(snapshot);
    const place = (name: string, size: number) =>
      placeGang(framework, {
        pods: members(name, size, [1]).map((p) => snapshot.describe(p)),
        minCount: size,
        scheduled: 0,
        topology: { required: ['rack'] },
      });
    expect(new Set(place('x', 3).placed.map((m) => m.nodeName[0]))).toEqual(new Set(['b']));
    expect(new Set(place('y', 5).placed.map((m) => m.nodeName[0]))).toEqual(new Set(['c']));
    expect(place('z', 4).fits).toBe(false);
  });
});
