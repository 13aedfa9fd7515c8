/**
 * Compare-and-swap for subresources that change what a plain update may not (a pod's node, its resources, a namespace's
 * finalizers): the kind's own update rules are not asked, admission and the schema are.
 */
import { errors, type KubeObject, type Unstructured, validate } from '@coracle/machinery';
import { admissionRequest, admitMutating, admitValidating } from '../pipeline/admit.ts';
import type { Call } from '../pipeline/call.ts';
import { refuse } from '../pipeline/write.ts';
import { requestKey } from '../storage/keys.ts';
import { fromStorage, objectOf, storedObject } from '../storage/views.ts';
import { putObject, removeObject } from '../storage/writer.ts';
import { isFinished, type Swapped } from '../verbs/update.ts';

/**
 * `change` gets the stored object (frozen) and returns the next one, which may share parts with it. `reviewed` is what
 * admission sees instead of the object (a Binding). Throws NotFound and what `change`, admission and the schema throw.
 */
export async function rawSwap(
  call: Call,
  options: { dryRun: boolean; operation?: 'CREATE' | 'UPDATE'; reviewed?: KubeObject },
  change: (current: Unstructured) => Unstructured,
): Promise<Swapped> {
  const { ctx, kind, strategy, attributes } = call;
  const key = requestKey(kind, attributes.namespace, attributes.name);
  for (;;) {
    const entry = ctx.store.peek(key);
    if (!entry) throw errors.notFound(kind, attributes.name);
    const old = storedObject(entry);
    const next = change(old);
    const asked = admissionRequest(call, {
      operation: options.operation ?? 'UPDATE',
      dryRun: options.dryRun,
      object: (options.reviewed as Unstructured | undefined) ?? next,
      oldObject: options.reviewed ? undefined : old,
    });
    const mutating = admitMutating(call, asked);
    if (mutating) await mutating;
    refuse(kind, attributes.name, validate(kind.schema, next, '', kind.builtin ? old : undefined));
    const validating = admitValidating(call, asked);
    if (validating) await validating;
    if (options.dryRun) return { object: fromStorage(kind, strategy, next) };
    const finished = isFinished(next);
    const result = finished
      ? await removeObject(ctx, kind, key, entry.revision, next)
      : await putObject(ctx, kind, key, entry.revision, next);
    if (!result.ok) continue;
    return finished ? { object: objectOf(kind, strategy, result.entry) } : { entry: result.entry };
  }
}
