/**
 * The part of jq that Stages' expressions are written in: paths (`.a.b`, `.["x/y"]`, `.[0]`, `.[]`), `select`, pipes, comparisons,
 * `and`, `or`, `not`, `//` and a few functions. Written after jq's manual; what is missing is refused by name.
 */
import { compileJq, type Values } from './jq-evaluate.ts';
import { parseJq } from './jq-parse.ts';

export interface Query {
  readonly text: string;
  /** What it yields, without nulls; undefined where jq stops with an error (a path through something that is no object). */
  run(input: unknown): unknown[] | undefined;
}

/** Throws NotUnderstood. */
export function query(text: string): Query {
  const values: Values = compileJq(parseJq(text));
  return {
    text,
    run(input) {
      try {
        return values(input).filter((value) => value !== null && value !== undefined);
      } catch (error) {
        if (error instanceof RangeError) throw error;
        return undefined;
      }
    },
  };
}
