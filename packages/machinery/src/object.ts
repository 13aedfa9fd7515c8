import type { ListMeta, ObjectMeta, OwnerReference, StoredMeta } from './api/index.ts';

export type { ListMeta, ObjectMeta, OwnerReference, StoredMeta };

/** Any Kubernetes object as the API server returns it. Objects shared between rooms are deep-frozen: copy to change. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: StoredMeta;
}

/** A KubeObject whose other fields are reached by name; what generic code (patches, apply, CRDs) works on. */
export interface Unstructured extends KubeObject {
  [field: string]: unknown;
}

/** What may be sent to create T: server-set metadata, and apiVersion and kind (taken from the resource), may be absent. */
export type Draft<T> = Omit<T, 'apiVersion' | 'kind' | 'metadata'> & {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata: ObjectMeta;
};

/** A list answer. Items of typed lists carry apiVersion and kind here (the server adds them in-process and on the wire). */
export interface KubeList<T> {
  apiVersion: string;
  kind: string;
  metadata: ListMeta;
  items: T[];
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** One watch event. ERROR carries a Status, BOOKMARK an object with only metadata.resourceVersion set. */
export interface WatchEvent<T = KubeObject> {
  type: WatchEventType;
  object: T;
}

/** Freezes `value` and everything in it, once, and returns it. Already frozen subtrees are not walked again. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) freeze(value);
  return value;
}

/**
 * The parts before the whole: frozen objects are slower to walk through. `isExtensible` first, because it costs half of what
 * `isFrozen` does, and nearly all that is not frozen is extensible.
 */
function freeze(value: object): void {
  if (!Object.isExtensible(value) && Object.isFrozen(value)) return;
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) if (typeof item === 'object' && item !== null) freeze(item);
  } else
    for (const key in value) {
      const child = (value as Record<string, unknown>)[key];
      if (typeof child === 'object' && child !== null) freeze(child);
    }
  Object.freeze(value);
}

/** A namespaced object's `namespace/name`; a cluster object's `name`. */
export function keyOf(object: {
  metadata: { namespace?: string | undefined; name?: string | undefined };
}): string {
  const { namespace, name } = object.metadata;
  return namespace ? `${namespace}/${name ?? ''}` : (name ?? '');
}

/** The owner reference with `controller: true`, if any. */
export function controllerOf(object: { metadata: ObjectMeta }): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((ref) => ref.controller === true);
}
