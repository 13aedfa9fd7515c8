/** The fast plan of conservative backfill against the slow one that writes down what is free on every node at any time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Ask, AskedPods, BackfillInput, HeldPlace, Holding } from '../src/ordering/index.ts';
import { createBackfillPlan, HoldingList } from '../src/ordering/index.ts';
import { SlowConservativePlan } from './reference/conservative-plan.ts';

const nowMs = 100;
const nodes = 4;
const dimensions = 2;
const width = 3;

const arbitraryPods = fc
  .record({
    count: fc.integer({ min: 1, max: 4 }),
    amounts: fc.tuple(fc.nat(6), fc.nat(6)),
    cards: fc.option(
      fc.oneof(
        fc.record({ count: fc.integer({ min: 1, max: width }), milli: fc.constantFrom(500, 1000) }),
        fc.record({ count: fc.constant(1), milli: fc.constantFrom(200, 700) }),
      ),
    ),
    within: fc.option(fc.uniqueArray(fc.nat(nodes - 1), { minLength: 1 })),
  })
  .map(({ count, amounts, cards, within }): AskedPods => ({
    count,
    amounts,
    ...(cards ? { cards } : {}),
    ...(within ? { allows: (node: number) => within.includes(node) } : {}),
  }));
const arbitraryShapes = fc.array(fc.array(arbitraryPods, { minLength: 1, maxLength: 2 }), {
  minLength: 1,
  maxLength: 4,
});
const length = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 20 }) },
  fc.constantFrom(0, Infinity),
);
/** Few shapes, many jobs: as logs are. */
const arbitrarySteps = fc.array(
  fc.record({
    shape: fc.nat(3),
    estimateMs: length,
    // Where the scheduler would put it: whether that is free the plan has to find out.
    places: fc.array(fc.nat(nodes - 1), { minLength: 4, maxLength: 4 }),
    tries: fc.boolean(),
  }),
  { minLength: 1, maxLength: 25 },
);

function holdingOf(pods: readonly AskedPods[], on: readonly number[], untilMs: number): Holding {
  const places: HeldPlace[] = [];
  for (const { count, amounts, cards } of pods) {
    for (let i = 0; i < count; i++) {
      const node = on[i % on.length]!;
      const taken = cards && Array.from({ length: cards.count }, (_, card) => card);
      places.push({ node, amounts, ...(taken ? { cards: { cards: taken, milli: cards.milli } } : {}) });
    }
  }
  return { untilMs, places };
}

const arbitraryRunning = fc.array(
  // Some are past their estimates.
  fc.record({
    shape: fc.nat(3),
    untilMs: fc.oneof(fc.integer({ min: 95, max: 130 }), fc.constant(Infinity)),
    on: fc.nat(nodes - 1),
  }),
  { maxLength: 6 },
);

test.each([
  ['of amounts', false],
  ['of amounts and parts of cards', true],
])('a conservative plan %s answers as the slow one', (_, withCards) => {
  fc.assert(
    fc.property(
      arbitraryShapes,
      arbitraryRunning,
      arbitrarySteps,
      fc.array(fc.integer({ min: -2, max: 16 }), {
        minLength: nodes * dimensions,
        maxLength: nodes * dimensions,
      }),
      (shapes, ran, steps, free) => {
        const running = new HoldingList<Holding>();
        for (const { shape, untilMs, on } of ran)
          running.add(holdingOf(shapes[shape % shapes.length]!, [on], untilMs));
        const milli = Array.from({ length: nodes * width }, (__, i) => [1000, 300, 500, 0][i % 4]!);
        const input = (): BackfillInput => ({
          mode: 'conservative',
          nowMs,
          nodes,
          dimensions,
          free: Float64Array.from(free),
          ...(withCards ? { cards: { width, milli: Int32Array.from(milli) } } : {}),
          running,
        });
        const slow = new SlowConservativePlan(input());
        const eager = createBackfillPlan(input());
        const waiting: Ask[] = [];
        const lazy = createBackfillPlan({ ...input(), behind: () => waiting.shift() });
        for (const { shape, estimateMs, places, tries } of steps) {
          const pods = shapes[shape % shapes.length]!;
          const ask = { pods, estimateMs };
          if (tries) {
            const may = slow.mayStart(ask);
            expect(eager.mayStart(ask)).toBe(may);
            expect(lazy.mayStart(ask)).toBe(may);
            const holding = holdingOf(pods, places, nowMs + estimateMs);
            if (may) {
              const starts = slow.start(holding);
              expect(eager.start(holding)).toBe(starts);
              expect(lazy.start(holding)).toBe(starts);
              if (starts) continue;
            }
          }
          expect(plain(eager.wait(ask))).toEqual(plain(slow.wait(ask)));
          waiting.push(ask);
        }
      },
    ),
    { numRuns: 300 },
  );
});

/** Amounts may be any kind of array. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value ?? null, (_, each) =>
      ArrayBuffer.isView(each) ? [...(each as Float64Array)] : each,
    ),
  );
}
