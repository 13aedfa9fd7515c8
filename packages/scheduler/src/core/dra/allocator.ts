/**
 * Finds devices for claims on one node: the first solution in a depth-first search over claims, requests, alternatives and
 * devices, all in order. What cannot succeed is left out early:
 * - devices of one request are picked in order, so that a set of devices is tried once, not in every order;
 * - a device that nothing tells apart from one that failed in the same place is not tried;
 * - the number of steps is bounded: a search that takes longer ends as if there were no solution.
 *
 * Pure: looks at the view and at who uses what, changes nothing.
 */
import type { Quantity } from '@coracle/machinery';
import type { Alternative, ClaimAsk } from './ask.ts';
import { concerns } from './ask.ts';
import { consumption, type Consumption } from './capacity.ts';
import { attributeValues, ConstraintState } from './constraints.ts';
import type { PoolDevice } from './device.ts';
import type { NodeView } from './inventory.ts';
import type { Pool } from './pool.ts';
import { tolerated } from './tolerations.ts';

/** One device for one request. */
export interface Pick {
  readonly alternative: Alternative;
  readonly device: PoolDevice;
  /** By name of the capacity; of shared devices only. */
  readonly consumed: Readonly<Record<string, Quantity>> | undefined;
}

/** Picks by claim, in the order of the requests; or why there are none (`%claim` stands for a claim's name). */
export type Allocation =
  | { readonly picks: readonly (readonly Pick[])[] }
  | { readonly reason: string; readonly claim: number };

/** Upstream's limit of results a claim (AllocationResultsMaxSize). */
const maxResults = 32;
export const cannotAllocate = 'cannot allocate all claims';
const tooLong = 'timed out trying to allocate devices';

/** Steps that searches may take together; shared by the searches of one decision. */
export interface Budget {
  left: number;
}

export function allocate(claims: readonly ClaimAsk[], view: NodeView, budget: Budget): Allocation {
  const search = new Search(claims, view, budget);
  try {
    if (search.run()) return { picks: search.picks };
  } catch (error) {
    if (error instanceof Stop) return { reason: error.message, claim: error.claim };
    throw error;
  }
  const invalid = view.pools.some((pool) => pool.invalid);
  return { reason: invalid ? 'invalid resource pools were encountered' : cannotAllocate, claim: 0 };
}

/** There is no solution, and why. */
class Stop extends Error {
  readonly claim: number;
  constructor(message: string, claim: number) {
    super(message);
    this.claim = claim;
  }
}

/** What a search has taken of a device so far. */
interface Taken {
  /** Claims, by index, that have it to themselves. */
  readonly claims: number[];
  /** Claims that see it by admin access. */
  readonly admins: number[];
  /** In the order of the device's capacities. */
  readonly consumed: bigint[];
  shares: number;
}

class Search {
  readonly picks: Pick[][];
  readonly #claims: readonly ClaimAsk[];
  readonly #view: NodeView;
  readonly #budget: Budget;
  readonly #constraints: ConstraintState[][];
  readonly #taken = new Map<PoolDevice, Taken>();
  /** Counters that picked devices take. */
  readonly #counters = new Map<Pool, Map<string, bigint>>();
  readonly #all = new Map<Alternative, readonly PoolDevice[]>();
  readonly #kinds = new Map<PoolDevice, string>();
  readonly #consumptions = new Map<Alternative, Map<PoolDevice, Consumption | undefined>>();

  constructor(claims: readonly ClaimAsk[], view: NodeView, budget: Budget) {
    this.#claims = claims;
    this.#view = view;
    this.#budget = budget;
    this.picks = claims.map(() => []);
    this.#constraints = claims.map(({ spec }) => (spec.constraints ?? []).map((c) => new ConstraintState(c)));
  }

  run(): boolean {
    for (const [c, { requests }] of this.#claims.entries()) {
      let least = 0;
      for (const { alternatives } of requests)
        least += Math.min(...alternatives.map((a) => this.#size(a, c)));
      if (least > maxResults) {
        const text = `claim %claim: number of requested devices ${least} exceeds the claim limit of ${maxResults}`;
        throw new Stop(text, c);
      }
    }
    return this.#request(0, 0);
  }

  /** How many devices the alternative takes. */
  #size(alternative: Alternative, c: number): number {
    if (!alternative.all) return alternative.count;
    let devices = this.#all.get(alternative);
    if (!devices) {
      const why = `claim %claim, request ${alternative.name}: asks for all devices, but resource pool`;
      for (const { pool, incomplete, invalid } of this.#view.pools) {
        if (incomplete) throw new Stop(`${why} ${pool.id} is currently being updated`, c);
        if (invalid) throw new Stop(`${why} ${pool.id} is currently invalid`, c);
      }
      devices = this.#view.candidates.filter(
        (device) => this.#selected(alternative, device, c) && this.#consumption(alternative, device),
      );
      this.#all.set(alternative, devices);
    }
    return devices.length;
  }

