import { deepEqual, errors, type ResourceType, type Status, type Unstructured } from '@coracle/machinery';
import type { FakeStorage } from './storage.ts';

/** What a PUT or PATCH makes of an object, on the main resource or on a subresource. */
export function updateObject(
  storage: FakeStorage,
  type: ResourceType,
  current: Unstructured,
  wanted: Unstructured,
  subresource: string,
  dryRun: boolean,
): Unstructured {
  const asked = wanted.metadata ?? {};
  if (asked.resourceVersion && asked.resourceVersion !== current.metadata.resourceVersion) {
    throw errors.conflict(
      type,
      current.metadata.name,
      'the object has been modified; please apply your changes to the latest version and try again',
    );
  }
  if (asked.uid && asked.uid !== current.metadata.uid) {
    throw errors.conflict(
      type,
      current.metadata.name,
      `Precondition failed: UID in precondition: ${asked.uid}, UID in object meta: ${current.metadata.uid}`,
    );
  }
  let next: Unstructured;
  if (subresource === 'status') {
    next = { ...current, status: wanted['status'] };
    // As upstream: a node may annotate its pods along with their status.
    const { annotations } = wanted.metadata;
    if (annotations && type.resource === 'pods' && type.group === '')
      next.metadata = { ...current.metadata, annotations };
  } else {
    const { status: _, ...rest } = wanted;
    next = {
      ...rest,
      metadata: { ...asked, ...fixed(current) },
      apiVersion: current.apiVersion,
      kind: current.kind,
    };
    // Kinds without a status subresource in the real API have no status field at all.
    if (current['status'] !== undefined) next['status'] = current['status'];
    const changed = !deepEqual({ ...next, metadata: 0, status: 0 }, { ...current, metadata: 0, status: 0 });
    if (changed) next.metadata.generation = (current.metadata.generation ?? 0) + 1;
  }
  if (dryRun || deepEqual(next, current)) return dryRun ? next : current;
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = next.metadata;
  const released = deletionTimestamp && !finalizers?.length && !deletionGracePeriodSeconds;
  return released ? storage.commit(type, next, undefined) : storage.commit(type, current, next);
}

/** Metadata that writers cannot change. */
function fixed({ metadata }: Unstructured): Unstructured['metadata'] {
  const { name, namespace, uid, resourceVersion, creationTimestamp, generation } = metadata;
  const { deletionTimestamp, deletionGracePeriodSeconds } = metadata;
  return {
    name,
    uid,
    resourceVersion,
    creationTimestamp,
    ...(namespace ? { namespace } : {}),
    ...(generation === undefined ? {} : { generation }),
    ...(deletionTimestamp ? { deletionTimestamp } : {}),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
  };
}

/** Deletes, or marks as being deleted while finalizers or a bound pod's grace period hold it. `options`: DeleteOptions. */
export function deleteObject(
  storage: FakeStorage,
  type: ResourceType,
  current: Unstructured,
  options: Record<string, unknown>,
): Unstructured | Status {
  const { name, uid, resourceVersion } = current.metadata;
  const wanted = (options['preconditions'] ?? {}) as { uid?: string; resourceVersion?: string };
  if (wanted.uid && wanted.uid !== uid) {
    throw errors.conflict(
      type,
      name,
      `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`,
    );
  }
  if (wanted.resourceVersion && wanted.resourceVersion !== resourceVersion) {
    throw errors.conflict(type, name, 'Precondition failed: ResourceVersion differs');
  }
  const finalizers = new Set(current.metadata.finalizers);
  if (options['propagationPolicy'] === 'Foreground') finalizers.add('foregroundDeletion');
  if (options['propagationPolicy'] === 'Orphan') finalizers.add('orphan');
  const grace = graceOf(type, current, options['gracePeriodSeconds'] as number | undefined);
  if (grace === 0 && finalizers.size === 0) {
    storage.commit(type, current, undefined);
    return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: { name, uid } };
  }
  const metadata = {
    ...current.metadata,
    deletionTimestamp: current.metadata.deletionTimestamp ?? storage.time(),
    deletionGracePeriodSeconds: Math.min(grace, current.metadata.deletionGracePeriodSeconds ?? grace),
    ...(finalizers.size > 0 ? { finalizers: [...finalizers] } : {}),
  };
  if (deepEqual(metadata, current.metadata)) return current;
  return storage.commit(type, current, { ...current, metadata });
}

/** Only a bound, unfinished pod waits for its kubelet. */
function graceOf(type: ResourceType, object: Unstructured, asked: number | undefined): number {
  if (type.resource !== 'pods' || type.group !== '') return 0;
  const spec = (object['spec'] ?? {}) as { nodeName?: string; terminationGracePeriodSeconds?: number };
  const { phase } = (object['status'] ?? {}) as { phase?: string };
  if (!spec.nodeName || phase === 'Succeeded' || phase === 'Failed') return 0;
  return asked ?? spec.terminationGracePeriodSeconds ?? 30;
}
