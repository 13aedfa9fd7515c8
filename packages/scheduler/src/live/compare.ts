/** What of an object matters to the scheduler: most changes the API server tells of change nothing that is decided by. */
import { deepEqual } from '@coracle/machinery';
import { givenAsAsked } from '../core/index.ts';
import type { Container, ContainerStatus, Node, Pod } from '@coracle/machinery/api';

/** True if a decision may depend on what changed: heartbeats and the like do not matter. */
export function nodeMatters(before: Node, after: Node): boolean {
  return !(
    before.metadata.uid === after.metadata.uid &&
    deepEqual(before.status?.allocatable, after.status?.allocatable) &&
    deepEqual(before.metadata.labels, after.metadata.labels) &&
    deepEqual(before.spec?.taints, after.spec?.taints) &&
    before.spec?.unschedulable === after.spec?.unschedulable &&
    deepEqual(before.status?.declaredFeatures, after.status?.declaredFeatures) &&
    deepEqual(before.status?.images, after.status?.images)
  );
}

/** True if a decision for the pod depends on nothing that changed. */
export function sameWish(before: Pod, after: Pod): boolean {
  return (
    deepEqual(before.spec, after.spec) &&
    deepEqual(before.status?.resourceClaimStatuses, after.status?.resourceClaimStatuses)
  );
}

/** True if the pod holds on its node what it held before. */
export function sameHold(before: Pod, after: Pod): boolean {
  const [was, is] = [before.spec, after.spec];
  return (
    (was === is ||
      (sameOf(was?.containers, is?.containers, sameResources) &&
        sameOf(was?.initContainers, is?.initContainers, sameResources) &&
        deepEqual(was?.resources, is?.resources))) &&
    sameAnnotations(before, after) &&
    (before.status === after.status ||
      (givenAsAsked(before) && givenAsAsked(after)) ||
      (sameOf(before.status?.containerStatuses, after.status?.containerStatuses, sameGiven) &&
        sameOf(before.status?.initContainerStatuses, after.status?.initContainerStatuses, sameGiven) &&
        resizing(before) === resizing(after)))
  );
}

/** The cards a pod has are in its annotations. */
const sameAnnotations = (before: Pod, after: Pod): boolean =>
  deepEqual(before.metadata.annotations, after.metadata.annotations);

const sameResources = (a: Container | undefined, b: Container | undefined): boolean =>
  deepEqual(a?.resources, b?.resources);

const sameGiven = (a: ContainerStatus | undefined, b: ContainerStatus | undefined): boolean =>
  deepEqual(a?.allocatedResources, b?.allocatedResources) && deepEqual(a?.resources, b?.resources);

/** Why the resize that the pod waits for waits. */
const resizing = ({ status }: Pod): string | undefined =>
  status?.conditions?.find(({ type }) => type === 'PodResizePending')?.reason;

/** True if both lists are equal where `same` looks; past its end a list has undefined, as where it is absent. */
function sameOf<T>(
  a: readonly T[] | undefined,
  b: readonly T[] | undefined,
  same: (a: T | undefined, b: T | undefined) => boolean,
): boolean {
  if (a === b) return true;
  const length = Math.max(a?.length ?? 0, b?.length ?? 0);
  for (let i = 0; i < length; i++) if (!same(a?.[i], b?.[i])) return false;
  return true;
}
