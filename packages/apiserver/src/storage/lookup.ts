/** Reads objects for the server's own parts (authorizer, admission, strategies): newest durable state, frozen, shared. */
import type { Unstructured } from '@coracle/machinery';
import type { Entry, Store, StoreWatch } from '@coracle/store';
import type { Lookup } from '../contracts.ts';
import { keyFor, prefixOf } from './keys.ts';
import { storedObject } from './views.ts';

interface Listed {
  /** The resource's count of changes when the list was last known to be right. */
  changes: number;
  entries: readonly Entry[];
  objects: Unstructured[];
}

/** Counts the durable changes under a prefix of the store, from when it was first asked about. */
interface Counted {
  changes: number;
  watch: StoreWatch | undefined;
}

/**
 * A lookup over a store. Lists that have not changed are the same array at every call, so that callers can keep what they
 * worked out from one as long as they get that one. A watch tells of changes: to ask again for a list that has not changed
 * costs a look into a map, whatever else is written meanwhile.
 */
export function createLookup(store: Store): Lookup {
  const lists = new Map<string, Listed>();
  const counted = new Map<string, Counted>();
  /** Prefixes of groups. */
  const groups = new Map<string, string>();

  function changesUnder(prefix: string): number {
    let count = counted.get(prefix);
    if (count === undefined) counted.set(prefix, (count = { changes: 0, watch: undefined }));
    if (count.watch === undefined) {
      // New, or its watch has ended: nothing is known of what happened before.
      count.changes++;
      count.watch = startCounting(count, prefix);
    }
    return count.changes;
  }

  function startCounting(count: Counted, prefix: string): StoreWatch | undefined {
    try {
      return store.watch(prefix, store.revision, {
        onEvents(events) {
          count.changes += events.length;
          return true;
        },
        onEnd() {
          count.watch = undefined;
        },
      });
    } catch {
      return undefined; // The store is closing: every question counts as a change.
    }
  }

  return {
    get(group, resource, namespace, name) {
      const entry = store.get(keyFor({ group, resource }, namespace, name));
      return entry && storedObject(entry);
    },
    list(group, resource, namespace = '') {
      const all = prefixOf({ group, resource });
      const changes = changesUnder(all);
      const prefix = prefixOf({ group, resource }, namespace);
      const before = lists.get(prefix);
      if (before?.changes === changes) return before.objects;
      const { entries } = store.range(prefix);
      if (
        before &&
        before.entries.length === entries.length &&
        entries.every((entry, i) => entry === before.entries[i])
      ) {
        before.changes = changes;
        return before.objects;
      }
      const objects = entries.map(storedObject);
      // Namespaces come and go: what is remembered of their lists must not add up.
      if (lists.size > 1000) lists.clear();
      lists.set(prefix, { changes, entries: [...entries], objects });
      return objects;
    },
    generation(group) {
      let prefix = groups.get(group);
      if (prefix === undefined) groups.set(group, (prefix = `${group === '' ? 'core' : group}/`));
      return changesUnder(prefix);
    },
  };
}
