import type { Node, Pod } from '@coracle/machinery/api';
import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Fragmentation, popularShapes, type WeightedShape } from '../src/core/cards/fragmentation.ts';
import { CardColumns } from '../src/core/cards/card-columns.ts';
import { cardRequest } from '../src/core/cards/card-request.ts';
import {
  createFramework,
  createSnapshot,
  findPreemption,
  gpuProfile,
  parseConfiguration,
  placeGang,
  profilesFrom,
  scheduleOne,
  Trial,
  type GpuPolicy,
  type Snapshot,
} from '../src/core/index.ts';
import { bestFitScore, gpuClusteringScore, gpuPackingScore } from '../src/core/plugins/packing-scores.ts';
import { node, pod } from './objects.ts';

interface Cards {
  model?: string;
  memory?: number;
  cpu?: string;
}

function gpuNode(name: string, count: number, options: Cards = {}): Node {
  const { model = 'A100', memory = 0, cpu = '64' } = options;
  const labels: Record<string, string> = { 'nvidia.com/gpu.product': model };
  if (memory > 0) labels['nvidia.com/gpu.memory'] = String(memory);
  return node(name, { labels, allocatable: { cpu, memory: '512Gi', 'nvidia.com/gpu': String(count) } });
}

function sharing(name: string, milli: number, more: Record<string, string> = {}): Pod {
  const made = pod(name, { requests: { cpu: '1' } });
  const annotations = { 'alibabacloud.com/gpu-milli': String(milli), ...more };
  return { ...made, metadata: { ...made.metadata, annotations } } as Pod;
}

const whole = (name: string, count: number): Pod =>
  pod(name, { requests: { cpu: '1', 'nvidia.com/gpu': String(count) } });

function cluster(nodes: readonly Node[], policy: GpuPolicy = 'GpuPacking') {
  const snapshot = createSnapshot();
  for (const each of nodes) snapshot.setNode(each);
  const framework = createFramework({
    profile: gpuProfile(policy),
    snapshot,
    random: () => 0,
  });
  const place = (what: Pod) => scheduleOne(framework, snapshot.describe(what));
  return { snapshot, framework, place };
}

const freeOf = (snapshot: Snapshot, name: string): number[] => {
  const { cards } = snapshot;
  const row = snapshot.rowOf(name)!;
  return [...cards.free.subarray(row * cards.width, row * cards.width + cards.count[row]!)];
};

describe('cardRequest', () => {
  test('parts of a card come from the annotations, whole cards from the extended resource', () => {
    expect(cardRequest(pod('p'), 0)).toBeUndefined();
    expect(cardRequest(pod('p'), 2)).toMatchObject({ count: 2, milli: 1000, extended: true });
    expect(cardRequest(sharing('p', 250), 0)).toMatchObject({ count: 1, milli: 250, extended: false });
    const given = { 'alibabacloud.com/gpu-count': '2', 'alibabacloud.com/gpu-index': '1-3' };
    expect(cardRequest(sharing('p', 500, given), 0)).toMatchObject({ count: 2, milli: 500, indices: [1, 3] });
    const memory = { 'alibabacloud.com/gpu-mem': '4Gi', 'alibabacloud.com/gpu-card-model': 'T4|A10' };
    expect(cardRequest(sharing('p', 300, memory), 0)).toMatchObject({
      memory: 4 * 2 ** 30,
      models: ['T4', 'A10'],
    });
  });
});

