/** The slices of one pool of one driver, and what follows from them: its devices, their shared counters, what is wrong. */
import type { DeviceTaintRule, ResourceSlice, resource_v1 } from '@coracle/machinery/api';
import { counterKey, nanosOf, readDevice, type PoolDevice } from './device.ts';
import type { NodeView } from './inventory.ts';
import { inUse, type Uses } from './uses.ts';

interface PoolContent {
  /** Of the newest generation, in order of preference. */
  readonly devices: readonly PoolDevice[];
  /** Not all slices are there: the driver is at work on them. */
  readonly incomplete: boolean;
  /** Devices of one name, or counters that no set has. */
  readonly invalid: boolean;
  readonly hasBindingConditions: boolean;
  /** By counter, in 10^-9 units. */
  readonly counters: ReadonlyMap<string, bigint>;
}

export class Pool {
  /** `driver/pool`. */
  readonly id: string;
  readonly slices = new Map<string, ResourceSlice>();
  /** Nodes that see some of its devices. */
  readonly viewers = new Set<NodeView>();
  #content: PoolContent | undefined;
  #available: Map<string, bigint> | undefined;

  constructor(id: string) {
    this.id = id;
  }

  /** Slices or taint rules changed. */
  changed(): void {
    this.#content = undefined;
    this.#available = undefined;
  }
  /** Devices were taken or freed. */
  usesChanged(): void {
    this.#available = undefined;
  }

  content(uses: Uses, rules: readonly DeviceTaintRule[]): PoolContent {
    return (this.#content ??= this.#read(uses, rules));
  }

  /** What is left of each counter. */
  available(): ReadonlyMap<string, bigint> {
    if (this.#available) return this.#available;
    const left = new Map(this.#content?.counters);
    for (const { use, counters } of this.#content?.devices ?? []) {
      if (!inUse(use)) continue;
      for (const { key, nanos } of counters) left.set(key, (left.get(key) ?? 0n) - nanos);
    }
    return (this.#available = left);
  }

  #read(uses: Uses, rules: readonly DeviceTaintRule[]): PoolContent {
    let generation = -1;
    for (const { spec } of this.slices.values()) generation = Math.max(generation, spec.pool.generation);
    const current = [...this.slices.values()].filter(({ spec }) => spec.pool.generation === generation);
    const binding = new Map(current.map((slice) => [slice, bindingConditions(slice)]));
    // What is ready at once goes before what must be made ready; then by name, so that the order is always the same.
    current.sort(
      (a, b) =>
        Number(binding.get(a)) - Number(binding.get(b)) || (a.metadata.name < b.metadata.name ? -1 : 1),
    );
    const devices: PoolDevice[] = [];
    const counters = new Map<string, bigint>();
    const names = new Set<string>();
    let invalid = false;
    for (const { spec } of current) {
      for (const { name, counters: offered } of spec.sharedCounters ?? []) {
        for (const [counter, { value }] of Object.entries(offered)) {
          counters.set(counterKey(name, counter), nanosOf(value));
        }
      }
      for (const device of spec.devices ?? []) {
        if (names.has(device.name)) invalid = true;
        names.add(device.name);
        const taints = taintsOf(spec, device.name, rules);
        devices.push(readDevice(spec, device, taints, uses.of(this.id, device.name)));
      }
    }
    for (const device of devices) {
      if (device.counters.some(({ key }) => !counters.has(key))) invalid = true;
    }
    const expected = current[0]?.spec.pool.resourceSliceCount ?? 0;
    return {
      devices,
      incomplete: current.length !== expected,
      invalid,
      hasBindingConditions: [...binding.values()].includes(true),
      counters,
    };
  }
}

function bindingConditions({ spec }: ResourceSlice): boolean {
  return (spec.devices ?? []).some((device) => (device.bindingConditions?.length ?? 0) > 0);
}

function taintsOf(
  { driver, pool }: resource_v1.ResourceSliceSpec,
  device: string,
  rules: readonly DeviceTaintRule[],
): resource_v1.DeviceTaint[] {
  return rules.flatMap(({ spec }) => {
    const selector = spec.deviceSelector;
    if (!selector) return [];
    const matches =
      (selector.driver ?? driver) === driver &&
      (selector.pool ?? pool.name) === pool.name &&
      (selector.device ?? device) === device;
    return matches ? [spec.taint as resource_v1.DeviceTaint] : [];
  });
}
