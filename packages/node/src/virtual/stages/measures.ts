/** The numbers of a Stage, which an object may give: its weight and its delay. */
import { parseDuration, parseTime, type KubeObject } from '@coracle/machinery';
import { Duration, Timestamp } from '@coracle/machinery/cel';
import { celNumber, type Moment, type StageCel } from './cel.ts';
import { query } from './jq.ts';
import { NotUnderstood } from './not-understood.ts';
import type { Expression, StageSpec } from './stage-type.ts';

/** What an object gives, as a value of JSON; undefined: nothing. */
export type ValueOf = (object: KubeObject, moment: Moment) => unknown;

/** Undefined: the Stage gives the value itself. `wanted`: what CEL may come out as. Throws NotUnderstood. */
export function valueFrom(
  expression: Expression | undefined,
  celOf: () => StageCel,
  wanted: readonly string[],
): ValueOf | undefined {
  if (expression === undefined) return undefined;
  if (expression.cel !== undefined) return celValue(expression.cel.expression ?? '', celOf(), wanted);
  const text = expression.jq?.expression ?? expression.expressionFrom;
  if (text === undefined) throw new NotUnderstood('it has no expression');
  const asked = query(text);
  if (!isDelay(wanted)) return (object) => asked.run(object)?.[0];
  // Numbers are no delays, upstream passes over them.
  return (object) => {
    const value = asked.run(object)?.[0];
    return typeof value === 'string' ? value : undefined;
  };
}

const isDelay = (wanted: readonly string[]): boolean => wanted.includes('timestamp');

/** Durations and points of time come out as the milliseconds from now, others as they are. */
function celValue(expression: string, cel: StageCel, wanted: readonly string[]): ValueOf {
  const asked = cel.query(expression, wanted);
  // Of a delay a number is nanoseconds; a weight is the number itself.
  const scale = isDelay(wanted) ? 1e6 : 1;
  return (object, moment) => {
    const value = asked(object, moment);
    if (value instanceof Timestamp) return Number(value.nanos) / 1e6 - moment.now;
    if (value instanceof Duration) return Number(value.nanos) / scale;
    if (typeof value === 'string') return value;
    const number = celNumber(value);
    return number === undefined ? undefined : number / scale;
  };
}

/** Undefined: the object gives one that is empty or no whole number. */
export function weightOf(
  object: KubeObject,
  moment: Moment,
  own: number,
  given: ValueOf | undefined,
): number | undefined {
  const value = given?.(object, moment);
  if (typeof value === 'string')
    return /^[+-]?(?:\d+|0[xX][0-9a-fA-F]+)$/.test(value) ? Math.trunc(Number(value)) : undefined;
  return typeof value === 'number' ? Math.trunc(value) : own;
}

/**
 * Uniform from the duration to the jitter's; a jitter that is shorter takes the duration's place. An object may give either as
 * Go's duration or as a point of time (till then); an empty text takes the Stage's away.
 */
export function delayOf(
  object: KubeObject,
  now: number,
  random: () => number,
  own: StageSpec['delay'],
  duration: ValueOf | undefined,
  jitter: ValueOf | undefined,
): number {
  if (own === undefined) return 0;
  const moment = { now, random };
  const least = measured(object, moment, own.durationMilliseconds ?? 0, duration);
  if (least === undefined) return 0;
  const most = measured(object, moment, own.jitterDurationMilliseconds, jitter);
  if (most === undefined) return least;
  return most <= least ? most : least + random() * (most - least);
}

function measured(
  object: KubeObject,
  moment: Moment,
  own: number | undefined,
  given: ValueOf | undefined,
): number | undefined {
  const value = given?.(object, moment);
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return own;
  if (value === '') return undefined;
  const at = parseTime(value);
  return at === undefined ? (parseDuration(value) ?? own) : at - moment.now;
}
