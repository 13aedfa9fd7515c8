import type { Stay } from '@coracle/simulator';
import { expect, test } from 'vitest';
import { compare } from '../src/replay/compare.ts';
import { comparisonText } from '../src/replay/comparison-text.ts';

const names = ['a', 'b', 'c'];
const stay = (job: number, fromMs: number, toMs: number, ...nodes: string[]): Stay => ({
  job,
  fromMs,
  toMs,
  nodes,
});

test('pods of one job may be called the other way round; others may not', () => {
  const simulated = [stay(0, 0, 10, 'n1', 'n2'), stay(1, 5, 20, 'n1')];
  const live = [stay(0, 1, 12, 'n2', 'n1'), stay(1, 7, 20, 'n3')];
  const comparison = compare({ stays: simulated }, { stays: live }, names);
  expect(comparison).toMatchObject({ pods: 3, sameNode: 2, outOfOrder: 0 });
  expect(comparison.startsLater).toEqual([1, 2]);
  expect(comparison.endsLater).toEqual([2, 0]);
  expect(comparison.differences).toEqual(['b: at 5 ms on n1 in the simulator, at 7 ms on n3 live']);
  expect(comparisonText(comparison)).toContain('2 of 3 (66.7 %)');
});

test('starts are told apart by number, and those that are on one side only are told', () => {
  const simulated = [stay(0, 0, 10, 'n1'), stay(1, 1, NaN, 'n2'), stay(0, 10, 20, 'n1')];
  const live = [stay(1, 0, 30, 'n2'), stay(0, 1, 10, 'n1'), stay(2, 3, 5, 'n1')];
  const comparison = compare({ stays: simulated }, { stays: live }, names);
  expect(comparison).toMatchObject({ pods: 2, sameNode: 2, onlySimulated: 1, onlyLive: 1, outOfOrder: 1 });
  expect(comparison.differences).toEqual([
    'b ends only live',
    'a starts at 10 ms in the simulator, never live',
    'c starts at 3 ms live, not in the simulator',
  ]);
});
