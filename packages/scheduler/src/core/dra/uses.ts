import type { AllocationResult } from './types.ts';
import { nanosOf, type DeviceUse } from './device.ts';

/** One device of an allocation. */
export type DeviceResult = NonNullable<NonNullable<AllocationResult['devices']>['results']>[number];

/** Who uses which device: the sum over all allocations, in memory or written. */
export class Uses {
  readonly #byId = new Map<string, DeviceUse>();
  readonly #changed: (pool: string) => void;

  /** Told of each device that is counted in (1) or out (-1): others keep account of the same cards. */
  counted: ((result: DeviceResult, sign: 1 | -1) => void) | undefined;

  /** `changed` is told the `driver/pool` of each device whose use changes. */
  constructor(changed: (pool: string) => void) {
    this.#changed = changed;
  }

  of(pool: string, device: string): DeviceUse {
    const id = `${pool}/${device}`;
    let use = this.#byId.get(id);
    if (!use) {
      use = { id, pool, exclusive: 0, shares: 0, consumed: undefined };
      this.#byId.set(id, use);
    }
    return use;
  }

  get(id: string): DeviceUse | undefined {
    return this.#byId.get(id);
  }

  all(): Iterable<DeviceUse> {
    return this.#byId.values();
  }

  /** Counts an allocation in (1) or out (-1). */
  count(allocation: AllocationResult, sign: 1 | -1): void {
    for (const result of allocation.devices?.results ?? []) {
      const { driver, pool, device, adminAccess, shareID, consumedCapacity } = result;
      if (adminAccess) continue;
      this.counted?.(result, sign);
      const use = this.of(`${driver}/${pool}`, device);
      if (shareID === undefined) use.exclusive += sign;
      else use.shares += sign;
      for (const [name, amount] of Object.entries(consumedCapacity ?? {})) {
        const consumed = (use.consumed ??= new Map());
        const sum = (consumed.get(name) ?? 0n) + BigInt(sign) * nanosOf(amount);
        if (sum === 0n) consumed.delete(name);
        else consumed.set(name, sum);
      }
      this.#changed(use.pool);
    }
  }
}

export function inUse(use: DeviceUse): boolean {
  return use.exclusive > 0 || use.shares > 0;
}
