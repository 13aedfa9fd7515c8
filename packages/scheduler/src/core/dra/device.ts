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
  /** What the shares consume, in 10^-9 units by name of the capacity. */
  readonly consumed: Map<string, bigint>;
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
  readonly capacities: readonly Capacity[];
  readonly selectable: SelectableDevice;
  /** What selectors have said: true, false, or why they could not tell. */
  readonly verdicts: Map<SelectorSet, boolean | string>;
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
  const counters = (spec.consumesCounters ?? []).flatMap(({ counterSet, counters: wanted }) =>
    Object.entries(wanted).map(([name, { value }]) => ({
      key: counterKey(counterSet, name),
      nanos: nanosOf(value),
    })),
  );
  const { attributes, capacity, allowMultipleAllocations } = spec;
  return {
    id: use.id,
    driver,
    pool: use.pool,
    spec,
    slice,
    taints: [...(spec.taints ?? []), ...taints].filter(
      ({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute',
    ),
    counters,
    shared: allowMultipleAllocations === true,
    capacities: readCapacities(driver, capacity),
    selectable: { driver, attributes, capacity, allowMultipleAllocations },
    verdicts: new Map(),
    use,
  };
}
