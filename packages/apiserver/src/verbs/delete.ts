/**
 * delete and deletecollection.
 *
 * An object goes in up to two steps. If a finalizer holds it, or somebody (a pod's node) is given time to end it, it is
 * marked with a deletionTimestamp and stays; it is removed when the last finalizer is gone (see `update`) or a delete
 * with no grace comes. Otherwise it is removed at once. Which finalizers the garbage collector needs (`foregroundDeletion`,
 * `orphan`) follows from the propagation policy.
 */
import {
  answersDeletedObject,
  type ApiResponse,
  errors,
  formatTime,
  isReason,
  type ObjectMeta,
  parseTime,
  type Unstructured,
} from '@coracle/machinery';
import { admissionRequest, admitMutating, admitValidating } from '../pipeline/admit.ts';
import { type Call, strategyContext } from '../pipeline/call.ts';
import { parseListOptions } from '../pipeline/list-options.ts';
import { respondObject, respondValue, successStatus } from '../pipeline/respond.ts';
import { requestKey } from '../storage/keys.ts';
import { fromStorage, storedObject } from '../storage/views.ts';
import { putObject, removeObject } from '../storage/writer.ts';
import { type DeleteOptions, parseDeleteOptions } from './delete-options.ts';
import { readPage } from './list.ts';

const orphanFinalizer = 'orphan';
const foregroundFinalizer = 'foregroundDeletion';

/** The finalizers after a delete with this policy. Without one those the object has count. */
function finalizersFor(call: Call, options: DeleteOptions, meta: ObjectMeta): string[] {
  const before = meta.finalizers ?? [];
  const policy =
    options.propagation ??
    (before.includes(orphanFinalizer) || before.includes(foregroundFinalizer)
      ? undefined
      : call.strategy.defaultPropagation);
  if (policy === undefined) return [...before];
  const rest = before.filter((name) => name !== orphanFinalizer && name !== foregroundFinalizer);
  if (policy === 'Orphan') rest.push(orphanFinalizer);
  if (policy === 'Foreground') rest.push(foregroundFinalizer);
  return rest;
}

/** The deletion's time and grace, as they are after this request. */
function deletionOf(call: Call, options: DeleteOptions, old: Unstructured): { at: string; grace: number } {
  const { metadata } = old;
  const now = call.ctx.now().getTime();
  const { deletionTimestamp, deletionGracePeriodSeconds = 0 } = metadata;
  if (deletionTimestamp !== undefined) {
    // A deletion under way may only be shortened.
    const asked = options.gracePeriodSeconds;
    if (asked === undefined || asked >= deletionGracePeriodSeconds || !call.strategy.gracePeriodSeconds)
      return { at: deletionTimestamp, grace: deletionGracePeriodSeconds };
    const started = (parseTime(deletionTimestamp) ?? now) - deletionGracePeriodSeconds * 1000;
    return { at: formatTime(started + asked * 1000), grace: asked };
  }
  const grace = call.strategy.gracePeriodSeconds?.(old, options.gracePeriodSeconds) ?? 0;
  return { at: formatTime(now + grace * 1000), grace };
}

/** What a delete makes of an object: its next state, which shares all but its metadata with it, and whether it is gone with it. */
export function markDeleted(
  call: Call,
  options: DeleteOptions,
  old: Unstructured,
): { next: Unstructured; gone: boolean } {
  const next: Unstructured = { ...old, metadata: { ...old.metadata } };
  const meta = next.metadata as ObjectMeta;
  const finalizers = finalizersFor(call, options, meta);
  if (finalizers.length > 0) meta.finalizers = finalizers;
  else if (meta.finalizers !== undefined) delete meta.finalizers;
  const { at, grace } = deletionOf(call, options, old);
  const gone = finalizers.length === 0 && grace === 0 && !heldBack(call, old);
  if (meta.deletionTimestamp === undefined && !gone && meta.generation !== undefined) meta.generation += 1;
  if (meta.deletionTimestamp === undefined && gone) return { next, gone };
  meta.deletionTimestamp = at;
  meta.deletionGracePeriodSeconds = grace;
  return { next, gone };
}

/** A namespace is held by `spec.finalizers` until its content is gone. */
function heldBack(call: Call, old: Unstructured): boolean {
  if (call.kind.group !== '' || call.kind.resource !== 'namespaces') return false;
  const finalizers = (old['spec'] as { finalizers?: string[] } | undefined)?.finalizers ?? [];
  return finalizers.length > 0;
}

