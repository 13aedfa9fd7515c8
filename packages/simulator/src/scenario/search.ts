/**
 * The smallest count that meets a goal. Counts that are tried grow twofold until one meets it; then the gap is halved. That
 * finds the smallest if more nodes never make it worse. Whether they do is looked at: in what was tried, and in the widest gap
 * that was not; where they do, the answer says so and is the smallest of what was tried.
 */
import { meets, type Goal } from './goal.ts';

/** What a count gave: the metric by seed. */
export interface Trial {
  readonly count: number;
  readonly values: readonly number[];
  readonly mean: number;
  /** Its mean over the seeds meets the goal. */
  readonly meets: boolean;
}

export interface Found {
  /** Undefined: no count up to the most meets it. */
  readonly count: number | undefined;
  /** By count. */
  readonly tried: readonly Trial[];
  /** Two counts of which the larger did worse, beyond what differs between seeds; undefined: none was seen. */
  readonly notMonotone: readonly [Trial, Trial] | undefined;
}

export interface SearchOptions {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  /** The metric by seed, with so many nodes more. */
  readonly run: (count: number) => Promise<readonly number[]>;
  readonly onTrial?: ((trial: Trial) => void) | undefined;
}

export const mostNodes = 1024;
/** Gaps narrower than that are not looked into once more. */
const narrow = 3;

export async function findSmallest(goal: Goal, options: SearchOptions): Promise<Found> {
  const { min = 0, max = Math.max(min, mostNodes), run, onTrial } = options;
  const trials = new Map<number, Trial>();
  const attempt = async (count: number): Promise<Trial> => {
    const known = trials.get(count);
    if (known) return known;
    const values = await run(count);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const trial = { count, values, mean, meets: meets(goal, mean) };
    trials.set(count, trial);
    onTrial?.(trial);
    return trial;
  };
  const halve = async (fails: number, works: number): Promise<number> => {
    let [low, high] = [fails, works];
    while (high - low > 1) {
      const middle = low + ((high - low) >> 1);
      if ((await attempt(middle)).meets) high = middle;
      else low = middle;
    }
    return high;
  };

  let fails = min - 1;
  let works: number | undefined;
  for (let count = min, step = 1; ; step *= 2) {
    if ((await attempt(count)).meets) {
      works = count;
      break;
    }
    fails = count;
    if (count >= max) break;
    count = Math.min(max, min + step);
  }
  let answer = works === undefined ? undefined : await halve(fails, works);
  // Once more where nobody looked: the widest gap below the answer.
  for (;;) {
    const gap = widestGap([...trials.keys()], min, answer ?? max);
    if (gap === undefined || gap[1] - gap[0] <= narrow) break;
    const middle = (gap[0] + gap[1]) >> 1;
    if (!(await attempt(middle)).meets) break;
    answer = await halve(gap[0], middle);
  }
  const tried = [...trials.values()].toSorted((a, b) => a.count - b.count);
  return { count: answer, tried, notMonotone: worsening(goal, tried) };
}

function widestGap(counts: readonly number[], min: number, max: number): [number, number] | undefined {
  const inside = counts.filter((count) => count >= min && count <= max).toSorted((a, b) => a - b);
  let best: [number, number] | undefined;
  for (let i = 1; i < inside.length; i++) {
    const [from, to] = [inside[i - 1]!, inside[i]!];
    if (!best || to - from > best[1] - best[0]) best = [from, to];
  }
  return best;
}

/** The pair with the largest step in the wrong direction, if it is larger than the seeds' scatter makes likely. */
function worsening({ relation }: Goal, tried: readonly Trial[]): [Trial, Trial] | undefined {
  const sign = relation === '<' ? 1 : -1;
  let worst: [Trial, Trial] | undefined;
  let most = 0;
  for (let i = 1; i < tried.length; i++) {
    const [less, more] = [tried[i - 1]!, tried[i]!];
    const step = sign * (more.mean - less.mean);
    const doubtful = 2 * Math.hypot(error(less.values), error(more.values)) + 0.01 * Math.abs(less.mean);
    const turns = less.meets && !more.meets;
    if ((step > doubtful || turns) && step > most) {
      most = step;
      worst = [less, more];
    }
  }
  return worst;
}

/** Standard error of the mean. */
function error(values: readonly number[]): number {
  if (values.length < 2) return 0;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1) / values.length);
}
