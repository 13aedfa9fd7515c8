/** Expressions, compiled. */
import { check } from './check.ts';
import type { Environment } from './environment.ts';
import { CelError, CelSyntaxError } from './errors.ts';
import { type CelIssue, issueAt } from './issues.ts';
import { Frame } from './frame.ts';
import { parse } from './parser.ts';
import { plan } from './plan.ts';
import { usedVariables } from './tree.ts';
import type { Type } from './types.ts';
import type { CelValue } from './values.ts';

export interface CelProgram {
  readonly source: string;
  /** The static type of the result. */
  readonly type: Type;
  /** The declared variables that the expression names: only these are read from the bindings. */
  readonly variables: readonly string[];
  /**
   * Evaluates with these values of the variables. Throws CelError; CelCostError past `costLimit` steps (a step is a call, an element
   * that a macro walks over, ten characters that a function reads).
   */
  evaluate(
    bindings: Readonly<Record<string, CelValue | undefined>>,
    costLimit?: number,
    /** Told how many steps it took, also when it fails. */
    spent?: { steps: number },
  ): CelValue;
}

export type CelCompilation =
  | { readonly ok: true; readonly program: CelProgram }
  | { readonly ok: false; readonly issues: readonly CelIssue[] };

/** What one evaluation may cost if the caller does not say (Kubernetes' limit of one expression). */
const defaultCostLimit = 1_000_000;

/** Parses, checks and plans an expression. Programs hold no state between evaluations. */
export function compileCel(source: string, env: Environment): CelCompilation {
  try {
    const tree = parse(source);
    const checked = check(tree, env);
    if (checked.problems.length > 0)
      return { ok: false, issues: checked.problems.map(({ at, message }) => issueAt(source, at, message)) };
    const variables = usedVariables(tree, checked);
    const { step, locals } = plan(tree, checked, variables);
    // One frame serves all evaluations: none starts before the last has ended, and an allocation would cost more than most expressions.
    const size = variables.length + locals;
    const frame = new Frame(
      Array.from({ length: size }, () => undefined),
      0,
    );
    const program: CelProgram = {
      source,
      type: checked.typeOf(tree),
      variables,
      evaluate(bindings, costLimit = defaultCostLimit, spent) {
        const { slots } = frame;
        for (let index = 0; index < variables.length; index++)
          slots[index] = bindings[variables[index] ?? ''];
        frame.left = costLimit;
        try {
          return step(frame);
        } finally {
          if (spent) spent.steps = costLimit - frame.left;
          // Nothing of the bindings is held on to.
          for (let index = 0; index < size; index++) slots[index] = undefined;
        }
      },
    };
    return { ok: true, program };
  } catch (error) {
    if (error instanceof CelSyntaxError)
      return { ok: false, issues: [issueAt(source, error.at, error.message)] };
    if (error instanceof CelError) return { ok: false, issues: [issueAt(source, 0, error.message)] };
    throw error;
  }
}
