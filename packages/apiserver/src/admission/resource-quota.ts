/**
 * ResourceQuotas. Usage is counted from the stored objects at each request, plus what this server has admitted and not
 * yet seen stored; the check is one synchronous step, so two requests never share the last free unit.
 */
import { addAmounts, parseQuantity, type Quantity } from '@coracle/machinery';
import type { core_v1, Pod } from '@coracle/machinery/api';
import type { AdmissionPlugin, AdmissionRequest } from '../contracts.ts';
import { type AdmissionDeps, nameOf, refuse } from './common.ts';
import { missingOf, quotaMatches, type Usage, usageOf } from './quota-usage.ts';

/** An admitted object that may not be stored yet. */
interface Pending {
  group: string;
  resource: string;
  name: string;
  object: NonNullable<AdmissionRequest['object']>;
  until: number;
}
/** By then a write has been stored or has failed. */
const pendingMs = 5_000;

const print = (amounts: readonly (readonly [string, Quantity])[]): string =>
  amounts.map(([name, amount]) => `${name}=${amount}`).join(',');

export function resourceQuota({ lookup, now }: AdmissionDeps): AdmissionPlugin {
  /** By namespace; entries go when their object is seen, or time is up. */
  const pending = new Map<string, Pending[]>();

  function stillPending(namespace: string, time: number): Pending[] {
    const left = (pending.get(namespace) ?? []).filter(
      (entry) => entry.until > time && !lookup.get(entry.group, entry.resource, namespace, entry.name),
    );
    if (left.length > 0) pending.set(namespace, left);
    else pending.delete(namespace);
    return left;
  }

  function used(
    request: AdmissionRequest,
    quota: core_v1.ResourceQuotaSpec,
    waiting: Pending[],
    time: number,
  ): Usage {
    const total: Usage = new Map();
    const { group, resource, namespace } = request;
    for (const object of lookup.list(group, resource, namespace))
      if (quotaMatches(quota, resource, object)) addAmounts(total, usageOf(group, resource, object, time));
    for (const entry of waiting)
      if (entry.group === group && entry.resource === resource && quotaMatches(quota, resource, entry.object))
        addAmounts(total, usageOf(group, resource, entry.object, time));
    return total;
  }

  function check(request: AdmissionRequest, object: NonNullable<AdmissionRequest['object']>): void {
    const quotas = lookup.list('', 'resourcequotas', request.namespace);
    if (quotas.length === 0) return;
    const time = now().getTime();
    const waiting = stillPending(request.namespace, time);
    const { group, resource, oldObject } = request;
    let charged = false;
    for (const item of quotas) {
      const quota = (item['spec'] ?? {}) as core_v1.ResourceQuotaSpec;
      const hard = quota.hard ?? {};
      if (!quotaMatches(quota, resource, object)) continue;
      const name = item.metadata.name;
      if (group === '' && resource === 'pods' && request.operation === 'CREATE') {
        const missing = missingOf(quota, object as unknown as Pod);
        if (missing) throw refuse(request, `failed quota: ${name}: must specify ${missing}`);
      }
      const wanted = usageOf(group, resource, object, time);
      const had: Usage =
        request.operation === 'UPDATE' && oldObject && quotaMatches(quota, resource, oldObject)
          ? usageOf(group, resource, oldObject, time)
          : new Map();
      const asked = [...wanted]
        .filter(([key]) => hard[key] !== undefined)
        .map(([key, amount]) => [key, had.has(key) ? amount.sub(had.get(key) ?? amount) : amount] as const)
        .filter(([, amount]) => amount.nanos > 0n)
        .toSorted(([a], [b]) => (a < b ? -1 : 1));
      if (asked.length === 0) continue;
      charged = true;
      const usage = used(request, quota, waiting, time);
      const zero = parseQuantity('0');
      const over = asked.filter(
        ([key, amount]) => (usage.get(key) ?? zero).add(amount).cmp(parseQuantity(hard[key] ?? '0')) > 0,
      );
      if (over.length > 0) {
        const keys = over.map(([key]) => key);
        throw refuse(
          request,
          `exceeded quota: ${name}, requested: ${print(over)}, used: ${print(keys.map((key) => [key, usage.get(key) ?? zero] as const))}, limited: ${print(keys.map((key) => [key, parseQuantity(hard[key] ?? '0')] as const))}`,
        );
      }
    }
    if (charged && request.operation === 'CREATE' && !request.dryRun && nameOf(request)) {
      const entry = { group, resource, name: nameOf(request), object, until: time + pendingMs };
      pending.set(request.namespace, [...waiting, entry]);
    }
  }

  return {
    name: 'ResourceQuota',
    validate(request) {
      if (request.namespace === '' || request.subresource !== '' || !request.object) return;
      if (request.operation !== 'CREATE' && request.operation !== 'UPDATE') return;
      check(request, request.object);
    },
  };
}