export interface Deletion {
  object: Unstructured;
  gone: boolean;
}

/** Deletes one object by its name. Throws NotFound, Conflict (preconditions), or what admission throws. */
export async function deleteOne(
  call: Call,
  name: string,
  namespace: string,
  options: DeleteOptions,
): Promise<Deletion> {
  const { ctx, kind, strategy } = call;
  const key = requestKey(kind, namespace, name);
  for (;;) {
    const entry = ctx.store.peek(key);
    if (!entry) throw errors.notFound(kind, name);
    const old = storedObject(entry);
    const { uid, resourceVersion } = old.metadata;
    if (options.uid !== undefined && options.uid !== uid)
      throw errors.conflict(
        kind,
        name,
        `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${uid ?? ''}`,
      );
    if (options.resourceVersion !== undefined && options.resourceVersion !== resourceVersion)
      throw errors.conflict(
        kind,
        name,
        `Precondition failed: ResourceVersion in precondition: ${options.resourceVersion}, ResourceVersion in object meta: ${resourceVersion ?? ''}`,
      );
    const asked = admissionRequest(call, {
      operation: 'DELETE',
      dryRun: options.dryRun,
      oldObject: old,
      options: options.raw,
      name,
    });
    const mutating = admitMutating(call, asked);
    if (mutating) await mutating;
    const validating = admitValidating(call, asked);
    if (validating) await validating;
    const { next, gone } = markDeleted(call, options, old);
    if (!gone) strategy.prepareForDelete?.(next, strategyContext(call, options.dryRun));
    if (options.dryRun) return { object: next, gone };
    if (!gone && sameDeletion(next, old)) return { object: old, gone };
    const result = gone
      ? await removeObject(ctx, kind, key, entry.revision, next)
      : await putObject(ctx, kind, key, entry.revision, next);
    if (!result.ok) continue;
    if (gone) strategy.afterDelete?.(old, strategyContext(call, false));
    return { object: storedObject(result.entry), gone };
  }
}

/** Nothing new: asked again while the deletion is under way. */
function sameDeletion(next: Unstructured, old: Unstructured): boolean {
  return (
    next.metadata.deletionTimestamp === old.metadata.deletionTimestamp &&
    next.metadata.deletionGracePeriodSeconds === old.metadata.deletionGracePeriodSeconds &&
    (next.metadata.finalizers ?? []).join('\n') === (old.metadata.finalizers ?? []).join('\n')
  );
}

/** Tells a caller who left open what becomes of dependents, where many would guess wrong. */
function warn(call: Call, options: DeleteOptions): void {
  const { deleteWarning } = call.strategy;
  if (deleteWarning && options.propagation === undefined) call.warnings.push(deleteWarning);
}

/** DELETE of one object: it, while it is on its way out; its last state or a Status, by kind, once it is gone. */
export async function remove(call: Call): Promise<ApiResponse> {
  const { kind, strategy, attributes, request } = call;
  const options = parseDeleteOptions(request);
  warn(call, options);
  const deletion = await deleteOne(call, attributes.name, attributes.namespace, options);
  if (!deletion.gone || answersDeletedObject(kind))
    return respondObject(call, 200, fromStorage(kind, strategy, deletion.object));
  const details = {
    name: attributes.name,
    ...(kind.group === '' ? {} : { group: kind.group }),
    kind: kind.resource,
    uid: deletion.object.metadata.uid,
  };
  return respondValue(
    request.want,
    { ...call.output, as: 'object' },
    200,
    successStatus(details),
    call.warnings,
  );
}

/** Deletions of one collection that run at a time. */
const parallel = 16;

/** DELETE of all objects that selectors choose. */
export async function removeCollection(call: Call): Promise<ApiResponse> {
  const { kind, request } = call;
  const options = parseDeleteOptions(request);
  warn(call, options);
  const page = await readPage(call, parseListOptions(request.query, false));
  const queue = page.entries.values();
  const worker = async (): Promise<void> => {
    for (const entry of queue) {
      const { name, namespace = '' } = storedObject(entry).metadata;
      try {
        await deleteOne(call, name, namespace, options);
      } catch (error) {
        // Somebody else was faster: that is what was wanted.
        if (!isReason(error, 'NotFound')) throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  const details = { ...(kind.group === '' ? {} : { group: kind.group }), kind: kind.resource };
  return respondValue(
    request.want,
    { ...call.output, as: 'object' },
    200,
    successStatus(details),
    call.warnings,
  );
}
