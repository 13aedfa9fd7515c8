/** A device of a resource slice, read once: what the allocator looks at, and who uses it. */
import { parseQuantity } from '@coracle/machinery';
import type { resource_v1 } from '@coracle/machinery/api';
import type { SelectableDevice } from '@coracle/machinery/cel';
import { readCapacities, type Capacity } from './capacity.ts';
import type { SelectorSet } from './selectors.ts';

/** Who uses a device. Outlives the slice that lists it: a claim keeps its device while the driver writes its slices anew. */
export interface DeviceUse {
  readonly id: string;
  /** `driver/pool`. */
  readonly pool: string;
  /** Allocations that have the device to themselves: 0 or 1, unless somebody broke the rules. Admin access does not count. */
  exclusive: number;
  /** Allocations that have a share of it. */
  shares: number;
  /** What the shares consume, in 10^-9 units by name of the capacity; undefined: nothing yet. */
  consumed: Map<string, bigint> | undefined;
}

/** What a device takes from the counters that it shares with others of its pool. */
export interface CounterUse {
  /** Set and counter. */
  readonly key: string;
  readonly nanos: bigint;
}

export interface PoolDevice {
  /** `driver/pool/device`. */
  readonly id: string;
  readonly driver: string;
  readonly pool: string;
  readonly spec: resource_v1.Device;
  readonly slice: resource_v1.ResourceSliceSpec;
  /** Those that keep claims away, of the slice and of taint rules. */
  readonly taints: readonly resource_v1.DeviceTaint[];
  readonly counters: readonly CounterUse[];
  /** Several claims may share it. */
  readonly shared: boolean;
  /** Read when first asked for: most claims do not ask. */
  capacities(): readonly Capacity[];
  readonly selectable: SelectableDevice;
  /** What selectors have said: true, false, or why they could not tell. Made when first asked. */
  verdicts: Map<SelectorSet, boolean | string> | undefined;
  readonly use: DeviceUse;
}

export function counterKey(set: string, counter: string): string {
  return `${set}/${counter}`;
}

/** 10^-9 units; 0 for a text that is no quantity (the API server lets none through). */
export function nanosOf(quantity: string | number): bigint {
  try {
    return parseQuantity(quantity).nanos;
  } catch {
    return 0n;
  }
}

export function readDevice(
  slice: resource_v1.ResourceSliceSpec,
  spec: resource_v1.Device,
  taints: readonly resource_v1.DeviceTaint[],
  use: DeviceUse,
): PoolDevice {
  const { driver } = slice;
  const { attributes, capacity, allowMultipleAllocations } = spec;
  let capacities: readonly Capacity[] | undefined;
  return {
    id: use.id,
    driver,
    pool: use.pool,
    spec,
    slice,
    taints:
      spec.taints || taints.length > 0 ? [...(spec.taints ?? []), ...taints].filter(keepsAway) : noTaints,
    counters: spec.consumesCounters ? readCounters(spec.consumesCounters) : noCounters,
    shared: allowMultipleAllocations === true,
    capacities: () => (capacities ??= readCapacities(driver, capacity)),
    selectable: { driver, attributes, capacity, allowMultipleAllocations },
    verdicts: undefined,
    use,
  };
}

const noCounters: readonly CounterUse[] = [];
const noTaints: readonly resource_v1.DeviceTaint[] = [];

function keepsAway({ effect }: resource_v1.DeviceTaint): boolean {
  return effect === 'NoSchedule' || effect === 'NoExecute';
}

function readCounters(consumed: readonly resource_v1.DeviceCounterConsumption[]): CounterUse[] {
  return consumed.flatMap(({ counterSet, counters }) =>
    Object.entries(counters).map(([name, { value }]) => ({
      key: counterKey(counterSet, name),
      nanos: nanosOf(value),
    })),
  );
}
