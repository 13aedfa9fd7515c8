import { chooseCards, pairScore, setScore, topologyOf } from '@coracle/machinery';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fakeGpus, parseGpus } from './node-cards.ts';
import { linksOf, topologyText } from '../src/devices/links.ts';

/** As a machine with four cards, joined in pairs, prints it; the head is underlined on terminals. */
const matrix = `\t\u001B[4mGPU0\tGPU1\tGPU2\tGPU3\tNIC0\tCPU Affinity\tNUMA Affinity\tGPU NUMA ID\u001B[0m
GPU0\t X \tNV12\tSYS\tSYS\tPXB\t0-23\t0\t\tN/A
GPU1\tNV12\t X \tSYS\tSYS\tNODE\t0-23\t0\t\tN/A
GPU2\tSYS\tSYS\t X \tNV12\tSYS\t24-47\t1\t\tN/A
GPU3\tSYS\tSYS\tNV12\t X \tSYS\t24-47\t1\t\tN/A
NIC0\tPXB\tNODE\tSYS\tSYS\t X

Legend:
  X    = Self
  SYS  = Connection traversing PCIe as well as the SMP interconnect between NUMA nodes
`;

const topologyOfFakes = (count: number, topology: 'dgx' | 'pcie') =>
  topologyOf(topologyText(fakeGpus(count, { topology })))!;
const all = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('links', () => {
  test('are read from what nvidia-smi topo -m prints, by the ids of the cards', () => {
    const gpus = parseGpus(['c, 2', 'a, 0', 'd, 3', 'b, 1'].map((id) => `GPU-${id}, X, 1`).join('\n'));
    const links = linksOf(matrix, gpus);
    expect(links.get('GPU-a')).toEqual({ 'GPU-b': 'NV12', 'GPU-c': 'SYS', 'GPU-d': 'SYS' });
    expect(links.get('GPU-d')).toEqual({ 'GPU-a': 'SYS', 'GPU-b': 'SYS', 'GPU-c': 'NV12' });
    expect(linksOf('no such command', gpus).size).toBe(0);
  });

  test('score as NVIDIA scores pairs', () => {
    const words = ['NV1', 'NV12', 'SYS', 'NODE', 'PHB', 'PXB', 'PIX', 'PSB', 'NV2+PHB', '?', ''];
    expect(words.map((word) => pairScore(word))).toEqual([100, 1200, 10, 20, 30, 40, 50, 60, 230, 0, 0]);
  });
});

describe('the choice of cards', () => {
  test('takes a pair that is joined, and leaves pairs that are joined', () => {
    const pcie = topologyOfFakes(8, 'pcie');
    expect(chooseCards(pcie, all(8), 2)).toEqual([0, 1]);
    expect(chooseCards(pcie, [1, 2, 3, 6], 2)).toEqual([2, 3]);
    expect(chooseCards(pcie, [1, 2, 3], 2)).toEqual([2, 3]);
    // One card: from the pair that is broken already, not from a whole one.
    expect(chooseCards(pcie, [0, 1, 3], 1)).toEqual([3]);
    expect(chooseCards(pcie, [0, 1, 4, 5, 7], 4)).toEqual([0, 1, 4, 5]);
  });

  test('keeps to one memory node where that is enough', () => {
    expect(chooseCards(topologyOfFakes(8, 'pcie'), [2, 3, 4, 5, 6, 7], 4)).toEqual([4, 5, 6, 7]);
  });

  test('is undefined where there are too few, and the first where nothing is known', () => {
    expect(chooseCards(topologyOfFakes(4, 'dgx'), [1, 2], 3)).toBeUndefined();
    expect(chooseCards(undefined, [5, 3, 1], 2)).toEqual([1, 3]);
    expect(chooseCards(topologyOfFakes(8, 'dgx'), all(8), 4)).toEqual([0, 1, 2, 3]);
  });

  test('has the highest sum over its pairs of all sets, whatever is free', () => {
    const words = fc.constantFrom('NV1', 'NV2', 'SYS', 'NODE', 'PIX', 'PHB');
    const size = 6;
    fc.assert(
      fc.property(
        fc.array(words, { minLength: 15, maxLength: 15 }),
        fc.subarray(all(size), { minLength: 1 }),
        fc.integer({ min: 1, max: 4 }),
        (links, free, count) => {
          const topology = topologyOf({ numa: all(size).map(() => 0), links })!;
          const chosen = chooseCards(topology, free, count);
          if (free.length < count) {
            expect(chosen).toBeUndefined();
            return;
          }
          expect(new Set(chosen).size).toBe(count);
          for (const card of chosen!) expect(free).toContain(card);
          const best = Math.max(...sets(free, count).map((set) => setScore(topology, set)));
          expect(setScore(topology, chosen!)).toBe(best);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('of 8 cards of 16 takes a moment, not seconds', () => {
    const links = Array.from({ length: 120 }, () => 'NV18');
    const topology = topologyOf({ numa: all(16).map(() => 0), links })!;
    expect(chooseCards(topology, all(16), 8)).toEqual(all(8));
    expect(chooseCards(topology, all(16), 2)).toEqual([0, 1]);
  });
});

function sets(from: readonly number[], count: number): number[][] {
  if (count === 0) return [[]];
  return from.flatMap((first, i) => sets(from.slice(i + 1), count - 1).map((rest) => [first, ...rest]));
}