  /** Allocates from this request on. */
  #request(c: number, r: number): boolean {
    const claim = this.#claims[c];
    if (!claim) return true;
    const request = claim.requests[r];
    if (!request) return this.#request(c + 1, 0);
    for (const alternative of request.alternatives) {
      const size = this.#size(alternative, c);
      if (alternative.all && size === 0) continue;
      if (this.picks[c]!.length + size > maxResults) continue;
      if (!alternative.all && !this.#enough(alternative, c)) continue;
      if (this.#device(c, r, request.name, alternative, 0, 0)) return true;
    }
    return false;
  }

  /** False if there are fewer devices than it takes, whatever else holds. */
  #enough(alternative: Alternative, c: number): boolean {
    let left = alternative.count;
    for (const device of left > 1 ? this.#view.candidates : none) {
      if (this.#free(device, alternative, c) && this.#selected(alternative, device, c) && --left === 0) break;
    }
    return left === 0 || alternative.count < 2;
  }

  /** Allocates from the n-th device of a request on, looking from candidate `from` on. */
  #device(c: number, r: number, request: string, alternative: Alternative, n: number, from: number): boolean {
    this.#step(c);
    const all = this.#all.get(alternative);
    if (n >= (all ? all.length : alternative.count)) return this.#request(c, r + 1);
    if (all) {
      const device = all[n]!;
      if (!this.#take(c, request, alternative, device, true)) return false;
      if (this.#device(c, r, request, alternative, n + 1, 0)) return true;
      this.#takeBack(c, request, alternative, device);
      return false;
    }
    const { candidates } = this.#view;
    /** Kinds of devices that lead nowhere from here. */
    let failed: Set<string> | undefined;
    for (let i = from; i < candidates.length; i++) {
      const device = candidates[i]!;
      if (!this.#free(device, alternative, c)) continue;
      if (!this.#selected(alternative, device, c)) continue;
      this.#step(c);
      if (failed?.has(this.#kind(device))) continue;
      if (!this.#take(c, request, alternative, device, false)) continue;
      if (this.#device(c, r, request, alternative, n + 1, i + 1)) return true;
      this.#takeBack(c, request, alternative, device);
      (failed ??= new Set()).add(this.#kind(device));
    }
    return false;
  }

  #step(c: number): void {
    if (--this.#budget.left < 0) throw new Stop(tooLong, c);
  }

  #selected({ selectors }: Alternative, device: PoolDevice, c: number): boolean {
    const verdict = selectors.matches(device);
    if (typeof verdict === 'string') throw new Stop(verdict, c);
    return verdict;
  }

  /** Admin access takes nothing: it only must not be in one claim with another use of a device that is not shared. */
  #free(device: PoolDevice, alternative: Alternative, c: number): boolean {
    const taken = this.#taken.get(device);
    if (alternative.adminAccess)
      return !taken?.admins.includes(c) && (device.shared || !taken?.claims.includes(c));
    if (device.use.exclusive > 0) return false;
    return device.shared || !taken || (taken.claims.length === 0 && !taken.admins.includes(c));
  }

  /** Picks the device if it can be had. `must`: without it there is no solution, so say why not. */
  #take(c: number, request: string, alternative: Alternative, device: PoolDevice, must: boolean): boolean {
    if (!this.#free(device, alternative, c)) return false;
    const { adminAccess } = alternative;
    const shared = device.shared && !adminAccess;
    if (!adminAccess && device.use.shares > 0 && !shared) return false;
    if (device.taints.some((taint) => !tolerated(taint, alternative.tolerations))) return false;
    const wanted = this.#consumption(alternative, device);
    if (!wanted) return false;
    const taken = this.#taken.get(device);
    if (shared && !fits(device, taken, wanted)) return false;
    // The counters of a device that is shared are taken with its first share.
    const counts = !adminAccess && device.counters.length > 0;
    const first = !shared || (device.use.shares === 0 && !taken?.shares);
    if (counts && first && !this.#countersLeft(device)) return false;
    const constraints = this.#constraints[c]!;
    const specs = this.#claims[c]!.spec.constraints ?? [];
    for (let i = 0; i < constraints.length; i++) {
      if (!concerns(specs[i]!.requests, request, alternative.name)) continue;
      if (constraints[i]!.add(device)) continue;
      if (must) {
        const why = 'because a claim constraint would not be satisfied';
        throw new Stop(`claim %claim, request ${alternative.name}: cannot add device ${device.id} ${why}`, c);
      }
      while (--i >= 0)
        if (concerns(specs[i]!.requests, request, alternative.name)) constraints[i]!.takeBack();
      return false;
    }
    const mine = taken ?? { claims: [], admins: [], consumed: [], shares: 0 };
    this.#taken.set(device, mine);
    if (counts && first) this.#count(device, 1n);
    let consumed: Record<string, Quantity> | undefined;
    if (shared) {
      mine.shares++;
      for (const [i, { written, amount }] of wanted.entries()) {
        mine.consumed[i] = (mine.consumed[i] ?? 0n) + amount.nanos;
        (consumed ??= {})[written] = amount;
      }
    } else (adminAccess ? mine.admins : mine.claims).push(c);
    this.picks[c]!.push({ alternative, device, consumed });
    return true;
  }

  #takeBack(c: number, request: string, alternative: Alternative, device: PoolDevice): void {
    const { consumed } = this.picks[c]!.pop()!;
    const mine = this.#taken.get(device)!;
    const shared = device.shared && !alternative.adminAccess;
    if (shared) {
      mine.shares--;
      for (const [i, { written }] of device.capacities().entries()) {
        mine.consumed[i]! -= consumed?.[written]?.nanos ?? 0n;
      }
    } else (alternative.adminAccess ? mine.admins : mine.claims).pop();
    const first = !shared || (device.use.shares === 0 && mine.shares === 0);
    if (!alternative.adminAccess && device.counters.length > 0 && first) this.#count(device, -1n);
    const specs = this.#claims[c]!.spec.constraints ?? [];
    for (const [i, constraint] of this.#constraints[c]!.entries()) {
      if (concerns(specs[i]!.requests, request, alternative.name)) constraint.takeBack();
    }
  }

  #consumption(alternative: Alternative, device: PoolDevice): Consumption | undefined {
    if (!alternative.capacity && !device.shared) return nothing;
    let known = this.#consumptions.get(alternative);
    if (!known) this.#consumptions.set(alternative, (known = new Map()));
    if (known.has(device)) return known.get(device);
    const result = consumption(device.driver, device.capacities(), alternative.capacity);
    known.set(device, result);
    return result;
  }

  #poolOf(device: PoolDevice): Pool {
    return this.#view.pools.find(({ pool }) => pool.id === device.pool)!.pool;
  }

  #countersLeft(device: PoolDevice): boolean {
    const pool = this.#poolOf(device);
    const available = pool.available();
    const taken = this.#counters.get(pool);
    return device.counters.every(
      ({ key, nanos }) => (taken?.get(key) ?? 0n) + nanos <= (available.get(key) ?? 0n),
    );
  }

  #count(device: PoolDevice, sign: bigint): void {
    const pool = this.#poolOf(device);
    let taken = this.#counters.get(pool);
    if (!taken) this.#counters.set(pool, (taken = new Map()));
    for (const { key, nanos } of device.counters) taken.set(key, (taken.get(key) ?? 0n) + sign * nanos);
  }

  /** Devices of one kind are as good as each other for all these claims. */
  #kind(device: PoolDevice): string {
    let kind = this.#kinds.get(device);
    if (kind === undefined) {
      const attributes = this.#claims.flatMap(({ spec }) =>
        (spec.constraints ?? []).map(({ matchAttribute, distinctAttribute }) =>
          attributeValues(device, matchAttribute ?? distinctAttribute ?? ''),
        ),
      );
      const verdicts = this.#claims.flatMap(({ requests }) =>
        requests.flatMap(({ alternatives }) => alternatives.map((a) => a.selectors.matches(device))),
      );
      const { pool, taints, spec, use } = device;
      kind = JSON.stringify([
        pool,
        attributes,
        verdicts,
        taints,
        spec.consumesCounters,
        spec.capacity,
        device.shared,
        use.exclusive,
        use.shares,
        [...(use.consumed ?? [])].map(([name, amount]) => [name, String(amount)]),
      ]);
      this.#kinds.set(device, kind);
    }
    // What this search has taken of it tells it apart, too.
    const taken = this.#taken.get(device);
    return taken && taken.claims.length + taken.admins.length + taken.shares > 0
      ? `${device.id} ${kind}`
      : kind;
  }
}

const nothing: Consumption = [];
const none: readonly PoolDevice[] = [];

function fits(device: PoolDevice, taken: Taken | undefined, wanted: Consumption): boolean {
  return wanted.every(({ written, amount, limit }, i) => {
    const used = (device.use.consumed?.get(written) ?? 0n) + (taken?.consumed[i] ?? 0n);
    return used + amount.nanos <= limit;
  });
}
