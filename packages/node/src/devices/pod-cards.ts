/** What a pod asks of this node's cards, claims aside; and giving it that. */
import { cardParts, indexAnnotation, readIndices, wholeCard } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import { amountsOf } from '../pod/resources.ts';
import { type DeviceManager, type DeviceRequest, gpuResource, type ShareRequest } from './device-manager.ts';

/** Whole cards by container. */
export function cardRequests(pod: Pod): DeviceRequest[] {
  const of = (list: NonNullable<Pod['spec']>['containers'] | undefined, init: boolean): DeviceRequest[] =>
    (list ?? []).map((container) => ({
      container: container.name,
      count: amountsOf(container.resources?.limits)[gpuResource] ?? 0,
      // A sidecar runs beside the others and needs its own.
      init: init && container.restartPolicy !== 'Always',
    }));
  return [...of(pod.spec?.containers, false), ...of(pod.spec?.initContainers, true)];
}

/** Parts of cards, for all containers; undefined: none. */
export function shareRequest(pod: Pod): ShareRequest | undefined {
  const parts = cardParts(pod.metadata.annotations);
  if (!parts || parts.count === 0) return undefined;
  const all = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])];
  return { ...parts, containers: all.map(({ name }) => name) };
}

/** True if the pod is to have cards. */
export function wantsCards(pod: Pod): boolean {
  return shareRequest(pod) !== undefined || cardRequests(pod).some(({ count }) => count > 0);
}

/** Gives the pod its cards; nothing changes for one that has them. Throws when they are not free. */
export function giveCards(pod: Pod, devices: DeviceManager): void {
  const wanted = readIndices(pod.metadata.annotations?.[indexAnnotation]);
  const share = shareRequest(pod);
  if (share) devices.share(pod.metadata.uid, share, wanted);
  else devices.allocate(pod.metadata.uid, cardRequests(pod), wanted);
}

/** Gives a pod that has been running what it had, by the annotation that says so. False: it cannot be known, or be given. */
export function restoreCards(pod: Pod, annotation: string | undefined, devices: DeviceManager): boolean {
  if (annotation === undefined) return false;
  const share = shareRequest(pod);
  return devices.adopt(pod.metadata.uid, annotation, share?.milli ?? wholeCard, share?.memory ?? 0);
}
