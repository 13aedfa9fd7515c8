/** Reads objects for the server's own parts (authorizer, admission, strategies): newest durable state, frozen, shared. */
import type { Unstructured } from '@coracle/machinery';
import type { Entry, Store } from '@coracle/store';
import type { Lookup } from '../contracts.ts';
import { keyFor, prefixOf } from './keys.ts';
import { storedObject } from './views.ts';

interface Listed {
  revision: number;
  entries: readonly Entry[];
  objects: Unstructured[];
}

/**
 * A lookup over a store. Lists that have not changed are the same array at every call, so that callers can keep what they
 * worked out from one as long as they get that one.
 */
export function createLookup(store: Store): Lookup {
  const lists = new Map<string, Listed>();
  return {
    get(group, resource, namespace, name) {
      const entry = store.get(keyFor({ group, resource }, namespace, name));
      return entry && storedObject(entry);
    },
    list(group, resource, namespace = '') {
      const prefix = prefixOf({ group, resource }, namespace);
      const before = lists.get(prefix);
      const revision = store.revision;
      if (before?.revision === revision) return before.objects;
      const { entries } = store.range(prefix);
      if (
        before &&
        before.entries.length === entries.length &&
        entries.every((entry, i) => entry === before.entries[i])
      ) {
        before.revision = revision;
        return before.objects;
      }
      const objects = entries.map(storedObject);
      // Namespaces come and go: what is remembered of their lists must not add up.
      if (lists.size > 1000) lists.clear();
      lists.set(prefix, { revision, entries: [...entries], objects });
      return objects;
    },
  };
}