describe('parts of cards', () => {
  test('a card is filled and never more than filled', () => {
    const { snapshot, place } = cluster([gpuNode('n', 2)]);
    for (let i = 0; i < 4; i++) expect(place(sharing(`p${i}`, 500)).fits).toBe(true);
    expect(freeOf(snapshot, 'n')).toEqual([0, 0]);
    const decision = place(sharing('p4', 1));
    expect(decision.fits).toBe(false);
    expect(!decision.fits && [...decision.diagnosis.reasons.keys()]).toEqual(['Insufficient GPU share']);
  });

  test('room on two cards is no room for a pod that needs one', () => {
    const { place } = cluster([gpuNode('n', 2)]);
    for (const name of ['a', 'b']) expect(place(sharing(name, 600)).fits).toBe(true);
    expect(place(sharing('c', 500)).fits).toBe(false);
    expect(place(sharing('d', 400)).fits).toBe(true);
  });

  test('memory of a card is counted too', () => {
    const { place } = cluster([gpuNode('n', 1, { memory: 16 * 1024 })]);
    const memory = (size: string) => ({ 'alibabacloud.com/gpu-mem': size });
    expect(place(sharing('a', 100, memory('10Gi'))).fits).toBe(true);
    expect(place(sharing('b', 100, memory('7Gi'))).fits).toBe(false);
    expect(place(sharing('c', 100, memory('6Gi'))).fits).toBe(true);
  });

  test('whole cards and parts of cards do not meet on one card', () => {
    const { snapshot, place } = cluster([gpuNode('n', 2)]);
    expect(place(sharing('share', 100)).fits).toBe(true);
    expect(place(whole('two', 2)).fits).toBe(false);
    // The node's own agent picks the card: one stays for it.
    expect(place(whole('one', 1)).fits).toBe(true);
    expect(snapshot.cards.floating[0]).toBe(1);
    expect(place(sharing('big', 950)).fits).toBe(false);
    expect(place(sharing('small', 900)).fits).toBe(true);
  });

  test('a model that is asked for is given', () => {
    const { place } = cluster([gpuNode('t', 1, { model: 'T4' }), gpuNode('a', 1, { model: 'A10' })]);
    const model = { 'alibabacloud.com/gpu-card-model': 'A10|A100' };
    expect(place(sharing('p', 500, model))).toMatchObject({ fits: true, nodeName: 'a' });
    const decision = place(sharing('q', 600, model));
    expect(!decision.fits && Object.fromEntries(decision.diagnosis.reasons)).toEqual({
      'Insufficient GPU share': 1,
      "node(s) didn't match the pod's GPU model": 1,
    });
  });

  test('the number of the card goes with the binding', () => {
    const { place } = cluster([gpuNode('n', 4)]);
    expect(place(sharing('a', 700))).toMatchObject({
      reservations: [{ bindingAnnotations: { 'alibabacloud.com/gpu-index': '0' } }],
    });
    expect(place(sharing('b', 700))).toMatchObject({
      reservations: [{ bindingAnnotations: { 'alibabacloud.com/gpu-index': '1' } }],
    });
  });
});

