/**
 * Extended resources that devices stand behind: a pod that asks for `example.com/gpu: 2` gets devices of the class that names
 * this resource, on nodes where no device plugin offers it. The claim for them is the scheduler's own.
 */
import type { DeviceClass, Pod, core_v1, resource_v1 } from '@coracle/machinery/api';
import { amountOf } from '../resources.ts';

/** Says in a claim's annotations that the scheduler made it for extended resources. */
export const extendedResourceAnnotation = 'resource.kubernetes.io/extended-resource-claim';
const implicitPrefix = 'deviceclass.resource.kubernetes.io/';

/** The classes behind resource names. Of several that name one resource, the newest; then the first by name. */
export function classesByResource(classes: Iterable<DeviceClass>): Map<string, DeviceClass> {
  const result = new Map<string, DeviceClass>();
  for (const one of classes) {
    result.set(`${implicitPrefix}${one.metadata.name}`, one);
    const explicit = one.spec.extendedResourceName;
    if (!explicit) continue;
    const other = result.get(explicit);
    if (!other || preferred(one, other)) result.set(explicit, one);
  }
  return result;
}

function preferred(a: DeviceClass, b: DeviceClass): boolean {
  const [x, y] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return x === y ? a.metadata.name < b.metadata.name : x > y;
}

export interface ExtendedAsk {
  readonly spec: resource_v1.DeviceClaim;
  readonly mappings: readonly core_v1.ContainerExtendedResourceRequest[];
}

interface Part {
  readonly name: string;
  readonly count: number;
}

/**
 * Requests for the devices of these resources, one for each container and resource. Init containers run before the others:
 * they use the devices of those that follow, and only what these lack is asked for, once, for the one that lacks most.
 */
export function extendedAsk(
  pod: Pod,
  resources: readonly string[],
  classes: ReadonlyMap<string, DeviceClass>,
): ExtendedAsk {
  const init = pod.spec?.initContainers ?? [];
  const containers = [...init, ...(pod.spec?.containers ?? [])];
  const requests: resource_v1.DeviceRequest[] = [];
  const mappings: core_v1.ContainerExtendedResourceRequest[] = [];
  for (const resourceName of resources.toSorted()) {
    const deviceClassName = classes.get(resourceName)!.metadata.name;
    const parts: (Part | undefined)[] = containers.map(() => undefined);
    const map = (containerName: string, requestName: string): void => {
      mappings.push({ containerName, resourceName, requestName });
    };
    const wanted = (i: number): Part | undefined => {
      const asked = containers[i]!.resources?.requests ?? {};
      const amount = asked[resourceName];
      const count = amount === undefined ? 0 : amountOf(resourceName, amount);
      if (count <= 0) return undefined;
      const index = Object.keys(asked).toSorted().indexOf(resourceName);
      return { name: `container-${i}-request-${index}`, count };
    };
    const short = (i: number): boolean => i < init.length && init[i]!.restartPolicy !== 'Always';
    for (const [i, container] of containers.entries()) {
      const part = short(i) ? undefined : wanted(i);
      if (!part) continue;
      parts[i] = part;
      map(container.name, part.name);
    }
    const lacking: { container: string; part: Part }[] = [];
    for (const [i, container] of containers.entries()) {
      const part = short(i) ? wanted(i) : undefined;
      if (!part) continue;
      let left = part.count;
      for (const other of parts.slice(i)) {
        if (!other || left <= 0) continue;
        map(container.name, other.name);
        left -= other.count;
      }
      if (left > 0) lacking.push({ container: container.name, part: { name: part.name, count: left } });
    }
    let most: Part | undefined;
    for (const { part } of lacking) if (!most || part.count > most.count) most = part;
    for (const { container } of lacking) map(container, most!.name);
    for (const part of most ? [most, ...parts] : parts) {
      if (!part) continue;
      requests.push({
        name: part.name,
        exactly: { deviceClassName, allocationMode: 'ExactCount', count: part.count },
      });
    }
  }
  requests.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { spec: { requests }, mappings };
}
