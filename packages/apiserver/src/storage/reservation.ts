/**
 * What one attempt to write has taken from the cluster-wide pools (Service addresses and ports), so that it can be given
 * back when the attempt fails: refused by validation, lost to another writer, or only a dry run.
 */
import type { Unstructured } from '@coracle/machinery';
import type { Allocators, Strategy, StrategyContext } from '../contracts.ts';

type Value = string | number;

export interface Reservation {
  /** For the strategy: takes at once, releases nothing but what this attempt took. */
  readonly allocate: Allocators;
  /** Gives back all this attempt took. */
  rollback(): void;
}

/** Most kinds take nothing: what is needed for those that do is made when they ask. */
class Attempt implements Reservation {
  readonly #pools: Allocators;
  #taken: Set<Value> | undefined = undefined;
  #allocate: Allocators | undefined = undefined;

  constructor(pools: Allocators) {
    this.#pools = pools;
  }

  get allocate(): Allocators {
    return (this.#allocate ??= {
      clusterIp: (wanted) => this.#keep(this.#pools.clusterIp(wanted)),
      nodePort: (wanted) => this.#keep(this.#pools.nodePort(wanted)),
      release: (value) => {
        // What stored objects hold is only given up once the write has succeeded.
        if (this.#taken?.delete(value)) this.#pools.release(value);
      },
    });
  }

  #keep<T extends Value>(value: T): T {
    this.#taken ??= new Set();
    this.#taken.add(value);
    return value;
  }

  rollback(): void {
    if (this.#taken) for (const value of this.#taken) this.#pools.release(value);
    this.#taken = undefined;
  }
}

export const reserve = (pools: Allocators): Reservation => new Attempt(pools);

/** What a stored object holds, as its strategy's clean-up would give it back. */
function heldBy(strategy: Strategy, object: Unstructured, context: StrategyContext): Set<Value> {
  const held = new Set<Value>();
  const release = (value: Value): void => void held.add(value);
  const { lookup, now, user, dryRun, subresource } = context;
  const allocate = { ...context.allocate, release };
  strategy.afterDelete?.(object, { lookup, now, user, dryRun, subresource, allocate });
  return held;
}

/** After `old` was replaced by `next`: gives back what only the old one held. */
export function releaseDropped(
  strategy: Strategy,
  old: Unstructured,
  next: Unstructured,
  context: StrategyContext,
): void {
  if (!strategy.afterDelete) return;
  const still = heldBy(strategy, next, context);
  for (const value of heldBy(strategy, old, context)) if (!still.has(value)) context.allocate.release(value);
}
