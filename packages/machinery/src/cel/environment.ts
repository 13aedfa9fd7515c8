/** What an expression may name: variables with their types, and functions. */
import type { Overload } from './declare.ts';
import { type Type, types } from './types.ts';
import { TypeValue } from './values.ts';

export interface Environment {
  readonly variables: ReadonlyMap<string, Type>;
  readonly functions: ReadonlyMap<string, readonly Overload[]>;
  /** Elements of list and map literals must be of one type, as Kubernetes wants; else mixed ones make a list of dyn. */
  readonly homogeneous: boolean;
}

/** An environment of these variables and libraries. Build it once: it holds no state. */
export function environment(options: {
  variables?: Readonly<Record<string, Type>>;
  libraries: readonly (readonly Overload[])[];
  homogeneous?: boolean;
}): Environment {
  const functions = new Map<string, Overload[]>();
  for (const overload of options.libraries.flat()) {
    const known = functions.get(overload.name);
    if (known) known.push(overload);
    else functions.set(overload.name, [overload]);
  }
  return {
    variables: new Map(Object.entries(options.variables ?? {})),
    functions,
    homogeneous: options.homogeneous ?? false,
  };
}

/** An environment with more variables. */
export function withVariables(base: Environment, variables: Readonly<Record<string, Type>>): Environment {
  return { ...base, variables: new Map([...base.variables, ...Object.entries(variables)]) };
}

const denoted = (name: string, type: Type): [string, { value: TypeValue; type: Type }] => [
  name,
  { value: new TypeValue(name), type: types.type(type) },
];
/** The names that stand for types. */
export const typeNames = new Map([
  denoted('bool', types.bool),
  denoted('int', types.int),
  denoted('uint', types.uint),
  denoted('double', types.double),
  denoted('string', types.string),
  denoted('bytes', types.bytes),
  denoted('null_type', types.null),
  denoted('list', types.list(types.dyn)),
  denoted('map', types.map(types.dyn, types.dyn)),
  denoted('type', types.type(types.dyn)),
  denoted('optional_type', types.optional(types.dyn)),
  denoted('google.protobuf.Timestamp', types.timestamp),
  denoted('google.protobuf.Duration', types.duration),
  denoted('net.IP', types.opaque('net.IP')),
  denoted('net.CIDR', types.opaque('net.CIDR')),
  denoted('kubernetes.Quantity', types.opaque('kubernetes.Quantity')),
  denoted('kubernetes.Semver', types.opaque('kubernetes.Semver')),
  denoted('kubernetes.URL', types.opaque('kubernetes.URL')),
  denoted('kubernetes.NamedFormat', types.opaque('kubernetes.NamedFormat')),
]);
