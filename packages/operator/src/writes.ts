import type { Client } from '@coracle/client';
import {
  createJsonMergePatch,
  deepEqual,
  type Draft,
  isReason,
  jsonClone,
  type KubeObject,
  type ResourceType,
} from '@coracle/machinery';

/**
 * Makes `status` the status of `object` by a merge patch of what differs from `object.status`, on the status subresource.
 * Sends nothing and answers `object` when nothing differs. The patch carries the object's uid, and unless `lock` is false its
 * resourceVersion: rejects with Conflict when somebody else has written since (look again then).
 */
export async function patchStatus<T extends KubeObject & { status?: unknown }>(
  client: Client,
  type: ResourceType<T>,
  object: T,
  status: T['status'],
  options: { lock?: boolean; signal?: AbortSignal; fieldManager?: string } = {},
): Promise<T> {
  if (deepEqual(object.status ?? {}, status ?? {})) return object;
  const change = createJsonMergePatch(object.status ?? {}, status ?? {});
  const { uid, resourceVersion, name, namespace } = object.metadata;
  const metadata = options.lock === false ? { uid } : { uid, resourceVersion };
  return client.patch(
    type,
    name,
    'merge',
    { metadata, status: change },
    { namespace, subresource: 'status', signal: options.signal, fieldManager: options.fieldManager },
  );
}

/**
 * Reads the object, lets `change` alter a copy of it (or a new one with only its name), and writes it when something differs.
 * Somebody making it at the same time is no error: the next read sees theirs. Conflicts are tried again, up to five times.
 */
export async function createOrUpdate<T extends KubeObject>(
  client: Client,
  type: ResourceType<T>,
  id: { name: string; namespace?: string | undefined },
  change: (object: Draft<T>) => void,
  options: { signal?: AbortSignal; fieldManager?: string } = {},
): Promise<{ object: T; outcome: 'created' | 'updated' | 'unchanged' }> {
  for (let tries = 1; ; tries++) {
    try {
      const before = await find(client, type, id, options.signal);
      if (before === undefined) {
        const draft = { metadata: { ...id } } as Draft<T>;
        change(draft);
        const object = await client.create(type, draft, { ...options, namespace: id.namespace });
        return { object, outcome: 'created' };
      }
      const after = jsonClone(before);
      change(after as unknown as Draft<T>);
      if (deepEqual(before, after)) return { object: before, outcome: 'unchanged' };
      return { object: await client.update(type, after, options), outcome: 'updated' };
    } catch (error) {
      if (tries >= 5 || !(isReason(error, 'Conflict') || isReason(error, 'AlreadyExists'))) throw error;
    }
  }
}

/** The object, or undefined when there is none. */
export async function find<T>(
  client: Client,
  type: ResourceType<T>,
  id: { name: string; namespace?: string | undefined },
  signal?: AbortSignal,
): Promise<T | undefined> {
  try {
    return await client.get(type, id.name, { namespace: id.namespace, signal });
  } catch (error) {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}
