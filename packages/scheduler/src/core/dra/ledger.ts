/**
 * What is known of every claim, and which devices are taken through it. A claim's state is the newest of
 * - `seen`: what the informer showed;
 * - `assumed`: what the API server answered to our own write, until the informer shows that or something newer;
 * and on top of it, while a decision is on its way, `pending`: the allocation decided for it.
 *
 * Invariant: `uses` counts exactly the allocations of all records as `allocationOf` gives them.
 */
import type { ResourceClaim } from '@coracle/machinery/api';
import type { AllocationResult } from './types.ts';
import type { Uses } from './uses.ts';

export interface ClaimRecord {
  /** `namespace/name`. */
  readonly key: string;
  readonly seen: ResourceClaim | undefined;
  readonly assumed: ResourceClaim | undefined;
  /** Decided, and not (seen to be) written. */
  readonly pending: AllocationResult | undefined;
  /** Pods that are decided to use the claim and are not bound: by uid. */
  readonly holders: ReadonlySet<string>;
  /** Imagined to be free: all its users are imagined gone. */
  readonly freed: boolean;
}

interface Entry extends ClaimRecord {
  seen: ResourceClaim | undefined;
  assumed: ResourceClaim | undefined;
  pending: AllocationResult | undefined;
  readonly holders: Set<string>;
  freed: boolean;
  /** What `uses` counts for it. */
  counted: AllocationResult | undefined;
  /** End of the last write under way. */
  writing: Promise<unknown> | undefined;
  readonly listeners: Set<() => void>;
}

export class ClaimLedger {
  readonly #uses: Uses;
  readonly #entries = new Map<string, Entry>();
  /** Claims that the scheduler made for extended resources, by uid of the pod: keys. */
  readonly #extended = new Map<string, string>();

  constructor(uses: Uses) {
    this.#uses = uses;
  }

  get(key: string): ClaimRecord | undefined {
    return this.#entries.get(key);
  }
  all(): Iterable<ClaimRecord> {
    return this.#entries.values();
  }

  /** The claim as it is known now. */
  claim(key: string): ResourceClaim | undefined {
    const entry = this.#entries.get(key);
    return entry && (entry.assumed ?? entry.seen);
  }

  /** What the claim holds, or will. */
  allocation(key: string): AllocationResult | undefined {
    const entry = this.#entries.get(key);
    return entry && allocationOf(entry);
  }

  /** The informer showed the claim. */
  set(claim: ResourceClaim): void {
    const entry = this.#open(keyOf(claim));
    if (entry.assumed && !isOlder(claim, entry.assumed)) entry.assumed = undefined;
    entry.seen = claim;
    const owner = extendedOwner(claim);
    if (owner !== undefined) this.#extended.set(owner, entry.key);
    this.#changed(entry);
  }

  /** The informer showed it gone. */
  delete(claim: ResourceClaim): void {
    const entry = this.#entries.get(keyOf(claim));
    if (!entry || (entry.seen && entry.seen.metadata.uid !== claim.metadata.uid)) return;
    entry.seen = undefined;
    if (entry.assumed?.metadata.uid === claim.metadata.uid) entry.assumed = undefined;
    const owner = extendedOwner(claim);
    if (owner !== undefined && this.#extended.get(owner) === entry.key) this.#extended.delete(owner);
    this.#changed(entry);
    this.#close(entry);
  }

  /** The API server answered this to a write of ours. */
  assume(claim: ResourceClaim): void {
    const entry = this.#open(keyOf(claim));
    if (entry.seen && isOlder(claim, entry.seen)) return;
    entry.assumed = claim;
    const owner = extendedOwner(claim);
    if (owner !== undefined) this.#extended.set(owner, entry.key);
    this.#changed(entry);
  }

  /** A decided pod uses the claim. `allocation`: what was decided for the claim with it. */
  hold(key: string, pod: string, allocation?: AllocationResult): void {
    const entry = this.#open(key);
    entry.holders.add(pod);
    if (!allocation) return;
    entry.pending = allocation;
    this.#changed(entry);
  }

  /** The pod is bound, or does not use the claim after all. With the last pod goes the allocation if it is not written. */
  letGo(key: string, pod: string): void {
    const entry = this.#entries.get(key);
    if (!entry?.holders.delete(pod) || entry.holders.size > 0) return;
    entry.pending = undefined;
    this.#changed(entry);
    this.#close(entry);
  }

  /** Imagine the claim free, or not. */
  setFreed(key: string, freed: boolean): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    entry.freed = freed;
    this.#recount(entry);
  }

