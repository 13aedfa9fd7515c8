/** The objects an engine starts with: created if they are not there, and left alone if they are. */
import type { Lookup } from '@coracle/apiserver';
import type { Client } from '@coracle/client';
import { apiVersionOf, isReason } from '@coracle/machinery';
import type { KindRegistry, ResourceType, Unstructured } from '@coracle/machinery';

/** The resource of an object, from the registry: bootstrap needs no discovery. */
function typeOf(registry: KindRegistry, object: Unstructured): ResourceType<Unstructured> {
  const slash = object.apiVersion.indexOf('/');
  const group = slash < 0 ? '' : object.apiVersion.slice(0, slash);
  const version = object.apiVersion.slice(slash + 1);
  const kind = registry.byKind(group, version, object.kind);
  if (!kind) throw new Error(`${object.apiVersion} ${object.kind} is not served`);
  return kind as ResourceType<Unstructured>;
}

/** Creates all of them at once; those that exist stay as they are. Rejects with the first error that is not that. */
export async function createMissing(
  client: Client,
  registry: KindRegistry,
  lookup: Lookup,
  objects: readonly Unstructured[],
): Promise<void> {
  await Promise.all(
    objects.map(async (object) => {
      const { namespace, name } = object.metadata;
      const type = typeOf(registry, object);
      if (lookup.get(type.group, type.resource, namespace ?? '', name)) return;
      try {
        await client.create(type, object, namespace ? { namespace } : {});
      } catch (error) {
        if (!isReason(error, 'AlreadyExists')) {
          throw new Error(`cannot create ${apiVersionOf(type)} ${object.kind} ${name}`, {
            cause: error,
          });
        }
      }
    }),
  );
}
