/** LimitRanges: default requests and limits, and the bounds of what one container, pod or claim may ask for. */
import { parseQuantity, type Quantity } from '@coracle/machinery';
import type { Container, core_v1, LimitRangeItem, PersistentVolumeClaim, Pod } from '@coracle/machinery/api';
import type { AdmissionPlugin, AdmissionRequest } from '../contracts.ts';
import { defaultPodSpec } from '../strategy/pod-defaults.ts';
import { about, type AdmissionDeps, containersOf, createdPod, refuse } from './common.ts';

type Resources = Record<string, string> | undefined;

function quantity(value: string | undefined): Quantity | undefined {
  if (value === undefined) return undefined;
  try {
    return parseQuantity(value);
  } catch {
    return undefined;
  }
}

/** What is out of `item`'s bounds for one asker, in upstream's words. */
function outOfBounds(item: LimitRangeItem, kind: string, requests: Resources, limits: Resources): string[] {
  const problems: string[] = [];
  for (const [name, bound] of Object.entries(item.min ?? {})) {
    const least = quantity(bound);
    const request = quantity(requests?.[name]);
    const limit = quantity(limits?.[name]);
    if (!least) continue;
    if (!request && !limit)
      problems.push(`minimum ${name} usage per ${kind} is ${bound}.  No request is specified`);
    else if (request && request.cmp(least) < 0)
      problems.push(`minimum ${name} usage per ${kind} is ${bound}, but request is ${request}`);
    else if (limit && limit.cmp(least) < 0)
      problems.push(`minimum ${name} usage per ${kind} is ${bound}, but limit is ${limit}`);
  }
  for (const [name, bound] of Object.entries(item.max ?? {})) {
    const most = quantity(bound);
    const request = quantity(requests?.[name]);
    const limit = quantity(limits?.[name]);
    if (!most) continue;
    if (!limit && kind !== 'PersistentVolumeClaim')
      problems.push(`maximum ${name} usage per ${kind} is ${bound}.  No limit is specified`);
    else if (limit && limit.cmp(most) > 0)
      problems.push(`maximum ${name} usage per ${kind} is ${bound}, but limit is ${limit}`);
    else if (request && request.cmp(most) > 0)
      problems.push(`maximum ${name} usage per ${kind} is ${bound}, but request is ${request}`);
  }
  for (const [name, bound] of Object.entries(item.maxLimitRequestRatio ?? {})) {
    const ratio = quantity(bound);
    const request = quantity(requests?.[name]);
    const limit = quantity(limits?.[name]);
    if (!ratio) continue;
    if (!request || !limit || request.isZero || limit.isZero)
      problems.push(
        `${name} max limit to request ratio per ${kind} is ${bound}, but no request is specified or request is 0`,
      );
    else if (limit.nanos * 1_000_000_000n > ratio.nanos * request.nanos)
      problems.push(
        `${name} max limit to request ratio per ${kind} is ${bound}, but provided ratio is ${(limit.toNumber() / request.toNumber()).toFixed(6)}`,
      );
  }
  return problems;
}

function defaultContainer(container: Container, item: LimitRangeItem, changes: Map<string, string[]>): void {
  container.resources ??= {};
  const note = (what: string, name: string): void => {
    const key = `${what} for container ${container.name}`;
    changes.set(key, [...(changes.get(key) ?? []), name]);
  };
  for (const [name, value] of Object.entries(item.default ?? {})) {
    if (container.resources.limits?.[name] !== undefined) continue;
    container.resources.limits = { ...container.resources.limits, [name]: value };
    note('limit', name);
  }
  for (const [name, value] of Object.entries(item.defaultRequest ?? {})) {
    if (container.resources.requests?.[name] !== undefined) continue;
    container.resources.requests = { ...container.resources.requests, [name]: value };
    note('request', name);
  }
}

/** The pod's totals: the sum of its containers, or its largest init container where that asks for more. */
function totals(pod: Pod, part: 'requests' | 'limits'): Record<string, string> {
  const sums = new Map<string, Quantity>();
  for (const container of pod.spec?.containers ?? [])
    for (const [name, value] of Object.entries(container.resources?.[part] ?? {})) {
      const amount = parseQuantity(value);
      sums.set(name, sums.get(name)?.add(amount) ?? amount);
    }
  for (const container of pod.spec?.initContainers ?? [])
    for (const [name, value] of Object.entries(container.resources?.[part] ?? {})) {
      const amount = parseQuantity(value);
      const sum = sums.get(name);
      if (!sum || amount.cmp(sum) > 0) sums.set(name, amount);
    }
  return Object.fromEntries([...sums].map(([name, value]) => [name, value.toString()]));
}

function check(request: AdmissionRequest, problems: string[]): void {
  if (problems.length === 0) return;
  throw refuse(request, problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`);
}

const none: LimitRangeItem[] = [];

export function limitRanger({ lookup }: AdmissionDeps): AdmissionPlugin {
  const itemsOf = (request: AdmissionRequest): LimitRangeItem[] => {
    const ranges = lookup.list('', 'limitranges', request.namespace);
    return ranges.length === 0
      ? none
      : ranges.flatMap((range) => (range['spec'] as core_v1.LimitRangeSpec | undefined)?.limits ?? []);
  };

  return {
    name: 'LimitRanger',
    completes: true,
    mutate(request) {
      const pod = createdPod(request);
      if (!pod?.spec) return;
      const all = itemsOf(request);
      const items = all.length === 0 ? all : all.filter((item) => item.type === 'Container');
      if (items.length === 0) return;
      // Limits written in the pod speak for its requests, before the range's defaults do.
      defaultPodSpec(pod.spec, false);
      const changes = new Map<string, string[]>();
      for (const item of items)
        for (const container of containersOf(pod)) defaultContainer(container, item, changes);
      if (changes.size > 0) {
        const text = [...changes].map(([what, names]) => {
          const [kind = '', ...rest] = what.split(' ');
          return `${names.toSorted().join(', ')} ${kind} ${rest.join(' ')}`;
        });
        pod.metadata.annotations = {
          ...pod.metadata.annotations,
          'kubernetes.io/limit-ranger': `LimitRanger plugin set: ${text.join('; ')}`,
        };
      }
    },
    validate(request) {
      const pod = createdPod(request);
      if (pod) {
        const problems: string[] = [];
        for (const item of itemsOf(request)) {
          if (item.type === 'Container')
            for (const container of containersOf(pod))
              problems.push(
                ...outOfBounds(item, 'Container', container.resources?.requests, container.resources?.limits),
              );
          else if (item.type === 'Pod')
            problems.push(...outOfBounds(item, 'Pod', totals(pod, 'requests'), totals(pod, 'limits')));
        }
        check(request, problems);
      } else if (about(request, '', 'persistentvolumeclaims') && request.operation !== 'DELETE') {
        const claim = request.object as unknown as PersistentVolumeClaim | undefined;
        const problems = itemsOf(request)
          .filter((item) => item.type === 'PersistentVolumeClaim')
          .flatMap((item) =>
            outOfBounds(item, 'PersistentVolumeClaim', claim?.spec?.resources?.requests, undefined),
          );
        check(request, problems);
      }
    },
  };
}
