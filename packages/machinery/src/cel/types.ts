/** Static types of expressions, and the little algebra the checker needs: printing, joining, unification. */
export type Type =
  | { readonly kind: BasicKind }
  | { readonly kind: 'list'; readonly element: Type }
  | { readonly kind: 'map'; readonly key: Type; readonly value: Type }
  | { readonly kind: 'type'; readonly of: Type }
  | { readonly kind: 'optional'; readonly value: Type }
  | ObjectType
  | { readonly kind: 'opaque'; readonly name: string }
  /** A value or null (wrappers of protobuf). */
  | { readonly kind: 'nullable'; readonly value: Type }
  /** A type parameter; free ones stand for the same type everywhere in one call. */
  | { readonly kind: 'param'; readonly name: string };
export type BasicKind =
  | 'bool'
  | 'int'
  | 'uint'
  | 'double'
  | 'string'
  | 'bytes'
  | 'null'
  | 'timestamp'
  | 'duration'
  /** Not known before evaluation. */
  | 'dyn';

/** A message or object with declared fields. */
export interface ObjectType {
  readonly kind: 'object';
  readonly name: string;
  /** Undefined: there is no such field. */
  readonly field: (name: string) => Type | undefined;
}

const basic = <K extends BasicKind>(kind: K): { readonly kind: K } => ({ kind });
export const types = {
  bool: basic('bool'),
  int: basic('int'),
  uint: basic('uint'),
  double: basic('double'),
  string: basic('string'),
  bytes: basic('bytes'),
  null: basic('null'),
  timestamp: basic('timestamp'),
  duration: basic('duration'),
  dyn: basic('dyn'),
  list: (element: Type): Type => ({ kind: 'list', element }),
  map: (key: Type, value: Type): Type => ({ kind: 'map', key, value }),
  type: (of: Type): Type => ({ kind: 'type', of }),
  optional: (value: Type): Type => ({ kind: 'optional', value }),
  opaque: (name: string): Type => ({ kind: 'opaque', name }),
  param: (name: string): Type => ({ kind: 'param', name }),
} as const;

const longNames: Readonly<Record<string, string>> = {
  null: 'null_type',
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
};

/** A type as messages show it: `map(string, list(int))`. */
export function showType(type: Type): string {
  switch (type.kind) {
    case 'list':
      return `list(${showType(type.element)})`;
    case 'map':
      return `map(${showType(type.key)}, ${showType(type.value)})`;
    case 'type':
      return type.of.kind === 'dyn' ? 'type' : `type(${showType(type.of)})`;
    case 'optional':
      return `optional_type(${showType(type.value)})`;
    case 'nullable':
      return `wrapper(${showType(type.value)})`;
    case 'object':
    case 'opaque':
    case 'param':
      return type.name;
    default:
      return longNames[type.kind] ?? type.kind;
  }
}

/** What free type parameters stand for. */
export type Bindings = Map<string, Type>;

/** A type with its bound parameters replaced; unbound ones become `unbound` (or stay, if it is not given). */
export function substitute(type: Type, bindings: Bindings, unbound?: Type): Type {
  switch (type.kind) {
    case 'param': {
      const bound = bindings.get(type.name);
      return bound ? substitute(bound, bindings, unbound) : (unbound ?? type);
    }
    case 'list':
      return types.list(substitute(type.element, bindings, unbound));
    case 'map':
      return types.map(substitute(type.key, bindings, unbound), substitute(type.value, bindings, unbound));
    case 'type':
      return types.type(substitute(type.of, bindings, unbound));
    case 'optional':
      return types.optional(substitute(type.value, bindings, unbound));
    default:
      return type;
  }
}

const nullableKinds = new Set(['object', 'opaque', 'timestamp', 'duration', 'optional', 'nullable']);

function occurs(name: string, type: Type, bindings: Bindings): boolean {
  switch (type.kind) {
    case 'param': {
      if (type.name === name) return true;
      const bound = bindings.get(type.name);
      return bound !== undefined && occurs(name, bound, bindings);
    }
    case 'list':
      return occurs(name, type.element, bindings);
    case 'map':
      return occurs(name, type.key, bindings) || occurs(name, type.value, bindings);
    case 'optional':
      return occurs(name, type.value, bindings);
    case 'type':
      return occurs(name, type.of, bindings);
    default:
      return false;
  }
}

/**
 * Whether a value of type `from` can stand where `to` is wanted; binds parameters of either as it goes. On false the bindings are
 * spoilt: pass a copy where there are alternatives.
 */
export function unify(to: Type, from: Type, bindings: Bindings): boolean {
  if (to.kind === 'param' || from.kind === 'param') return unifyParameter(to, from, bindings);
  if (to.kind === 'dyn' || from.kind === 'dyn') return true;
  if (from.kind === 'null' && nullableKinds.has(to.kind)) return true;
  if (to.kind === 'null' && nullableKinds.has(from.kind)) return true;
  if (to.kind === 'nullable') return unify(to.value, from.kind === 'nullable' ? from.value : from, bindings);
  if (from.kind === 'nullable') return unify(to, from.value, bindings);
  switch (to.kind) {
    case 'list':
      return from.kind === 'list' && unify(to.element, from.element, bindings);
    case 'map':
      return (
        from.kind === 'map' && unify(to.key, from.key, bindings) && unify(to.value, from.value, bindings)
      );
    case 'optional':
      return from.kind === 'optional' && unify(to.value, from.value, bindings);
    case 'type':
      // Any type value may stand for another: `type(1) == type('')` is false, not wrong.
      return from.kind === 'type';
    case 'object':
    case 'opaque':
      return from.kind === to.kind && from.name === to.name;
    default:
      return from.kind === to.kind;
  }
}

function unifyParameter(to: Type, from: Type, bindings: Bindings): boolean {
  const left = to.kind === 'param' ? bindings.get(to.name) : undefined;
  if (left) {
    if (!unify(left, from, bindings)) return false;
    // What was only null or dyn so far becomes what else it has to be.
    if (to.kind === 'param' && (left.kind === 'null' || from.kind === 'dyn')) bindings.set(to.name, from);
    return true;
  }
  const right = from.kind === 'param' ? bindings.get(from.name) : undefined;
  if (right) return unify(to, right, bindings);
  if (to.kind === 'param') {
    if (from.kind === 'param' && from.name === to.name) return true;
    if (occurs(to.name, from, bindings)) return false;
    bindings.set(to.name, from);
    return true;
  }
  if (from.kind === 'param') {
    if (occurs(from.name, to, bindings)) return false;
    bindings.set(from.name, to);
  }
  return true;
}

/** The type of something that is one of two: the same type, or dyn. */
export function joinTypes(a: Type, b: Type, bindings: Bindings): Type | undefined {
  const trial = new Map(bindings);
  if (!unify(a, b, trial)) return undefined;
  for (const [name, type] of trial) bindings.set(name, type);
  return wider(a, b);
}

/** Of two types that fit each other, the one that says less. */
function wider(a: Type, b: Type): Type {
  if (a.kind === 'dyn' || b.kind === 'dyn') return types.dyn;
  if (a.kind === 'null' || b.kind === 'nullable') return b;
  if (a.kind === 'list' && b.kind === 'list') return types.list(wider(a.element, b.element));
  if (a.kind === 'map' && b.kind === 'map') return types.map(wider(a.key, b.key), wider(a.value, b.value));
  if (a.kind === 'optional' && b.kind === 'optional') return types.optional(wider(a.value, b.value));
  return a;
}
