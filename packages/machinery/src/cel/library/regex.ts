/** Regular expressions: `matches`, and Kubernetes' `find` and `findAll`. Compiled patterns are kept. */
import { Regex, RegexSyntaxError } from '../../re2/regex.ts';
import { declare } from '../declare.ts';
import { CelError } from '../errors.ts';
import type { Int } from '../values.ts';
import { textCost } from './operators.ts';

/** How many compiled patterns are kept, over all expressions. */
const maxKept = 1_000;
const kept = new Map<string, Regex>();

function regexOf(pattern: string): Regex {
  const known = kept.get(pattern);
  if (known) return known;
  try {
    const regex = new Regex(pattern);
    if (kept.size >= maxKept) kept.clear();
    kept.set(pattern, regex);
    return regex;
  } catch (error) {
    if (error instanceof RegexSyntaxError) throw new CelError(error.message);
    throw error;
  }
}

/** Functions whose second value is a pattern. */
const withPattern = new Set(['matches', 'find', 'findAll']);
/** Why a pattern that is written out in a call is none, so that it is known before anything is evaluated. */
export function patternProblem(name: string, pattern: unknown): string | undefined {
  if (!withPattern.has(name) || typeof pattern !== 'string') return undefined;
  try {
    regexOf(pattern);
    return undefined;
  } catch (error) {
    if (error instanceof CelError) return error.message;
    throw error;
  }
}

const matches = (text: string, pattern: string): boolean => regexOf(pattern).test(text);
function find(text: string, pattern: string): string {
  const match = regexOf(pattern).find(text);
  return match ? text.slice(match.start, match.end) : '';
}
/** The first `limit` matches; all if it is negative. */
function findAll(text: string, pattern: string, limit: Int = -1): readonly string[] {
  const all = regexOf(pattern).findAll(text);
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
