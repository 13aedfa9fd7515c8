/**
 * Consumable capacity: what a request takes of a device that several claims share, rounded to what the device's policy
 * allows. On a device that is not shared, a capacity request only asks for a device that is large enough.
 */
import { Quantity, parseQuantity } from '@coracle/machinery';
import type { resource_v1 } from '@coracle/machinery/api';

/** A capacity of a device. Names without a domain are the driver's own. */
export interface Capacity {
  /** With its domain. */
  readonly name: string;
  /** As the slice has it, and as the allocation result names it. */
  readonly written: string;
  readonly value: Quantity;
  readonly policy: Policy | undefined;
}

interface Policy {
  readonly default: Quantity | undefined;
  readonly values: readonly Quantity[] | undefined;
  readonly range: { readonly min: Quantity; readonly max?: Quantity; readonly step?: Quantity } | undefined;
}

/** Amounts by name as written in the slice. */
export type Consumption = readonly {
  readonly written: string;
  readonly amount: Quantity;
  readonly limit: bigint;
}[];

export function readCapacities(
  driver: string,
  capacities: Readonly<Record<string, resource_v1.DeviceCapacity>> | undefined,
): readonly Capacity[] {
  if (!capacities) return none;
  const result = new Map<string, Capacity>();
  for (const [written, { value, requestPolicy }] of Object.entries(capacities)) {
    const name = qualified(driver, written);
    // Named twice: the name with its domain counts.
    if (result.has(name) && !written.includes('/')) continue;
    result.set(name, {
      name,
      written,
      value: read(value),
      policy: requestPolicy && readPolicy(requestPolicy),
    });
  }
  return [...result.values()];
}

const none: readonly Capacity[] = [];

export function qualified(driver: string, name: string): string {
  return name.includes('/') ? name : `${driver}/${name}`;
}

function read(quantity: string): Quantity {
  try {
    return parseQuantity(quantity);
  } catch {
    return Quantity.of(0);
  }
}

function readPolicy({ default: usual, validRange, validValues }: resource_v1.CapacityRequestPolicy): Policy {
  return {
    default: usual === undefined ? undefined : read(usual),
    values: validValues?.map(read),
    range: validRange && {
      min: read(validRange.min),
      ...(validRange.max === undefined ? {} : { max: read(validRange.max) }),
      ...(validRange.step === undefined ? {} : { step: read(validRange.step) }),
    },
  };
}

/** What the requests would consume of each capacity of the device; undefined: the device cannot give that. */
export function consumption(
  driver: string,
  capacities: readonly Capacity[],
  requests: Readonly<Record<string, string>> | undefined,
): Consumption | undefined {
  const asked = new Map<string, Quantity>();
  for (const [name, amount] of Object.entries(requests ?? {})) {
    const key = qualified(driver, name);
    if (asked.has(key) || !capacities.some((c) => c.name === key)) return undefined;
    asked.set(key, read(amount));
  }
  const result: { written: string; amount: Quantity; limit: bigint }[] = [];
  for (const { name, written, value, policy } of capacities) {
    const amount = adjusted(asked.get(name), value, policy);
    if (amount.nanos < 0n || amount.nanos > value.nanos || !allowed(amount, policy)) return undefined;
    result.push({ written, amount, limit: value.nanos });
  }
  return result;
}

/** Rounded up to what the policy allows; nothing asked: the policy's default, else all of it. */
function adjusted(asked: Quantity | undefined, value: Quantity, policy: Policy | undefined): Quantity {
  if (!asked) return policy?.default ?? value;
  if (policy?.range) {
    const { min, step } = policy.range;
    if (asked.nanos < min.nanos) return min;
    if (!step || step.nanos <= 0n) return asked;
    const steps = (asked.nanos - min.nanos + step.nanos - 1n) / step.nanos;
    return new Quantity(min.nanos + steps * step.nanos, step.format);
  }
  return policy?.values?.find((v) => asked.nanos <= v.nanos) ?? asked;
}

function allowed(amount: Quantity, policy: Policy | undefined): boolean {
  if (!policy || policy.default?.nanos === amount.nanos) return true;
  if (policy.range) {
    const { min, max, step } = policy.range;
    if (max && amount.nanos > max.nanos) return false;
    return !step || step.nanos <= 0n || (amount.nanos - min.nanos) % step.nanos === 0n;
  }
  return !policy.values || policy.values.length === 0 || policy.values.some((v) => v.nanos === amount.nanos);
}
