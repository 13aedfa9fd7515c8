/** Requests and limits (core/v1 validation of resource requirements). */
import {
  type FieldError,
  isPlainQuantity,
  parseQuantity,
  type Quantity,
  qualifiedName,
} from '@coracle/machinery';
import type { ResourceRequirements } from '@coracle/machinery/api';
import { invalid, named, required } from './fields.ts';

const standard = new Set(['cpu', 'memory', 'ephemeral-storage']);
const isHugePages = (name: string): boolean => name.startsWith('hugepages-');

/** Resources of the kubernetes.io domain itself; all others are extended and counted in whole units. */
const isNativeResource = (name: string): boolean => !name.includes('/') || name.includes('kubernetes.io/');
/** `nvidia.com/gpu` and the like. */
export const isExtendedResource = (name: string): boolean =>
  !isNativeResource(name) && !name.startsWith('requests.');

function parsed(value: string): Quantity | undefined {
  try {
    return parseQuantity(value);
  } catch {
    return undefined;
  }
}

function listProblems(list: Record<string, string> | undefined, at: string, names: boolean): FieldError[] {
  const errors: FieldError[] = [];
  for (const name in list) {
    // Nothing to say about the most common ones, in their most common form.
    if (standard.has(name) && isPlainQuantity(list[name] ?? '')) continue;
    const field = `${at}[${name}]`;
    errors.push(...named(field, name, qualifiedName));
    if (names && !name.includes('/') && !standard.has(name) && !isHugePages(name))
      errors.push(invalid(field, name, 'must be a standard resource type or fully qualified'));
    const quantity = parsed(list[name] ?? '');
    if (!quantity) continue;
    if (quantity.nanos < 0n)
      errors.push(invalid(field, quantity.toString(), 'must be greater than or equal to 0'));
    else if (isExtendedResource(name) && quantity.nanos % 1_000_000_000n !== 0n)
      errors.push(invalid(field, quantity.toString(), 'must be an integer'));
  }
  return errors;
}

/** Requests must not exceed limits; extended resources and huge pages cannot be overcommitted. */
export function resourceProblems(resources: ResourceRequirements | undefined, at: string): FieldError[] {
  if (!resources) return [];
  const errors = [
    ...listProblems(resources.limits, `${at}.limits`, true),
    ...listProblems(resources.requests, `${at}.requests`, true),
  ];
  const limits = resources.limits ?? {};
  const requests = resources.requests ?? {};
  for (const name in requests) {
    const value = requests[name] ?? '';
    const limitText = limits[name];
    const fixed = isExtendedResource(name) || isHugePages(name);
    if (limitText === undefined) {
      if (fixed && parsed(value))
        errors.push(required(`${at}.limits`, 'Limit must be set for non overcommitable resources'));
      continue;
    }
    if (limitText === value && isPlainQuantity(value)) continue;
    const request = parsed(value);
    const limit = parsed(limitText);
    if (!request || !limit) continue;
    if (fixed && request.cmp(limit) !== 0)
      errors.push(
        invalid(
          `${at}.requests`,
          request.toString(),
          `must be equal to ${name} limit of ${limit.toString()}`,
        ),
      );
    else if (request.cmp(limit) > 0)
      errors.push(
        invalid(
          `${at}.requests`,
          request.toString(),
          `must be less than or equal to ${name} limit of ${limit.toString()}`,
        ),
      );
  }
  return errors;
}

/** Amounts that are not requirements (capacities, quotas): not negative, whole where extended. */
export const amountProblems = (list: Record<string, string> | undefined, at: string): FieldError[] =>
  listProblems(list, at, false);
