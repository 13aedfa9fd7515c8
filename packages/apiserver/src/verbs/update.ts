/** update (PUT) and the loop that update, patch and the subresources share: read, change, compare and swap. */
import { type ApiResponse, errors, jsonClone, type Kind, type Unstructured } from '@coracle/machinery';
import type { Entry, WriteResult } from '@coracle/store';
import { type Call, strategyContext } from '../pipeline/call.ts';
import { decodeObject } from '../pipeline/decode.ts';
import { parseResourceVersion } from '../pipeline/list-options.ts';
import { respondEntry, respondObject } from '../pipeline/respond.ts';
import { type Part, prepareUpdate, unchanged } from '../pipeline/write.ts';
import { parseWriteOptions } from '../pipeline/write-options.ts';
import { requestKey, storedGroup } from '../storage/keys.ts';
import { releaseDropped } from '../storage/reservation.ts';
import { fromStorage, objectOf, storedObject } from '../storage/views.ts';
import { isDurable, putObject, removeObject } from '../storage/writer.ts';
import { matchNamespace } from './create.ts';

/** Upstream's words for a lost race; clients look for the reason, people for the text. */
export const modifiedMessage =
  'the object has been modified; please apply your changes to the latest version and try again';

/** Built-in kinds that refuse an update without a resourceVersion (their strategies do not allow unconditional updates). */
const conditionalOnly = new Set([
  'coordination.k8s.io/leases',
  'policy/poddisruptionbudgets',
  'storage.k8s.io/volumeattachments',
  'storage.k8s.io/csinodes',
  'storage.k8s.io/csidrivers',
  'node.k8s.io/runtimeclasses',
  'apiextensions.k8s.io/customresourcedefinitions',
  'admissionregistration.k8s.io/mutatingwebhookconfigurations',
  'admissionregistration.k8s.io/validatingwebhookconfigurations',
]);

function needsVersion(kind: Kind): boolean {
  return !kind.builtin || conditionalOnly.has(`${kind.group}/${kind.resource}`);
}

/** Does storing an object of this call's version change more of it than its head? */
const converts = ({ kind, strategy }: Call): boolean =>
  strategy.toStorage !== undefined &&
  (kind.version !== kind.storageVersion || kind.group !== storedGroup(kind));

export interface SwapOptions {
  part: Part;
  dryRun: boolean;
  /** Throw Conflict at once when somebody else was faster, instead of trying again on the new state. */
  once?: boolean;
}

export type Swapped = { entry: Entry; object?: undefined } | { object: Unstructured; entry?: undefined };

/**
 * Changes one object: `change` gets its newest state (as the call's version shows it, frozen) and returns the wanted one
 * (mutable). Tried again when somebody else wrote in between. Resolves with the stored entry, or with the object where
 * nothing was stored (dry run, or it was deleted by losing its last finalizer). Throws NotFound, Conflict, Invalid, ….
 */
export async function swap(
  call: Call,
  options: SwapOptions,
  change: (current: Unstructured, entry: Entry) => Unstructured | Promise<Unstructured>,
): Promise<Swapped> {
  const { ctx, kind, strategy, attributes } = call;
  const key = requestKey(kind, attributes.namespace, attributes.name);
  for (;;) {
    const entry = ctx.store.peek(key);
    if (!entry) throw errors.notFound(kind, attributes.name);
    const old = storedObject(entry);
    const served = objectOf(kind, strategy, entry);
    // What is made from it shares its parts; a conversion changes parts in place.
    const oldServed = converts(call) ? jsonClone(served) : served;
    const changing = change(oldServed, entry);
    const wanted = changing instanceof Promise ? await changing : changing;
    const { part, dryRun } = options;
    const preparing = prepareUpdate(call, wanted, old, { part, dryRun, oldServed });
    const { stored, reserved } = preparing instanceof Promise ? await preparing : preparing;
    if (dryRun) {
      reserved.rollback();
      return { object: fromStorage(kind, strategy, stored) };
    }
    const finished = isFinished(stored);
    if (!finished && isDurable(ctx, entry) && unchanged(stored, old)) return { entry };
    let result: WriteResult;
    try {
      result = finished
        ? await removeObject(ctx, kind, key, entry.revision, stored)
        : await putObject(ctx, kind, key, entry.revision, stored);
    } catch (error) {
      reserved.rollback();
      throw error;
    }
    if (result.ok) {
      if (!finished) {
        releaseDropped(strategy, old, stored, strategyContext(call, false));
        return { entry: result.entry };
      }
      strategy.afterDelete?.(storedObject(result.entry), strategyContext(call, false));
      return { object: objectOf(kind, strategy, result.entry) };
    }
    reserved.rollback();
    if (options.once) throw errors.conflict(kind, attributes.name, modifiedMessage);
  }
}

