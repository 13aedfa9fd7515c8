import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readGoal } from '../src/scenario/goal.ts';
import { findSmallest } from '../src/scenario/search.ts';

const goal = readGoal('p95-wait<1h');
const hour = 3_600_000;

describe('the search', () => {
  test('finds the smallest count wherever it is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(300), fc.nat(20), fc.integer({ min: 0, max: 300 }), async (need, min, more) => {
        const max = min + more;
        const runs: number[] = [];
        const found = await findSmallest(goal, {
          min,
          max,
          run: async (count) => {
            runs.push(count);
            return [0.9, 1, 1.1].map(
              (noise) => (count >= need ? 0.5 : 2 + (need - count) / 100) * hour * noise,
            );
          },
        });
        expect(found.count).toBe(need > max ? undefined : Math.max(need, min));
        expect(found.notMonotone).toBeUndefined();
        expect(new Set(runs).size, 'no count is run twice').toBe(runs.length);
        expect(runs.length).toBeLessThan(25);
      }),
    );
  });

  test('tells when more nodes make it worse, and looks below for less', async () => {
    // Met at 9 to 13 and from 20 on.
    const run = async (count: number) => [count >= 20 || (count >= 9 && count < 14) ? 0.5 * hour : 2 * hour];
    const found = await findSmallest(goal, { run });
    expect(found.count).toBe(9);
    expect(found.notMonotone?.map(({ count }) => count)).toEqual([12, 16]);
  });

  test('of a goal from below', async () => {
    const goalOfUse = readGoal('allocation > 85%');
    const found = await findSmallest(goalOfUse, { run: async (count) => [count / 10] });
    expect(found.count).toBe(9);
  });
});

test.each([
  ['p95-wait<1h', 'p95-wait < 1.00 h'],
  [' mean-jct  <= 1d12h ', 'mean-completion < 36.0 h'],
  ['utilization > 80%', 'utilisation > 80.0 %'],
  ['mean-slowdown<3', 'mean-slowdown < 3.00x'],
])('the goal %j is read', (text, read) => {
  expect(readGoal(text).text).toBe(read);
});
