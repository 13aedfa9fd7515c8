/** What claims ask for, read once for all claims with equal specs. */
import type { DeviceClass, resource_v1 } from '@coracle/machinery/api';
import type { SelectorSet, Selectors } from './selectors.ts';

/** One way to satisfy a request. */
export interface Alternative {
  /** As results name it: `request`, or `request/alternative`. */
  readonly name: string;
  readonly class: DeviceClass;
  readonly selectors: SelectorSet;
  /** All matching devices of the node, instead of `count` of them. */
  readonly all: boolean;
  readonly count: number;
  readonly adminAccess: boolean;
  /** The request says something about admin access. */
  readonly tolerations: readonly resource_v1.DeviceToleration[];
  readonly capacity: Readonly<Record<string, string>> | undefined;
}

export interface RequestAsk {
  readonly name: string;
  /** In order of preference; one for an exact request. */
  readonly alternatives: readonly Alternative[];
  readonly prioritized: boolean;
}

export interface ClaimAsk {
  readonly spec: resource_v1.DeviceClaim;
  readonly requests: readonly RequestAsk[];
}

/** Devices a request or its alternative is held to: what `requests` of a constraint or a configuration mean. */
export function concerns(requests: readonly string[] | undefined, request: string, full: string): boolean {
  return !requests || requests.length === 0 || requests.includes(request) || requests.includes(full);
}

/** Throws AskError if a claim can be satisfied on no node as things are. */
export function readClaim(
  spec: resource_v1.DeviceClaim,
  classes: ReadonlyMap<string, DeviceClass>,
  selectors: Selectors,
): ClaimAsk {
  const read = (
    name: string,
    request: resource_v1.ExactDeviceRequest | resource_v1.DeviceSubRequest,
  ): Alternative => {
    const found = classes.get(request.deviceClassName);
    if (!found) throw new AskError(`request ${name}: device class ${request.deviceClassName} does not exist`);
    const mode = request.allocationMode || 'ExactCount';
    if (mode !== 'ExactCount' && mode !== 'All') {
      throw new AskError(`claim %claim, request ${name}: unsupported count mode ${mode}`);
    }
    const placed = (of: string, list: readonly resource_v1.DeviceSelector[] = []) =>
      list.map(({ cel }, index) => ({ of, index, expression: cel?.expression ?? 'false' }));
    return {
      name,
      class: found,
      selectors: selectors.set([
        ...placed(`class ${found.metadata.name}`, found.spec.selectors),
        ...placed('claim', request.selectors),
      ]),
      all: mode === 'All',
      count: Number(request.count ?? 1),
      adminAccess: 'adminAccess' in request && request.adminAccess === true,
      tolerations: request.tolerations ?? [],
      capacity: request.capacity?.requests,
    };
  };
  const requests = (spec.requests ?? []).map(({ name, exactly, firstAvailable }): RequestAsk => {
    if (exactly) return { name, alternatives: [read(name, exactly)], prioritized: false };
    if (!firstAvailable?.length)
      throw new AskError(`resource claim %claim, request ${name}: unknown request type`);
    const alternatives = firstAvailable.map((sub) => read(`${name}/${sub.name}`, sub));
    return { name, alternatives, prioritized: true };
  });
  for (const [i, { matchAttribute, distinctAttribute }] of (spec.constraints ?? []).entries()) {
    if (matchAttribute === undefined && distinctAttribute === undefined) {
      throw new AskError(`claim %claim, constraint #${i}: empty constraint (unsupported constraint type?)`);
    }
  }
  return { spec, requests };
}

/** No node will do. `%claim` in the message stands for the claim's name. */
export class AskError extends Error {
  override name = 'AskError';
}