/** Being deleted, nobody holds it back any more, and no grace period runs. */
export function isFinished(object: Unstructured): boolean {
  const { deletionTimestamp, deletionGracePeriodSeconds, finalizers } = object.metadata;
  // A namespace is also held by those its spec names, until its content is gone.
  if (object.kind === 'Namespace' && object.apiVersion === 'v1') {
    const spec = object['spec'] as { finalizers?: string[] } | undefined;
    if (spec?.finalizers?.length) return false;
  }
  return (
    deletionTimestamp !== undefined &&
    (finalizers?.length ?? 0) === 0 &&
    (deletionGracePeriodSeconds ?? 0) === 0
  );
}

/** The answer to a swap. */
export function respondSwapped(call: Call, swapped: Swapped, code = 200): ApiResponse {
  return swapped.entry ? respondEntry(call, code, swapped.entry) : respondObject(call, code, swapped.object);
}

/** Throws Conflict when the caller's idea of the object (uid, resourceVersion) is not what is there. */
export function checkPreconditions(call: Call, wanted: Unstructured, current: Unstructured): void {
  const { kind, attributes } = call;
  const { uid, resourceVersion } = wanted.metadata;
  if (uid && uid !== current.metadata.uid)
    throw errors.conflict(
      kind,
      attributes.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid ?? ''}`,
    );
  const version = parseResourceVersion(resourceVersion);
  if (version && String(version) !== current.metadata.resourceVersion)
    throw errors.conflict(kind, attributes.name, modifiedMessage);
}

/** Names in the body must be those of the path. Throws BadRequest. */
export function matchName(call: Call, object: Unstructured): void {
  const { attributes } = call;
  const meta = object.metadata as { name?: string | undefined };
  if (!meta.name) meta.name = attributes.name;
  if (meta.name !== attributes.name)
    throw errors.badRequest(
      `the name of the object (${meta.name}) does not match the name on the URL (${attributes.name})`,
    );
  matchNamespace(call, object);
}

/** PUT of an object or of its status. Creating by PUT is not offered: NotFound. */
export async function update(call: Call, part: Part): Promise<ApiResponse> {
  const { kind, request, attributes } = call;
  const options = parseWriteOptions(request.query, 'UpdateOptions');
  const object = decodeObject(call, kind, options.fieldValidation);
  matchName(call, object);
  const conditional = parseResourceVersion(object.metadata.resourceVersion) !== undefined;
  let first = true;
  const swapped = await swap(call, { part, dryRun: options.dryRun, once: conditional }, (current) => {
    checkPreconditions(call, object, current);
    if (!conditional && needsVersion(kind))
      throw errors.invalid(kind, attributes.name, [
        {
          type: 'FieldValueInvalid',
          field: 'metadata.resourceVersion',
          badValue: 0,
          detail: 'must be specified for an update',
        },
      ]);
    // The steps change the object: only the first try may have the original.
    if (conditional && first) {
      first = false;
      return object;
    }
    return jsonClone(object);
  });
  return respondSwapped(call, swapped);
}
