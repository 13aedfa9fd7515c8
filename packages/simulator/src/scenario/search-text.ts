/** What a search tried and found, in sentences. */
import type { Goal } from './goal.ts';
import type { Found, Trial } from './search.ts';

const nodes = (count: number, shape: string): string =>
  count === 0 ? 'no more nodes' : `${count} more ${shape} node${count === 1 ? '' : 's'}`;

/** `4 more a100x8 nodes: p95 wait 1.30 h: not enough`. */
export function trialText({ count, mean, meets }: Trial, { metric }: Goal, shape: string): string {
  return `${nodes(count, shape)}: ${metric.title} ${metric.text(mean)}: ${meets ? 'enough' : 'not enough'}`;
}

/** The answer, how close the next smaller count is, and whether it can be trusted. `policy`: '' if there is but one. */
export function foundText(found: Found, goal: Goal, shape: string, policy: string): string {
  const { count, tried, notMonotone } = found;
  const { metric } = goal;
  const with_ = policy === '' ? '' : ` (${policy})`;
  const at = (trial: Trial): string => `${metric.text(trial.mean)} with ${trial.count}`;
  const parts: string[] = [];
  const last = tried.at(-1)!;
  if (count === undefined) {
    parts.push(
      `Not even ${nodes(last.count, shape)} keep ${metric.title} ${goal.relation} ${metric.text(goal.bound)}${with_}: it is ${at(last)}.`,
    );
  } else {
    const answer = tried.find((trial) => trial.count === count)!;
    const before = tried.findLast((trial) => trial.count < count);
    const how = `${at(answer)}${before ? `, ${at(before)}` : ''}`;
    const seeds = answer.values.length;
    const agree = answer.values.filter((value) =>
      goal.relation === '<' ? value < goal.bound : value > goal.bound,
    ).length;
    const sure = seeds < 2 ? 'one seed' : `mean of ${seeds} seeds, ${agree} of which meet it`;
    const keep = count === 0 ? 'It needs' : '';
    const verb = count === 0 ? ' to keep' : count === 1 ? ' keeps' : ' keep';
    parts.push(
      `${keep ? `${keep} ` : ''}${nodes(count, shape)}${verb} ${metric.title} ${goal.relation} ${metric.text(goal.bound)}${with_}: ${how} (${sure}).`,
    );
  }
  if (notMonotone) {
    const [less, more] = notMonotone;
    parts.push(
      `More nodes do not always help here: ${at(less)}, but ${at(more)}; fewer that were not tried may do as well.`,
    );
  }
  return parts.join(' ');
}
