import { valueOf_ } from '@coracle/machinery';
import type { core_v1 } from '@coracle/machinery/api';

function count(list: Record<string, string> | undefined): number {
  const name = Object.keys(list ?? {}).find((key) => key.toLowerCase().includes('gpu'));
  return name === undefined ? 0 : valueOf_(list?.[name]);
}

/** How many of a resource with `gpu` in its name are asked for. */
export function gpusOf(resources: core_v1.ResourceRequirements | undefined): number {
  return count(resources?.requests) || count(resources?.limits);
}
