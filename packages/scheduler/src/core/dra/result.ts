/** What was found, as `ResourceClaim.status.allocation` says it. */
import type { NodeSelector, NodeSelectorRequirement, resource_v1 } from '@coracle/machinery/api';
import type { Pick } from './allocator.ts';
import type { Alternative, ClaimAsk } from './ask.ts';
import type { AllocationResult } from './types.ts';

/** `shareId` names a share: same arguments, same id; no two shares of a device have one id. */
export function allocationResult(
  { spec, requests }: ClaimAsk,
  picks: readonly Pick[],
  nodeName: string,
  shareId: (device: string, index: number) => string,
): AllocationResult {
  const results = picks.map(({ alternative, device, consumed }, index) => {
    const { bindingConditions, bindingFailureConditions, name } = device.spec;
    const { adminAccess, tolerations } = alternative;
    const shared = device.shared && !adminAccess;
    return {
      request: alternative.name,
      driver: device.driver,
      pool: device.slice.pool.name,
      device: name,
      ...(adminAccess ? { adminAccess } : {}),
      ...(tolerations.length > 0 ? { tolerations: structuredClone([...tolerations]) } : {}),
      ...(shared ? { shareID: shareId(device.id, index) } : {}),
      ...(consumed
        ? {
            consumedCapacity: Object.fromEntries(
              Object.entries(consumed).map(([key, amount]) => [key, amount.toString()]),
            ),
          }
        : {}),
      ...(bindingConditions?.length ? { bindingConditions: [...bindingConditions] } : {}),
      ...(bindingFailureConditions?.length
        ? { bindingFailureConditions: [...bindingFailureConditions] }
        : {}),
    };
  });
  const config = configuration(spec, requests, picks);
  const nodeSelector = selectorOf(picks, nodeName);
  return {
    devices: { results, ...(config.length > 0 ? { config } : {}) },
    ...(nodeSelector ? { nodeSelector } : {}),
  } as AllocationResult;
}

/** The classes' configuration, each class once, in the order of the requests; then the claim's own. */
function configuration(
  spec: resource_v1.DeviceClaim,
  requests: ClaimAsk['requests'],
  picks: readonly Pick[],
): resource_v1.DeviceAllocationConfiguration[] {
  const chosen = new Map<string, Alternative>();
  for (const { name, alternatives } of requests) {
    const alternative = alternatives.find((a) => picks.some((pick) => pick.alternative === a));
    if (alternative) chosen.set(name, alternative);
  }
  const result: resource_v1.DeviceAllocationConfiguration[] = [];
  const ofClass = new Map<string, resource_v1.DeviceAllocationConfiguration[]>();
  for (const alternative of chosen.values()) {
    const known = ofClass.get(alternative.class.metadata.name);
    if (known) {
      for (const entry of known) entry.requests!.push(alternative.name);
      continue;
    }
    const entries = (alternative.class.spec.config ?? []).map((config) => ({
      source: 'FromClass',
      requests: [alternative.name],
      ...structuredClone(config),
    }));
    ofClass.set(alternative.class.metadata.name, entries);
    result.push(...entries);
  }
  for (const config of spec.config ?? []) {
    const named = config.requests ?? [];
    const copy = (): resource_v1.DeviceAllocationConfiguration => ({
      source: 'FromClaim',
      ...structuredClone(config),
    });
    if (named.length === 0) result.push(copy());
    else {
      for (const [name, alternative] of chosen) {
        if (named.includes(name) || named.includes(alternative.name)) result.push(copy());
      }
    }
  }
  // No names: for all requests.
  for (const entry of result) {
    if (entry.requests && entry.requests.length === (spec.requests ?? []).length) delete entry.requests;
  }
  return result;
}

/** On which nodes the devices can be used; undefined: on all. */
function selectorOf(picks: readonly Pick[], nodeName: string): NodeSelector | undefined {
  const fields: NodeSelectorRequirement[] = [];
  const expressions: NodeSelectorRequirement[] = [];
  const add = (to: NodeSelectorRequirement[], more: readonly NodeSelectorRequirement[] = []): void => {
    for (const requirement of more) if (!to.some((known) => same(known, requirement))) to.push(requirement);
  };
  for (const { device } of picks) {
    const place = device.slice.perDeviceNodeSelection ? device.spec : device.slice;
    if (place.nodeName || device.spec.bindsToNode) {
      const here = { key: 'metadata.name', operator: 'In', values: [nodeName] };
      return { nodeSelectorTerms: [{ matchFields: [here] }] };
    }
    const term = place.nodeSelector?.nodeSelectorTerms[0];
    add(fields, term?.matchFields);
    add(expressions, term?.matchExpressions);
  }
  if (fields.length + expressions.length === 0) return undefined;
  return {
    nodeSelectorTerms: [
      {
        ...(fields.length > 0 ? { matchFields: fields } : {}),
        ...(expressions.length > 0 ? { matchExpressions: expressions } : {}),
      },
    ],
  };
}

function same(a: NodeSelectorRequirement, b: NodeSelectorRequirement): boolean {
  const values = new Set(a.values);
  return (
    a.key === b.key &&
    a.operator === b.operator &&
    values.size === new Set(b.values).size &&
    (b.values ?? []).every((value) => values.has(value))
  );
}
