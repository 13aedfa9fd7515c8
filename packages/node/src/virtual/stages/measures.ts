/** The numbers of a Stage, which an object may give: its weight and its delay. */
import { parseDuration, parseTime, type KubeObject } from '@coracle/machinery';
import { query, type Query } from './jq.ts';
import { NotUnderstood } from './not-understood.ts';
import { celRefused } from './requirement.ts';
import type { Expression, StageSpec } from './stage-type.ts';

/** Undefined: the Stage gives the value itself. Throws NotUnderstood. */
export function valueFrom(expression: Expression | undefined): Query | undefined {
  if (expression === undefined) return undefined;
  if (expression.cel !== undefined) throw new NotUnderstood(celRefused);
  const text = expression.jq?.expression ?? expression.expressionFrom;
  if (text === undefined) throw new NotUnderstood('it has no expression');
  return query(text);
}

/** Undefined: the object gives one that is empty or no whole number. */
export function weightOf(object: KubeObject, own: number, query: Query | undefined): number | undefined {
  const value = query?.run(object)?.[0];
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
  duration: Query | undefined,
  jitter: Query | undefined,
): number {
  if (own === undefined) return 0;
  const least = measured(object, now, own.durationMilliseconds ?? 0, duration);
  if (least === undefined) return 0;
  const most = measured(object, now, own.jitterDurationMilliseconds, jitter);
  if (most === undefined) return least;
  return most <= least ? most : least + random() * (most - least);
}

function measured(
  object: KubeObject,
  now: number,
  own: number | undefined,
  query: Query | undefined,
): number | undefined {
  const value = query?.run(object)?.[0];
  if (typeof value !== 'string') return own;
  if (value === '') return undefined;
  const at = parseTime(value);
  return at === undefined ? (parseDuration(value) ?? own) : at - now;
}
