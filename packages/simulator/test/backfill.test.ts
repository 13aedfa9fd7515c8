/** Backfill through the engine against slow, obvious references, and the laws of its plans on many nodes. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gpuProfile } from '@coracle/scheduler/core';
import { simulate } from '../src/engine/index.ts';
import { equalNodes } from '../src/inputs/nodes.ts';
import { Shapes } from '../src/inputs/pod-shape.ts';
import type { RunSpec } from '../src/model/run.ts';
import {
  createBackfillPlan,
  HoldingList,
  orderingPolicy,
  type AskedPods,
  type BackfillInput,
  type Holding,
} from '../src/ordering/index.ts';
import { backfillReference, type ReferenceJob } from './reference/backfill.ts';

const processors = 16;

const arbitraryJobs = fc
  .array(
    fc.record({
      gap: fc.nat(6),
      run: fc.integer({ min: 1, max: 20 }),
      // Most owners say too much; some too little.
      over: fc.constantFrom(0.5, 1, 1, 1.3, 2, 4),
      processors: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: processors })),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((rows) => {
    let submit = 0;
    return rows.map(({ gap, run, over, processors: asked }): ReferenceJob => {
      submit += gap;
      return { submit, run, estimate: Math.max(1, Math.round(run * over)), processors: asked };
    });
  });

function spec(mode: string, jobs: readonly ReferenceJob[]): RunSpec {
  const shapes = new Shapes();
  return {
    cluster: {
      name: 'machine',
      nodes: equalNodes('machine', 1, { cpuMilli: processors * 1000, memoryMib: 1024 }),
      pools: [],
    },
    workload: {
      name: 'random',
      notes: [],
      jobs: () =>
        jobs.map((job, i) => ({
          id: String(i),
          tenant: 'all',
          submitMs: job.submit * 1000,
          runMs: job.run * 1000,
          estimateMs: job.estimate * 1000,
          podSets: shapes.pods(1, { cpuMilli: job.processors * 1000 }),
        })),
    },
    placement: { name: 'firstfit', profile: () => gpuProfile('FirstFit') },
    ordering: orderingPolicy(mode)!,
    seed: 1,
  };
}

describe.each(['easy', 'conservative'] as const)('%s backfill on one machine', (mode) => {
  test('starts every job when the slow reference does', () => {
    fc.assert(
      fc.property(arbitraryJobs, (jobs) => {
        const starts = [...simulate(spec(mode, jobs)).jobs.startMs].map((ms) => ms / 1000);
        expect(starts).toEqual(backfillReference(mode, processors, jobs));
      }),
      { numRuns: 100 },
    );
  });
});

test('EASY lets a short job past the first that waits, and a long one only beside it', () => {
  const jobs = [
    { submit: 0, run: 10, estimate: 10, processors: 10 },
    // The first that waits: at 10 it can start, and 4 are left beside it.
    { submit: 1, run: 5, estimate: 5, processors: 12 },
    { submit: 2, run: 100, estimate: 100, processors: 5 },
    { submit: 3, run: 7, estimate: 7, processors: 5 },
    { submit: 4, run: 100, estimate: 100, processors: 1 },
  ];
  const starts = [...simulate(spec('easy', jobs)).jobs.startMs].map((ms) => ms / 1000);
  expect(starts).toEqual([0, 10, 15, 3, 4]);
});

// Nodes with two amounts and four cards each.
const nodes = 5;
const dimensions = 2;
const width = 4;

const arbitraryPods = fc
  .record({
    count: fc.integer({ min: 1, max: 6 }),
    amounts: fc.tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 8 })),
    cards: fc.option(
      fc.oneof(
        fc.record({ count: fc.integer({ min: 1, max: 3 }), milli: fc.constant(1000) }),
        fc.record({ count: fc.constant(1), milli: fc.constantFrom(200, 500, 700) }),
      ),
    ),
    within: fc.uniqueArray(fc.nat(nodes - 1), { minLength: 1, maxLength: nodes }),
  })
  .map(({ count, amounts, cards, within }): AskedPods => ({
    count,
    amounts,
    ...(cards ? { cards } : {}),
    allows: (node) => within.includes(node),
  }));
const arbitraryAsk = fc.record({
  pods: fc.tuple(arbitraryPods),
  estimateMs: fc.integer({ min: 1, max: 30 }),
});
type Asked = { readonly pods: readonly [AskedPods]; readonly estimateMs: number };

interface Free {
  readonly free: Float64Array;
  readonly milli: Int32Array;
}
const empty = (): Free => ({
  free: new Float64Array(nodes * dimensions).fill(16),
  milli: new Int32Array(nodes * width).fill(1000),
});

function change({ free, milli }: Free, { places }: Holding, sign: 1 | -1): void {
  for (const { node, amounts, cards } of places) {
    for (let d = 0; d < dimensions; d++) free[node * dimensions + d]! += sign * amounts[d]!;
    for (const card of cards?.cards ?? []) milli[node * width + card]! += sign * cards!.milli;
  }
}

/** Puts pod after pod on the first node that has room: the answer of a scheduler. Undefined: they do not fit. */
function fit(state: Free, { pods: [pods], estimateMs }: Asked, nowMs: number): Holding | undefined {
  const places: Holding['places'][number][] = [];
  const holding = { untilMs: nowMs + estimateMs, places };
  for (let i = 0; i < pods.count; i++) {
    const place = Array.from({ length: nodes }, (_, node) => node).flatMap((node) => {
      const room = [0, 1].every((d) => state.free[node * dimensions + d]! >= pods.amounts[d]!);
      if (!room || !pods.allows!(node)) return [];
      if (!pods.cards) return [{ node, amounts: pods.amounts }];
      const { count, milli } = pods.cards;
      const cards = [0, 1, 2, 3].filter((card) => state.milli[node * width + card]! >= milli).slice(0, count);
      return cards.length === count ? [{ node, amounts: pods.amounts, cards: { cards, milli } }] : [];
    })[0];
    if (!place) {
      change(state, holding, 1);
      return undefined;
    }
    places.push(place);
    change(state, { untilMs: 0, places: [place] }, -1);
  }
  change(state, holding, 1);
  return holding;
}

