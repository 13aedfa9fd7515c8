/**
 * Constraints between the devices of a claim: all have one value of an attribute in common, or no two have. An attribute
 * with several values is a set of them.
 */
import type { resource_v1 } from '@coracle/machinery/api';
import type { PoolDevice } from './device.ts';

/** The values of an attribute, each with its type; undefined: the device does not have it. */
export function attributeValues(device: PoolDevice, name: string): readonly string[] | undefined {
  const attributes = device.spec.attributes;
  if (!attributes) return undefined;
  let attribute = attributes[name];
  const slash = name.indexOf('/');
  if (!attribute && slash > 0 && name.slice(0, slash) === device.driver)
    attribute = attributes[name.slice(slash + 1)];
  return attribute && valuesOf(attribute);
}

function valuesOf(attribute: resource_v1.DeviceAttribute): readonly string[] | undefined {
  const { bool, bools, int, ints, string, strings, version, versions } = attribute;
  if (string !== undefined || strings) return (strings ?? [string]).map((v) => `s${v}`);
  if (int !== undefined || ints) return (ints ?? [int]).map((v) => `i${v}`);
  if (bool !== undefined || bools) return (bools ?? [bool]).map((v) => `b${v}`);
  if (version !== undefined || versions) return (versions ?? [version]).map((v) => `v${v}`);
  return undefined;
}

/** The devices picked so far that one constraint speaks of. Add and take back in stack order. */
export class ConstraintState {
  readonly #attribute: string;
  readonly #distinct: boolean;
  /** Match: values all have in common, after each device. Distinct: the values of each device. */
  readonly #stack: (readonly string[])[] = [];
  /** Distinct: all of them. */
  readonly #taken = new Set<string>();
  readonly #known = new Map<PoolDevice, readonly string[] | undefined>();

  constructor({ matchAttribute, distinctAttribute }: resource_v1.DeviceConstraint) {
    this.#attribute = matchAttribute ?? distinctAttribute ?? '';
    this.#distinct = matchAttribute === undefined;
  }

  add(device: PoolDevice): boolean {
    const values = this.#valuesOf(device);
    if (!values) return false;
    if (this.#distinct) {
      for (const value of values) if (this.#taken.has(value)) return false;
      for (const value of values) this.#taken.add(value);
      this.#stack.push(values);
      return true;
    }
    const before = this.#stack.at(-1);
    const common = before ? before.filter((value) => values.includes(value)) : values;
    if (common.length === 0) return false;
    this.#stack.push(common);
    return true;
  }

  takeBack(): void {
    const last = this.#stack.pop();
    if (this.#distinct) for (const value of last ?? []) this.#taken.delete(value);
  }

  #valuesOf(device: PoolDevice): readonly string[] | undefined {
    let values = this.#known.get(device);
    if (values === undefined && !this.#known.has(device)) {
      this.#known.set(device, (values = attributeValues(device, this.#attribute)));
    }
    return values;
  }
}
