/**
 * The part of an object that the server owns: uid, timestamps, generation and version in `metadata`, and the wall between a
 * resource and its status (each is written through its own path only).
 */
import {
  deepEqual,
  errors,
  formatTime,
  jsonClone,
  type Kind,
  type ObjectMeta,
  type Unstructured,
} from '@coracle/machinery';
import type { Strategy } from '../contracts.ts';

/** Kinds whose status the creator may set: a kubelet registers its Node with what it found. */
const statusOnCreate = new Set(['/nodes']);
/** Core kinds that count generations; outside the core group every kind with a spec does. */
const coreGenerations = new Set(['pods', 'replicationcontrollers']);

const idOf = (kind: Kind): string => `${kind.group}/${kind.resource}`;

export function countsGenerations(kind: Kind): boolean {
  if (!kind.builtin) return true;
  if (kind.group === '' && !coreGenerations.has(kind.resource)) return false;
  return kind.schema.properties?.['spec'] !== undefined;
}

/** Drops what a caller may not set on a new object. Throws BadRequest for a resourceVersion. */
export function clearForCreate(kind: Kind, object: Unstructured): void {
  const meta = object.metadata as ObjectMeta & Record<string, unknown>;
  if (meta.resourceVersion !== undefined && meta.resourceVersion !== '')
    throw errors.badRequest('resourceVersion should not be set on objects to be created');
  for (const field of [
    'resourceVersion',
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
    'generation',
    'selfLink',
  ])
    // Deleting what is not there costs as much as deleting what is.
    if (meta[field] !== undefined) delete meta[field];
  if (object['status'] !== undefined && kind.subresources['status'] && !statusOnCreate.has(idOf(kind)))
    delete object['status'];
}

/** Gives a new object its identity. */
export function stampCreate(kind: Kind, object: Unstructured, now: Date, uid: string): void {
  const meta = object.metadata as ObjectMeta;
  meta.uid = uid;
  meta.creationTimestamp = formatTime(now);
  if (countsGenerations(kind)) meta.generation = 1;
}

/** Carries over what an update may not change. */
export function carryForUpdate(object: Unstructured, old: Unstructured): void {
  const meta = object.metadata as ObjectMeta & Record<string, unknown>;
  const before = old.metadata as ObjectMeta;
  if (meta['selfLink'] !== undefined) delete meta['selfLink'];
  meta.name = before.name;
  for (const field of [
    'namespace',
    'uid',
    'creationTimestamp',
    'generation',
    'generateName',
    'deletionTimestamp',
    'deletionGracePeriodSeconds',
  ] as const) {
    const value = before[field];
    if (value === undefined) {
      if (meta[field] !== undefined) delete meta[field];
    } else (meta as Record<string, unknown>)[field] = value;
  }
  // Clients that know nothing of managed fields send none back; an explicit empty list clears them.
  if (meta.managedFields === undefined && before.managedFields !== undefined)
    meta.managedFields = jsonClone(before.managedFields);
  else if (meta.managedFields?.length === 0) delete meta.managedFields;
}

/** A write of the main resource leaves the status as it is: the old one, frozen. */
export function keepStatus(kind: Kind, object: Unstructured, old: Unstructured): void {
  if (!kind.subresources['status']) return;
  if (old['status'] === undefined) delete object['status'];
  else object['status'] = old['status'];
}

/**
 * What a write of the status stores: the old object with the new status. Metadata comes along for built-in kinds (annotations
 * written through the status path are kept, as they are upstream) and stays for custom resources. All other fields are the old
 * object's own, frozen.
 */
export function statusOnly(kind: Kind, object: Unstructured, old: Unstructured): Unstructured {
  const next: Unstructured = { ...old };
  const { status } = object;
  if (status === undefined) delete next['status'];
  else next['status'] = status === old['status'] ? jsonClone(status) : status;
  if (kind.builtin) {
    const before = next.metadata;
    next.metadata = object.metadata;
    const meta = next.metadata as ObjectMeta;
    if (before.ownerReferences === undefined) {
      if (meta.ownerReferences !== undefined) delete meta.ownerReferences;
    } else meta.ownerReferences = before.ownerReferences;
  } else next.metadata = jsonClone(old.metadata);
  return next;
}

/** Does this change count as a new generation? */
export function bumpsGeneration(
  kind: Kind,
  strategy: Strategy,
  object: Unstructured,
  old: Unstructured,
): boolean {
  if (!countsGenerations(kind) && !strategy.generationChanged) return false;
  if (strategy.generationChanged) return strategy.generationChanged(object, old);
  if (kind.builtin) return !deepEqual(object['spec'], old['spec']);
  const hasStatus = kind.subresources['status'] !== undefined;
  const rest = (o: Unstructured): Record<string, unknown> => {
    const { metadata: _m, status, apiVersion: _a, kind: _k, ...other } = o;
    return hasStatus ? other : { ...other, status };
  };
  return !deepEqual(rest(object), rest(old));
}
