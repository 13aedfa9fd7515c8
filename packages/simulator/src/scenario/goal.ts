/** What a search is to reach: a metric and its bound. */
import { readDuration } from './duration.ts';
import { metricByName, metrics, type Metric } from './metrics.ts';
import { didYouMean } from './nearest.ts';
import { ScenarioError } from './scenario-error.ts';

export const goalPattern = '^ *[a-z0-9-]+ *(<|<=|>|>=) *[0-9][0-9.a-z]*%? *$';

export interface Goal {
  readonly metric: Metric;
  readonly relation: '<' | '>';
  /** In the metric's unit: milliseconds, a part of one, or a number. */
  readonly bound: number;
  /** As the user may write it: `p95-wait < 1 h`. */
  readonly text: string;
}

/** Reads `p95-wait < 1h`, `allocation > 80%`. Throws ScenarioError. */
export function readGoal(text: string): Goal {
  const [, name = '', sign = '', value = ''] = /^ *([a-z0-9-]+) *(<=?|>=?) *(.*?) *$/.exec(text) ?? [];
  if (name === '') {
    throw new ScenarioError(`"${text}" is no goal: write a metric and its bound, such as p95-wait<1h`);
  }
  const metric = metricByName(name);
  if (!metric) {
    const names = metrics.map((one) => one.name);
    throw new ScenarioError(
      `there is no metric "${name}": there are ${names.join(', ')}${didYouMean(name, names)}`,
    );
  }
  const bound = boundOf(metric, value);
  const relation = sign.startsWith('<') ? '<' : '>';
  return { metric, relation, bound, text: `${metric.name} ${relation} ${metric.text(bound)}` };
}

function boundOf(metric: Metric, value: string): number {
  if (metric.unit === 'ms') {
    const ms = readDuration(value);
    if (ms !== undefined) return ms;
    throw new ScenarioError(`the bound of ${metric.name} is a length of time such as 1h, not "${value}"`);
  }
  const [, digits = '', percent] = /^([0-9.]+)(%?)$/.exec(value) ?? [];
  const bound = digits === '' ? Number.NaN : Number(digits) / (percent ? 100 : 1);
  if (!Number.isNaN(bound) && (percent === '' || metric.unit === 'share')) return bound;
  const what = metric.unit === 'share' ? 'a percentage such as 80%' : 'a number';
  throw new ScenarioError(`the bound of ${metric.name} is ${what}, not "${value}"`);
}

export const meets = ({ relation, bound }: Goal, value: number): boolean =>
  relation === '<' ? value < bound : value > bound;
