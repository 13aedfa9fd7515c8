/**
 * How the cards of a node are linked, and which set of them to give away.
 *
 * Pair scores as NVIDIA's go-gpuallocator has them: the closer two cards, the higher; links add up. The set given is the one
 * with the highest sum over its pairs; among equals the one that leaves the best rest, so that the next pod finds one too.
 */

/** Between two cards over PCIe, by the words of `nvidia-smi topo -m`. */
const pathScores: Readonly<Record<string, number>> = {
  SYS: 10,
  NODE: 20,
  PHB: 30,
  PXB: 40,
  PIX: 50,
  PSB: 60,
};
/** For each NVLink between two cards. */
const linkScore = 100;

export interface CardTopology {
  /** Cards. */
  readonly size: number;
  /** NUMA node by card; -1: not known. */
  readonly numa: readonly number[];
  /** `pairs[a * size + b]`: the score of the pair; 0 for a card with itself. */
  readonly pairs: readonly number[];
  /** Cards that are not to be given to anybody: gone, or not well. Their numbers stay taken. */
  readonly lost: readonly number[];
}

/**
 * The text nodes carry: `{"numa":[0,0,1,1],"links":["NV4","SYS",...]}`. A card's number is its place in `numa`; links are the
 * upper triangle of the matrix, row by row.
 */
export interface TopologyText {
  readonly numa: readonly number[];
  readonly links: readonly string[];
  readonly lost?: readonly number[];
}

const known = new Map<string, CardTopology | undefined>();

/** Undefined if there is none or it cannot be read. Equal texts give the same object. */
export function readTopology(text: string | undefined): CardTopology | undefined {
  if (text === undefined) return undefined;
  if (known.has(text)) return known.get(text);
  let result: CardTopology | undefined;
  try {
    result = topologyOf(JSON.parse(text) as TopologyText);
  } catch {
    // A node that says something else says nothing.
  }
  if (known.size > 1000) known.clear();
  known.set(text, result);
  return result;
}

/** Undefined if there are not as many links as the cards have pairs. */
export function topologyOf({ numa, links, lost = [] }: TopologyText): CardTopology | undefined {
  const size = numa.length;
  if (links.length !== (size * (size - 1)) / 2) return undefined;
  const pairs = Array.from({ length: size * size }, () => 0);
  let at = 0;
  for (let a = 0; a < size; a++) {
    for (let b = a + 1; b < size; b++) {
      const score = pairScore(links[at++]!);
      pairs[a * size + b] = score;
      pairs[b * size + a] = score;
    }
  }
  return { size, numa, pairs, lost };
}

/** Of one word of the matrix: `NV12`, `PIX`, `SYS`; 0 for one not known. Several may be joined by `+` (`NV2+PHB`). */
export function pairScore(word: string): number {
  let score = 0;
  for (const part of word.split('+')) {
    const links = /^NV(\d+)$/.exec(part);
    score += links ? linkScore * Number(links[1]) : (pathScores[part] ?? 0);
  }
  return score;
}

/** The sum over the pairs of a set. */
export function setScore(topology: CardTopology, cards: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < cards.length; i++) {
    for (let j = i + 1; j < cards.length; j++) sum += topology.pairs[cards[i]! * topology.size + cards[j]!]!;
  }
  return sum;
}

/** Where more cards are free than this, the first are taken: the search is over sets. */
const maxSearched = 16;
/** Where more are free than this, a rest is judged by the sum over its pairs, not by the best groups it falls into. */
const maxGrouped = 10;

const choices = new WeakMap<CardTopology, Map<string, readonly number[] | undefined>>();

/**
 * The best `count` of the `free` cards, in rising order; undefined if there are too few. Among sets of equal sums the one
 * whose rest falls into the best groups of the same size, then the one with the lowest numbers.
 */
export function chooseCards(
  topology: CardTopology | undefined,
  free: readonly number[],
  count: number,
): readonly number[] | undefined {
  if (free.length < count) return undefined;
  const sorted = free.toSorted((a, b) => a - b);
  if (!topology || count === 0 || sorted.length === count || sorted.length > maxSearched) {
    return sorted.slice(0, count);
  }
  let made = choices.get(topology);
  if (!made) choices.set(topology, (made = new Map()));
  const key = `${count} ${sorted.join(' ')}`;
  let choice = made.get(key);
  if (!choice) {
    if (made.size > 10_000) made.clear();
    made.set(key, (choice = search(topology, sorted, count)));
  }
  return choice;
}

function search(topology: CardTopology, cards: readonly number[], count: number): readonly number[] {
  const { size, pairs } = topology;
  const score = (a: number, b: number): number => pairs[cards[a]! * size + cards[b]!]!;
  const all = 2 ** cards.length - 1;
  const groups = new Map<number, number>();

  /** Every set of `left` more cards above `from`, with the sum over its pairs. */
  const eachSet = (
    within: number,
    from: number,
    left: number,
    set: number,
    sum: number,
    visit: (set: number, sum: number) => void,
  ): void => {
    if (left === 0) return visit(set, sum);
    for (let i = from; i < cards.length; i++) {
      if ((within & (1 << i)) === 0) continue;
      let added = 0;
      for (let j = 0; j < i; j++) if (set & (1 << j)) added += score(j, i);
      eachSet(within, i + 1, left - 1, set | (1 << i), sum + added, visit);
    }
  };
  const sumOver = (set: number): number => {
    let sum = 0;
    for (let i = 0; i < cards.length; i++) {
      if ((set & (1 << i)) === 0) continue;
      for (let j = 0; j < i; j++) if (set & (1 << j)) sum += score(j, i);
    }
    return sum;
  };
  /** The highest sum over the pairs inside groups, when these cards fall into groups of `count` and a smaller one. */
  const bestGroups = (rest: number): number => {
    // Single cards are no groups: what counts is how well the rest hangs together.
    if (count === 1 || cards.length > maxGrouped) return sumOver(rest);
    const known = groups.get(rest);
    if (known !== undefined) return known;
    const size = bitCount(rest);
    const lowest = 31 - Math.clz32(rest & -rest);
    let best = 0;
    // The lowest card is in some group: a full one, or the one that is left over.
    for (const groupSize of new Set([Math.min(count, size), size % count || count])) {
      if (size === 0) break;
      eachSet(rest, lowest + 1, groupSize - 1, 1 << lowest, 0, (set, sum) => {
        best = Math.max(best, sum + bestGroups(rest & ~set));
      });
    }
    groups.set(rest, best);
    return best;
  };

  let best = 0;
  let bestSum = -1;
  let bestRest = -1;
  eachSet(all, 0, count, 0, 0, (set, sum) => {
    if (sum < bestSum) return;
    const rest = bestGroups(all & ~set);
    if (sum === bestSum && rest <= bestRest) return;
    best = set;
    bestSum = sum;
    bestRest = rest;
  });
  return cards.filter((_, i) => best & (1 << i));
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
