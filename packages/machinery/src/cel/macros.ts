/** Macros: calls that are syntax. A call whose shape is no macro's stays a call. */
import type { Expr, Loop, LoopKind } from './ast.ts';
import { CelSyntaxError } from './errors.ts';

const loops: Readonly<
  Record<string, { readonly loop: LoopKind; readonly one: number[]; readonly two: number[] }>
> = {
  // Counts of arguments with one variable, and with two.
  all: { loop: 'all', one: [2], two: [3] },
  exists: { loop: 'exists', one: [2], two: [3] },
  exists_one: { loop: 'exists_one', one: [2], two: [3] },
  existsOne: { loop: 'exists_one', one: [2], two: [3] },
  filter: { loop: 'filter', one: [2], two: [] },
  map: { loop: 'map', one: [2, 3], two: [] },
  transformList: { loop: 'transformList', one: [], two: [3, 4] },
  transformMap: { loop: 'transformMap', one: [], two: [3, 4] },
  transformMapEntry: { loop: 'transformMapEntry', one: [], two: [3, 4] },
};

function variable(expr: Expr | undefined): string {
  if (expr?.kind !== 'ident' || expr.name.startsWith('.'))
    throw new CelSyntaxError('argument must be a simple name', expr?.at ?? 0);
  return expr.name;
}

/** `target.name(args)` as a macro; undefined if it is none. Throws CelSyntaxError for a wrong use of one. */
export function expandMethod(
  target: Expr,
  name: string,
  args: readonly Expr[],
  at: number,
): Expr | undefined {
  if (name === 'bind' && target.kind === 'ident' && target.name === 'cel' && args.length === 3) {
    const [first, value, body] = args as [Expr, Expr, Expr];
    return { kind: 'bind', bind: 'bind', name: variable(first), value, body, at };
  }
  if ((name === 'optMap' || name === 'optFlatMap') && args.length === 2) {
    const [first, body] = args as [Expr, Expr];
    return { kind: 'bind', bind: name, name: variable(first), value: target, body, at };
  }
  const shape = Object.hasOwn(loops, name) ? loops[name] : undefined;
  if (!shape) return undefined;
  const count = shape.one.includes(args.length) ? 1 : shape.two.includes(args.length) ? 2 : 0;
  if (count === 0) return undefined;
  const variables = args.slice(0, count).map(variable);
  if (count === 2 && variables[0] === variables[1])
    throw new CelSyntaxError(`overlapping variable names: ${variables[0]}`, args[1]?.at ?? at);
  const rest = args.slice(count);
  const body = rest.at(-1) as Expr;
  const loop: Loop = {
    kind: 'loop',
    loop: shape.loop,
    range: target,
    variables,
    filter: rest.length === 2 ? rest[0] : undefined,
    body,
    at,
  };
  return loop;
}

/** `name(args)` as a macro; undefined if it is none. */
export function expandFunction(name: string, args: readonly Expr[], at: number): Expr | undefined {
  if (name !== 'has' || args.length !== 1) return undefined;
  const [field] = args;
  if (field?.kind !== 'select' || field.test)
    throw new CelSyntaxError('invalid argument to has() macro', field?.at ?? at);
  return { ...field, test: true, at };
}