  /** Key of the claim that was made for the pod's extended resources. */
  extendedClaimOf(podUid: string): string | undefined {
    return this.#extended.get(podUid);
  }

  /** Runs writes of one claim one after the other. */
  async exclusively<T>(key: string, write: () => Promise<T>): Promise<T> {
    const entry = this.#open(key);
    const before = entry.writing;
    const mine = (async () => {
      await before?.catch(() => undefined);
      return write();
    })();
    entry.writing = mine;
    try {
      return await mine;
    } finally {
      if (entry.writing === mine) entry.writing = undefined;
      this.#close(entry);
    }
  }

  /** Calls back when anything becomes known of the claim. */
  watch(key: string, changed: () => void): () => void {
    const entry = this.#open(key);
    entry.listeners.add(changed);
    return () => {
      entry.listeners.delete(changed);
      this.#close(entry);
    };
  }

  #open(key: string): Entry {
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = {
        key,
        seen: undefined,
        assumed: undefined,
        pending: undefined,
        holders: new Set(),
        freed: false,
        counted: undefined,
        writing: undefined,
        listeners: new Set(),
      };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  #close(entry: Entry): void {
    const { key, seen, assumed, holders, writing, listeners } = entry;
    if (seen || assumed || writing || holders.size > 0 || listeners.size > 0) return;
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }

  #changed(entry: Entry): void {
    this.#recount(entry);
    for (const listener of Array.from(entry.listeners)) listener();
  }

  #recount(entry: Entry): void {
    const next = allocationOf(entry);
    const before = entry.counted;
    if (next === before) return;
    entry.counted = next;
    if (next && before && sameDevices(next, before)) return;
    if (before) this.#uses.count(before, -1);
    if (next) this.#uses.count(next, 1);
  }
}

function allocationOf(entry: ClaimRecord): AllocationResult | undefined {
  if (entry.freed) return undefined;
  return entry.pending ?? (entry.assumed ?? entry.seen)?.status?.allocation;
}

export function keyOf({ metadata }: ResourceClaim): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}

/** True if both hold the same devices in the same way. */
export function sameDevices(a: AllocationResult, b: AllocationResult): boolean {
  const [x, y] = [a.devices?.results ?? [], b.devices?.results ?? []];
  return (
    x.length === y.length &&
    x.every((one, i) => {
      const other = y[i]!;
      return (
        one.device === other.device &&
        one.pool === other.pool &&
        one.driver === other.driver &&
        one.request === other.request &&
        (one.adminAccess ?? false) === (other.adminAccess ?? false) &&
        one.shareID === other.shareID &&
        (one.consumedCapacity === other.consumedCapacity ||
          JSON.stringify(one.consumedCapacity) === JSON.stringify(other.consumedCapacity))
      );
    })
  );
}

/** True if `a` is an earlier state of the same claim than `b`. Versions are compared as numbers, as the API promises. */
function isOlder(a: ResourceClaim, b: ResourceClaim): boolean {
  if (a.metadata.uid !== b.metadata.uid) return false;
  const [x, y] = [a.metadata.resourceVersion ?? '', b.metadata.resourceVersion ?? ''];
  return x.length === y.length ? x < y : x.length < y.length;
}

/** Uid of the pod for whose extended resources the claim was made. */
function extendedOwner({ metadata }: ResourceClaim): string | undefined {
  if (metadata.annotations?.['resource.kubernetes.io/extended-resource-claim'] !== 'true') return undefined;
  return metadata.ownerReferences?.find((owner) => owner.controller === true)?.uid;
}
