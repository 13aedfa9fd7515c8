/** Declarations of functions: a signature as text (`string.contains(string): bool`, `list<A>.indexOf(A): int`) and what it does. */
import { type Type, types } from './types.ts';
import type { CelValue } from './values.ts';

export type Run = (...args: CelValue[]) => CelValue;

/** Read from its signature when it is first asked for: most programs need few of the functions, and many processes none. */
export class Overload {
  readonly #signature: string;
  #read: Signature | undefined;
  readonly run: Run;
  /** What a call costs beyond one step, from its arguments: functions that walk through texts and lists say how long those are. */
  readonly cost: ((...args: CelValue[]) => number) | undefined;

  constructor(signature: string, run: Run, cost: ((...args: CelValue[]) => number) | undefined) {
    this.#signature = signature;
    this.run = run;
    this.cost = cost;
  }
  get #parts(): Signature {
    return (this.#read ??= readSignature(this.#signature));
  }
  get name(): string {
    return this.#parts.name;
  }
  /** Called as `target.name(...)`: the target is then the first of `params`. */
  get member(): boolean {
    return this.#parts.member;
  }
  get params(): readonly Type[] {
    return this.#parts.params;
  }
  get result(): Type {
    return this.#parts.result;
  }
}
interface Signature {
  readonly name: string;
  readonly member: boolean;
  readonly params: readonly Type[];
  readonly result: Type;
}

const opaqueNames: Readonly<Record<string, string>> = {
  Quantity: 'kubernetes.Quantity',
  Semver: 'kubernetes.Semver',
  URL: 'kubernetes.URL',
  NamedFormat: 'kubernetes.NamedFormat',
  Authorizer: 'kubernetes.authorization.Authorizer',
  PathCheck: 'kubernetes.authorization.PathCheck',
  GroupCheck: 'kubernetes.authorization.GroupCheck',
  ResourceCheck: 'kubernetes.authorization.ResourceCheck',
  Decision: 'kubernetes.authorization.Decision',
  IP: 'net.IP',
  CIDR: 'net.CIDR',
};

const signature = /^(?:(?<target>[\w<>, ]+)\.)?(?<name>[^\s(]+)\((?<params>[^)]*)\): (?<result>.+)$/;

/**
 * One overload. Functions of a namespace are marked by `#`: `#math.abs(int): int` is called as `math.abs(x)`, not on a value.
 * The function gets the values in order, and may rely on their being of the declared types. It throws CelError.
 */
export function declare<A extends never[]>(
  text: string,
  run: (...args: A) => CelValue,
  cost?: (...args: A) => number,
): Overload {
  return new Overload(text, run as unknown as Run, cost as Overload['cost']);
}

function readSignature(text: string): Signature {
  const global = text.startsWith('#');
  const groups = signature.exec(global ? text.slice(1) : text)?.groups;
  if (!groups) throw new Error(`not a signature: ${text}`);
  const { target, name = '', params = '', result = '' } = groups;
  const list = params.trim() === '' ? [] : splitTypes(params).map(readType);
  return {
    name: global && target !== undefined ? `${target}.${name}` : name,
    member: !global && target !== undefined,
    params: !global && target !== undefined ? [readType(target), ...list] : list,
    result: readType(result),
  };
}

/** Splits at the commas outside of angle brackets. */
function splitTypes(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    if (text[index] === '<') depth++;
    else if (text[index] === '>') depth--;
    else if (text[index] === ',' && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function readType(source: string): Type {
  const text = source.trim();
  const open = text.indexOf('<');
  const name = open < 0 ? text : text.slice(0, open);
  const inner = open < 0 ? [] : splitTypes(text.slice(open + 1, -1)).map(readType);
  const [first = types.dyn, second = types.dyn] = inner;
  switch (name) {
    case 'list':
      return types.list(first);
    case 'map':
      return types.map(first, second);
    case 'type':
      return types.type(first);
    case 'optional':
      return types.optional(first);
    case 'bool':
    case 'int':
    case 'uint':
    case 'double':
    case 'string':
    case 'bytes':
    case 'null':
    case 'timestamp':
    case 'duration':
    case 'dyn':
      return types[name];
    default:
  }
  if (/^[A-Z]$/.test(name)) return types.param(name);
  const opaque = opaqueNames[name];
  if (opaque === undefined) throw new Error(`not a type: ${text}`);
  return types.opaque(opaque);
}