describe.each(['easy', 'conservative'] as const)('a plan of %s on many nodes', (mode) => {
  const nowMs = 100;

  /** Jobs that run, then those that wait: what the plan lets start, and what it promised to whom. */
  function play(running: readonly Asked[], waiting: readonly Asked[]) {
    const state = empty();
    const list = new HoldingList<Holding>();
    for (const ask of running) {
      const holding = fit(state, ask, nowMs - 5);
      if (!holding) continue;
      change(state, holding, -1);
      list.add(holding);
    }
    const copy = { free: state.free.slice(), milli: state.milli.slice() };
    const input: BackfillInput = {
      mode,
      nowMs,
      nodes,
      dimensions,
      free: copy.free,
      cards: { width, milli: copy.milli },
      running: list,
    };
    const plan = createBackfillPlan(input);
    const started: Holding[] = [];
    const promised: { ask: Asked; startMs: number; holding: Holding }[] = [];
    for (const ask of waiting) {
      const holding = fit(state, ask, nowMs);
      const may = plan.mayStart(ask);
      if (holding && may && plan.start(holding)) {
        change(state, holding, -1);
        started.push(holding);
        continue;
      }
      const reservation = plan.wait(ask);
      if (reservation) promised.push({ ask, ...reservation });
    }
    return { running: [...list], started, promised };
  }

  /** What is free when all that end by then have. */
  function later(holdings: readonly Holding[], ms: number): Free {
    const state = empty();
    for (const holding of holdings) if (Math.max(nowMs, holding.untilMs) > ms) change(state, holding, -1);
    return state;
  }

  const arbitrary = [
    fc.array(arbitraryAsk, { maxLength: 12 }),
    fc.array(arbitraryAsk, { minLength: 1, maxLength: 12 }),
  ] as const;

  test('keeps what it promised, whatever it lets start', () => {
    fc.assert(
      fc.property(...arbitrary, (before, waiting) => {
        const { running, started, promised } = play(before, waiting);
        for (const { ask, startMs } of promised.slice(0, 1)) {
          expect(fit(later([...running, ...started], startMs), ask, startMs)).toBeDefined();
        }
        if (mode === 'easy') {
          expect(promised.length).toBeLessThanOrEqual(1);
          return;
        }
        // All together, in time: nothing is given twice.
        const all = [...running, ...started].map((holding) => ({ fromMs: nowMs, holding }));
        for (const { startMs, holding } of promised) all.push({ fromMs: startMs, holding });
        for (const { fromMs } of all) {
          const state = empty();
          for (const other of all) {
            const untilMs = Math.max(other.holding.untilMs, other.fromMs);
            if (other.fromMs <= fromMs && fromMs < untilMs) change(state, other.holding, -1);
          }
          expect(Math.min(...state.free, ...state.milli)).toBeGreaterThanOrEqual(0);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('promises the first that waits the earliest time at which it fits', () => {
    fc.assert(
      fc.property(...arbitrary, (before, waiting) => {
        const { running, started, promised } = play(before, waiting);
        const [first] = promised;
        if (!first) return;
        const before_ = started.slice(0, (waiting as readonly Asked[]).indexOf(first.ask));
        for (const holding of [...running, ...before_]) {
          const ms = Math.max(nowMs, holding.untilMs);
          if (ms < first.startMs)
            expect(fit(later([...running, ...before_], ms), first.ask, ms)).toBeUndefined();
        }
      }),
      { numRuns: 150 },
    );
  });
});
