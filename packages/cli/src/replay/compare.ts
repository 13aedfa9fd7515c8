/** What a cluster did against what the simulator says it would do. */
import type { Stay } from '@coracle/simulator';

export interface Timeline {
  readonly stays: readonly Stay[];
}

export interface Comparison {
  /** Pods of starts that both sides have. */
  readonly pods: number;
  readonly sameNode: number;
  /** Starts that only one side has. */
  readonly onlySimulated: number;
  readonly onlyLive: number;
  /** Starts that come in another order, the fewest that need to be taken out. */
  readonly outOfOrder: number;
  /** Live minus simulated, ms, of starts and of ends that both sides have, in no particular order. */
  readonly startsLater: readonly number[];
  readonly endsLater: readonly number[];
  /** The first few that are not where the simulator says, in words. */
  readonly differences: readonly string[];
}

/** Starts are told apart by their job and number: a job's first, its second after an eviction. */
export function compare(simulated: Timeline, live: Timeline, names: readonly string[]): Comparison {
  const ours = byStart(simulated);
  const theirs = byStart(live);
  let pods = 0;
  let sameNode = 0;
  let onlySimulated = 0;
  const startsLater: number[] = [];
  const endsLater: number[] = [];
  const differences: string[] = [];
  for (const [key, stay] of ours) {
    const other = theirs.get(key);
    const name = names[stay.job] ?? String(stay.job);
    if (!other) {
      onlySimulated++;
      differences.push(`${name} starts at ${stay.fromMs} ms in the simulator, never live`);
      continue;
    }
    // Pods of one job that are alike may be called the other way round.
    const left = [...other.nodes];
    let same = 0;
    for (const node of stay.nodes) {
      const place = left.indexOf(node);
      if (place < 0) continue;
      left.splice(place, 1);
      same++;
    }
    pods += stay.nodes.length;
    sameNode += same;
    if (same < stay.nodes.length)
      differences.push(`${name}: ${text(stay)} in the simulator, ${text(other)} live`);
    startsLater.push(other.fromMs - stay.fromMs);
    if (!Number.isNaN(stay.toMs) && !Number.isNaN(other.toMs)) endsLater.push(other.toMs - stay.toMs);
    else if (Number.isNaN(stay.toMs) !== Number.isNaN(other.toMs))
      differences.push(`${name} ends ${Number.isNaN(stay.toMs) ? 'only live' : 'only in the simulator'}`);
  }
  let onlyLive = 0;
  for (const [key, stay] of theirs) {
    if (ours.has(key)) continue;
    onlyLive++;
    differences.push(`${names[stay.job] ?? stay.job} starts at ${stay.fromMs} ms live, not in the simulator`);
  }
  return {
    pods,
    sameNode,
    onlySimulated,
    onlyLive,
    outOfOrder: outOfOrder([...ours.keys()], [...theirs.keys()]),
    startsLater,
    endsLater,
    differences,
  };
}

const text = ({ nodes, fromMs }: Stay): string => `at ${Math.round(fromMs)} ms on ${nodes.join(', ')}`;

function byStart({ stays }: Timeline): Map<string, Stay> {
  const starts = new Map<number, number>();
  return new Map(
    stays.map((stay) => {
      const n = starts.get(stay.job) ?? 0;
      starts.set(stay.job, n + 1);
      return [`${stay.job}/${n}`, stay];
    }),
  );
}

/** Of what both have: how many, less the longest part that comes in one order. */
function outOfOrder(a: readonly string[], b: readonly string[]): number {
  const places = new Map(b.map((key, place) => [key, place]));
  const common = a.flatMap((key) => places.get(key) ?? []);
  /** The last of the best rising sequence of each length. */
  const ends: number[] = [];
  for (const place of common) {
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle]! < place) low = middle + 1;
      else high = middle;
    }
    ends[low] = place;
  }
  return common.length - ends.length;
}
