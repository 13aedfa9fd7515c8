/** Adding to and taking from metadata lists that others write too. */
import type { Client } from '@coracle/client';
import { isReason } from '@coracle/machinery';
import type { KubeObject, ResourceType } from '@coracle/machinery';

/**
 * Patches metadata made by `change` from the newest state of the object, tried again when somebody wrote in between. The
 * object as known is tried first, without a read. Resolves with the result; undefined when the object is gone or has
 * another uid. `change` returning undefined: nothing to do.
 */
export async function patchMetadata<T extends KubeObject>(
  client: Client,
  type: ResourceType<T>,
  object: T,
  change: (object: T) => Record<string, unknown> | undefined,
): Promise<T | undefined> {
  const { name, namespace, uid } = object.metadata;
  let current = object;
  for (let tries = 1; ; tries += 1) {
    const metadata = change(current);
    if (!metadata) return current;
    try {
      return await client.patch(
        type,
        name,
        'merge',
        { metadata: { ...metadata, uid, resourceVersion: current.metadata.resourceVersion } },
        { namespace },
      );
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined;
      if (!isReason(error, 'Conflict') || tries >= 5) throw error;
    }
    try {
      current = await client.get(type, name, { namespace });
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    }
    if (current.metadata.uid !== uid) return undefined;
  }
}

/** The object without the finalizer, or undefined when it is gone (perhaps by this). */
export async function removeFinalizer<T extends KubeObject>(
  client: Client,
  type: ResourceType<T>,
  object: T,
  finalizer: string,
): Promise<T | undefined> {
  return patchMetadata(client, type, object, ({ metadata: { finalizers } }) =>
    finalizers?.includes(finalizer)
      ? { finalizers: finalizers.filter((other) => other !== finalizer) }
      : undefined,
  );
}
