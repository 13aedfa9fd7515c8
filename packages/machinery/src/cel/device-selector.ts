/**
 * CEL selectors of devices (`resource.k8s.io`): compiled once, evaluated for each device of each node.
 *
 * The one variable is `device`, with `driver`, `attributes[domain].name`, `capacity[domain].name` (quantities) and
 * `allowMultipleAllocations`. A domain that the device does not name is an empty map; a name that is missing in its domain is an error.
 */
import type { resource_v1 } from '../api/index.ts';
import { CelError } from './errors.ts';

/** What a selector sees of a device. Qualified names without a domain belong to the domain of the driver. */
export interface SelectableDevice {
  readonly driver: string;
  readonly attributes?: Readonly<Record<string, resource_v1.DeviceAttribute>> | undefined;
  readonly capacity?: Readonly<Record<string, resource_v1.DeviceCapacity>> | undefined;
  readonly allowMultipleAllocations?: boolean | undefined;
}

export interface DeviceSelector {
  readonly expression: string;
  /**
   * Whether the device is wanted. Throws CelError where evaluation fails (say, an attribute is missing): upstream gives up the
   * allocation on that node then, and does not take it for false.
   */
  matches(device: SelectableDevice): boolean;
}

/** A selector, or why the expression is none (the API server's words after `compilation failed: `). Never both, never neither. */
export function compileDeviceSelector(expression: string): { program?: DeviceSelector; error?: string } {
  throw new CelError(`no CEL engine yet: ${expression}`);
}