describe('cards in the snapshot', () => {
  test('what the API says a pod holds is held, also before its node is known', () => {
    const snapshot = createSnapshot();
    const held = sharing('p', 400, { 'alibabacloud.com/gpu-index': '1' });
    snapshot.addPod(snapshot.describe(held, { placed: true }), 'n');
    snapshot.setNode(gpuNode('n', 2));
    expect(freeOf(snapshot, 'n')).toEqual([1000, 600]);
    snapshot.removePod('pod-p');
    expect(freeOf(snapshot, 'n')).toEqual([1000, 1000]);
  });

  test('cards that are taken away from a node and come back keep their holders', () => {
    const { snapshot, place } = cluster([gpuNode('n', 2)]);
    place(sharing('p', 400));
    snapshot.setNode(gpuNode('n', 1));
    expect(freeOf(snapshot, 'n')).toEqual([600]);
    snapshot.setNode(gpuNode('n', 12));
    expect(freeOf(snapshot, 'n').slice(0, 2)).toEqual([600, 1000]);
  });

  test('shares are conserved, whatever comes and goes, and a trial leaves no trace', () => {
    const step = fc.record({
      what: fc.constantFrom('place', 'remove', 'trial'),
      at: fc.nat(20),
      milli: fc.constantFrom(100, 250, 333, 500, 1000),
      cards: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { snapshot, framework, place } = cluster([gpuNode('a', 2), gpuNode('b', 4)], 'FGD');
        const all = () => [...freeOf(snapshot, 'a'), ...freeOf(snapshot, 'b')];
        const placed = new Map<string, number>();
        let made = 0;
        for (const { what, at, milli, cards } of steps) {
          const before = all();
          const uids = [...placed.keys()];
          const uid = uids[at % Math.max(1, uids.length)];
          if (what === 'remove' && uid !== undefined) {
            snapshot.removePod(uid);
            placed.delete(uid);
          } else if (what === 'trial') {
            const trial = new Trial(snapshot, framework);
            const victim = uid === undefined ? undefined : snapshot.pod(uid);
            if (victim) trial.remove(victim);
            const info = snapshot.describe(sharing(`t${made++}`, milli));
            const decision = framework.schedule(info);
            if (decision.fits) trial.place(info, decision.nodeName);
            trial.rollback();
            expect(all()).toEqual(before);
          } else if (what === 'place') {
            const count = { 'alibabacloud.com/gpu-count': String(milli === 1000 ? cards : 1) };
            const name = `p${made++}`;
            if (place(sharing(name, milli, count)).fits)
              placed.set(`pod-${name}`, milli * Number(Object.values(count)[0]));
          }
          const held = [...placed.values()].reduce((sum, each) => sum + each, 0);
          expect(all().reduce((sum, each) => sum + each, 0)).toBe(6000 - held);
          for (const free of all()) expect(free).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('Fragmentation', () => {
  const columns = (free: readonly number[]): CardColumns => {
    const cards = new CardColumns();
    cards.setNode(0, gpuNode('n', free.length));
    free.forEach((left, i) => (cards.free[i] = left));
    return cards;
  };
  /** As the paper defines it, shape by shape. */
  const plain = (free: readonly number[], cpu: number, workload: readonly WeightedShape[]): number => {
    const total = free.reduce((sum, left) => sum + left, 0);
    return workload.reduce((sum, { count, milli, cpu: needed, models, share }) => {
      const reachable = models.length === 0 || models.includes('A100');
      const room = free.filter((left) => left >= milli).length >= count && cpu >= needed;
      const lost = count === 0 || !reachable || !room ? total : 0;
      const small = free.filter((left) => left < milli).reduce((all, left) => all + left, 0);
      return sum + share * (lost > 0 || total === 0 ? lost : small);
    }, 0);
  };
  const shape = fc.record({
    cpu: fc.constantFrom(0, 1000, 4000, 8000),
    count: fc.constantFrom(0, 1, 1, 2, 4),
    milli: fc.constantFrom(100, 250, 460, 500, 1000),
    models: fc.constantFrom([], ['A100'], ['T4']),
  });
  const counts = fc.array(fc.tuple(shape, fc.integer({ min: 1, max: 50 })), { minLength: 1, maxLength: 12 });
  const cardsLeft = fc.array(fc.constantFrom<number>(0, 40, 250, 500, 540, 750, 1000), {
    minLength: 1,
    maxLength: 9,
  });

  test('is what the definition says', () => {
    fc.assert(
      fc.property(counts, cardsLeft, fc.constantFrom(0, 2000, 6000, 64_000), (popular, free, cpu) => {
        const workload = popularShapes(popular);
        const fast = new Fragmentation(workload).ofRow(columns(free), 0, cpu);
        expect(fast).toBeCloseTo(plain(free, cpu, workload), 6);
      }),
      { numRuns: 300 },
    );
  });

  test('after a pod is what it would be of the cards as they are then', () => {
    fc.assert(
      fc.property(
        counts,
        cardsLeft,
        fc.nat(8),
        fc.constantFrom(100, 250, 500, 1000),
        (popular, free, at, milli) => {
          const fragmentation = new Fragmentation(popularShapes(popular));
          const card = at % free.length;
          if (free[card]! < milli) return;
          const after = free.with(card, free[card]! - milli);
          const expected = fragmentation.ofRow(columns(after), 0, 5000);
          expect(fragmentation.ofRowLess(columns(free), 0, 5000, card, milli)).toBeCloseTo(expected, 6);
          const tightest = free
            .map((left, i) => ({ left, i }))
            .filter(({ left }) => left >= milli)
            .toSorted((a, b) => a.left - b.left)
            .slice(0, 2);
          const both = tightest.reduce((list, { i }) => list.with(i, list[i]! - milli), free);
          expect(fragmentation.ofRowLessCards(columns(free), 0, 5000, tightest.length, milli)).toBeCloseTo(
            fragmentation.ofRow(columns(both), 0, 5000),
            6,
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test('a workload is the popular shapes that cover 95 % of the pods', () => {
    const of = (milli: number) => ({ cpu: 0, count: 1, milli, models: [] });
    const target = popularShapes([
      [of(500), 60],
      [of(250), 36],
      [of(100), 4],
    ]);
    expect(target.map(({ milli, share }) => [milli, share])).toEqual([
      [500, 60 / 96],
      [250, 36 / 96],
    ]);
  });
});

describe('policies', () => {
  const scoresOf = (
    plugin: typeof gpuPackingScore,
    what: Pod,
    snapshot: Snapshot,
    normalized = false,
  ): number[] => {
    const rows = Int32Array.from({ length: snapshot.rowCount }, (_, row) => row);
    const scores = new Float64Array(rows.length);
    const prepared = plugin.prepareScore(snapshot.describe(what), snapshot)!;
    prepared.score(rows, rows.length, scores);
    if (normalized) prepared.normalize?.(scores, rows.length, rows);
    return [...scores];
  };
  const onCard = (snapshot: Snapshot, name: string, milli: number, nodeName: string, index: string) =>
    snapshot.addPod(
      snapshot.describe(sharing(name, milli, { 'alibabacloud.com/gpu-index': index })),
      nodeName,
    );

  // A published complaint is that spreading and packing were exchanged (HAMi #1589): used nodes must win when packing.
  test('GpuPacking prefers used cards, then untouched cards of used nodes, then small idle nodes (HAMi #1589)', () => {
    const { snapshot } = cluster([gpuNode('used', 2), gpuNode('idle', 2), gpuNode('large', 8)]);
    onCard(snapshot, 'a', 700, 'used', '0');
    expect(scoresOf(gpuPackingScore, sharing('p', 300), snapshot)).toEqual([97, 31, 25]);
    expect(scoresOf(gpuPackingScore, sharing('p', 400), snapshot)).toEqual([49, 31, 25]);
  });

  test('WorstFit spreads over cards and BestFit packs them (HAMi #1589)', () => {
    for (const [cardSelection, expected] of [
      ['BestFit', [300, 1000]],
      ['WorstFit', [700, 600]],
    ] as const) {
      const snapshot = createSnapshot();
      snapshot.setNode(gpuNode('n', 2));
      const framework = createFramework({
        profile: gpuProfile('GpuPacking', { cardSelection }),
        snapshot,
        random: () => 0,
      });
      scheduleOne(framework, snapshot.describe(sharing('a', 300)));
      scheduleOne(framework, snapshot.describe(sharing('b', 400)));
      expect(freeOf(snapshot, 'n')).toEqual(expected);
    }
  });

  test('GpuClustering prefers nodes with pods of the same kind only', () => {
    const { snapshot } = cluster([
      gpuNode('same', 8),
      gpuNode('mixed', 8),
      gpuNode('idle', 8),
      gpuNode('other', 8),
    ]);
    onCard(snapshot, 'a', 500, 'same', '0');
    onCard(snapshot, 'b', 500, 'mixed', '0');
    onCard(snapshot, 'c', 1000, 'mixed', '1');
    onCard(snapshot, 'd', 1000, 'other', '1');
    expect(scoresOf(gpuClusteringScore, sharing('p', 500), snapshot)).toEqual([76, 54, 25, 3]);
  });

  test('BestFit prefers the node with least left', () => {
    const { snapshot } = cluster([gpuNode('big', 8), gpuNode('small', 1, { cpu: '8' })]);
    expect(scoresOf(bestFitScore, sharing('p', 500), snapshot, true)).toEqual([0, 100]);
  });

  test('FGD keeps whole cards for those that need them, with a workload it learns from the pods that run', () => {
    const { snapshot, place } = cluster([gpuNode('a', 1), gpuNode('b', 1)], 'FGD');
    snapshot.setNode(gpuNode('elsewhere', 8));
    for (let i = 0; i < 4; i++) onCard(snapshot, `w${i}`, 1000, 'elsewhere', String(i));
    for (let i = 0; i < 4; i++) onCard(snapshot, `s${i}`, 500, 'elsewhere', String(4 + i));
    for (let i = 4; i < 8; i++) onCard(snapshot, `t${i}`, 500, 'elsewhere', String(i));
    onCard(snapshot, 'x', 500, 'b', '0');
    expect(place(sharing('p', 500))).toMatchObject({ nodeName: 'b' });
  });
});

describe('gangs', () => {
  test('of pods with parts of cards are placed whole or leave no trace', () => {
    const { snapshot, framework } = cluster([gpuNode('a', 1), gpuNode('b', 2)]);
    const gang = (count: number, milli: number) => ({
      pods: Array.from({ length: count }, (_, i) => snapshot.describe(sharing(`g${i}`, milli))),
      minCount: count,
      scheduled: 0,
    });
    expect(placeGang(framework, gang(4, 600)).fits).toBe(false);
    expect([...freeOf(snapshot, 'a'), ...freeOf(snapshot, 'b')]).toEqual([1000, 1000, 1000]);
    expect(placeGang(framework, gang(3, 600)).fits).toBe(true);
    expect([...freeOf(snapshot, 'a'), ...freeOf(snapshot, 'b')]).toEqual([400, 400, 400]);
  });
});

describe('preemption', () => {
  test('evicts those that hold the part of a card that is wanted, and no others', () => {
    const { snapshot, framework, place } = cluster([gpuNode('n', 2)]);
    for (const [name, milli] of [
      ['a', 700],
      ['b', 600],
    ] as const) {
      place(sharing(name, milli));
    }
    const wanted = sharing('w', 800);
    const info = snapshot.describe({ ...wanted, spec: { ...wanted.spec, priority: 10 } } as Pod);
    const decision = framework.schedule(info);
    if (decision.fits) throw new Error('it fits');
    const found = findPreemption(framework, info, decision.diagnosis, { budgets: [], random: () => 0 });
    if (!('victims' in found)) throw new Error(found.message);
    expect(found.victims.pods).toHaveLength(1);
    expect(freeOf(snapshot, 'n')).toEqual([300, 400]);
  });
});

describe('docs/gpus.md', () => {
  test('its configuration is read, and FGD works with the workload given there', () => {
    const text = readFileSync(new URL('../../../docs/gpus.md', import.meta.url), 'utf8');
    const block = [...text.matchAll(/```yaml\n(.*?)```/gs)]
      .map(([, yaml]) => yaml!)
      .find((yaml) => yaml.includes('kind: KubeSchedulerConfiguration'))!;
    const profile = profilesFrom(parseConfiguration(block)).profiles[1]!;
    expect(profile.schedulerName).toBe('research');
    const snapshot = createSnapshot();
    for (const each of [gpuNode('a', 1), gpuNode('b', 1)]) snapshot.setNode(each);
    const framework = createFramework({ profile, snapshot, random: () => 0 });
    const place = (what: Pod) => scheduleOne(framework, snapshot.describe(what));
    expect(place(sharing('x', 500))).toMatchObject({ nodeName: 'a' });
    // The rest of a card in use is all that a half needs; the whole card stays whole.
    expect(place(sharing('y', 500))).toMatchObject({ nodeName: 'a' });
    expect(place(sharing('z', 1000))).toMatchObject({ nodeName: 'b' });
  });
});
