/** Regular expressions: `matches`, and Kubernetes' `find` and `findAll`. Compiled patterns are kept. */
import { goRegex } from '../../index.ts';
import { declare } from '../declare.ts';
import { CelError } from '../errors.ts';
import type { Int } from '../values.ts';
import { textCost } from './operators.ts';

/** How many compiled patterns are kept, over all expressions. */
const maxKept = 1_000;
const kept = new Map<string, RegExp>();

function regexOf(pattern: string): RegExp {
  const known = kept.get(pattern);
  if (known) return known;
  const regex = goRegex(pattern);
  if (!regex) throw new CelError(`error parsing regexp: ${pattern}`);
  const global = new RegExp(regex.source, `${regex.flags}g`);
  if (kept.size >= maxKept) kept.clear();
  kept.set(pattern, global);
  return global;
}

function matches(text: string, pattern: string): boolean {
  const regex = regexOf(pattern);
  regex.lastIndex = 0;
  return regex.test(text);
}
const find = (text: string, pattern: string): string => {
  const regex = regexOf(pattern);
  regex.lastIndex = 0;
  return regex.exec(text)?.[0] ?? '';
};
/** The first `limit` matches; all if it is negative. */
function findAll(text: string, pattern: string, limit: Int = -1): readonly string[] {
  const all = Array.from(text.matchAll(regexOf(pattern)), ([match]) => match);
  return limit < 0 ? all : all.slice(0, Number(limit));
}
/** A pattern walks over the text: upstream multiplies the two lengths, scaled. */
const regexCost = (text: string, pattern: string): number =>
  Math.ceil((text.length + 1) / 10) * Math.ceil(pattern.length / 4);

export const regexes = [
  declare('matches(string, string): bool', matches, regexCost),
  declare('string.matches(string): bool', matches, regexCost),
  declare('string.find(string): string', find, textCost),
  declare('string.findAll(string): list<string>', findAll, textCost),
  declare('string.findAll(string, int): list<string>', findAll, textCost),
];
