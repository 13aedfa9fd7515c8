/**
 * All-or-nothing placement of a group of pods. The pods are placed one after the other on the snapshot itself, inside a
 * trial: if fewer than the group needs find a place, the trial is taken back and no one is placed. So no gang ever holds
 * nodes while it waits for more, and two gangs cannot lock each other out.
 *
 * Equal pods are placed equally well in any order. For unequal ones the given order (priority, then age) is tried first,
 * then the largest first, which packs better. This is no search over all placements: with affinity between the members,
 * or several scarce resources, a placement that exists may be missed, as it may upstream.
 *
 * A large gang takes longer than one may hold up everything else, so placing is a generator: it can be left off after each
 * member and taken up again, provided that nothing else has changed the snapshot in between.
 */
import { dominantReason, type Diagnosis } from './diagnosis.ts';
import type { Framework, PlacementOptions } from './framework.ts';
import { packingOrder } from './gang-packing.ts';
import { domainsOf, inside, levelsOf, rank, shapesOf, type GangTopology } from './gang-topology.ts';
import type { PodInfo } from './pod-info.ts';
import { CannotReserve, type Reservation } from './reservation.ts';
import type { RowSet } from './row-set.ts';
import { Trial } from './trial.ts';

export interface Gang {
  /** Members that need a node, in the order in which they should get one. */
  readonly pods: readonly PodInfo[];
  /** Members that must run together for the gang to be of use. */
  readonly minCount: number;
  /** Members that have a node already. */
  readonly scheduled: number;
  /** Node labels the members must or should agree in. */
  readonly topology?: GangTopology | undefined;
  /** Nodes of the members that have one: they fix the domain. */
  readonly nodes?: readonly string[];
  /** Put the members on as few nodes as possible; else the profile's scores choose. */
  readonly fewestNodes?: boolean;
  /** Members that must still be placed of some tasks, besides `minCount` in all (Volcano's minTaskMember). */
  readonly tasks?: GangTasks | undefined;
  /** What must be free in the cluster before the gang is tried: dimension and amount. */
  readonly minResources?: readonly (readonly [dimension: number, amount: number])[];
  /** Only these rows, for a gang without topology. */
  readonly within?: RowSet;
}

export interface GangTasks {
  readonly needed: ReadonlyMap<string, number>;
  of(pod: PodInfo): string | undefined;
}

export interface GangMember {
  readonly pod: PodInfo;
  readonly nodeName: string;
  /** What it has taken besides its room on the node. */
  readonly reservations: readonly Reservation[];
}
export interface UnplacedMember {
  readonly pod: PodInfo;
  readonly diagnosis: Diagnosis;
}

/** Placed: the members are on the snapshot. Not placed: the snapshot is as it was. */
export interface GangDecision {
  readonly fits: boolean;
  readonly placed: readonly GangMember[];
  readonly unplaced: readonly UnplacedMember[];
  /** The domain it is in; '' without topology. Not placed: the one that came closest. */
  readonly domain: string;
  /** Domains of the required keys: how many there are, and the most members one of them could hold. */
  readonly domains?: { readonly keys: readonly string[]; readonly count: number; readonly most: number };
  /** Said instead of any member's diagnosis. */
  readonly rejection?: string;
}

const nothing: GangDecision = { fits: false, placed: [], unplaced: [], domain: '' };

/** Runs steps to their end. */
export function finish<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** Places the gang, or nothing of it. With `fits`, the caller owns what was put on the snapshot. */
export function placeGang(framework: Framework, gang: Gang): GangDecision {
  return finish(placingGang(framework, gang));
}

/** The same in steps. Between them nobody else may change the snapshot; `return()` takes back what was done so far. */
export function* placingGang(framework: Framework, gang: Gang): Generator<void, GangDecision> {
  const missing = missingResource(framework, gang);
  if (missing !== undefined) return { ...nothing, rejection: missing };
  const needed = neededOf(gang);
  const shapes = shapesOf(gang.pods);
  const nominated = nominatedRows(framework, gang);
  const levels = levelsOf(gang);
  let best: GangDecision = nothing;
  let domains: GangDecision['domains'];
  for (const keys of levels) {
    const last = keys === levels.at(-1);
    if (keys.length === 0) {
      const decision = yield* tryOrders(framework, gang, needed, '', whereTo(gang));
      if (decision.fits) return decision;
      best = better(best, decision);
      continue;
    }
    const candidates = rank(
      framework,
      domainsOf(framework.snapshot, keys, gang.nodes ?? []),
      shapes,
      nominated,
    );
    yield;
    const most = candidates.reduce((max, { holds }) => Math.max(max, holds), 0);
    if (last) domains = { keys, count: candidates.length, most };
    // A level that is only preferred is used for the whole gang or not at all.
    const enough = last ? needed : Math.max(needed, gang.pods.length);
    let tried = 0;
    for (const { domain, holds } of candidates) {
      // Of the hopeless ones, the best is tried all the same: somebody will ask what was in the way.
      if (holds < enough && (!last || tried > 0 || holds < most)) continue;
      tried++;
      const options = inside(framework.snapshot, domain);
      const decision = yield* tryOrders(framework, gang, last ? needed : enough, domain.name, options);
      if (decision.fits) return decision;
      if (last) best = better(best, decision);
    }
  }
  return domains ? { ...best, domains } : best;
}

function better(a: GangDecision, b: GangDecision): GangDecision {
  return a.unplaced.length === 0 || b.placed.length > a.placed.length ? b : a;
}

function neededOf({ minCount, scheduled }: Gang): number {
  return Math.max(0, minCount - scheduled);
}

function* tryOrders(
  framework: Framework,
  gang: Gang,
  needed: number,
  domain: string,
  options: PlacementOptions,
): Generator<void, GangDecision> {
  let best = nothing;
  for (const pods of orders(gang.pods)) {
    const decision = yield* attempt(framework, gang, pods, needed, domain, options);
    if (decision.fits) return decision;
    best = better(best, decision);
  }
  return best;
}

/** Leaves the members on the snapshot if it fits, and nothing if not, or if it is ended early. */
function* attempt(
  framework: Framework,
  gang: Gang,
  pods: readonly PodInfo[],
  needed: number,
  domain: string,
  options: PlacementOptions,
): Generator<void, GangDecision> {
  const trial = new Trial(framework.snapshot, framework);
  const placed: GangMember[] = [];
  const unplaced: UnplacedMember[] = [];
  const packing = gang.fewestNodes ? packingOrder(framework, pods, options) : undefined;
  let fits = false;
  try {
    for (const pod of pods) {
      const decision = packing?.next(pod) ?? framework.schedule(pod, options);
      const diagnosis = decision.fits ? take(trial, pod, decision.nodeName, placed) : decision.diagnosis;
      if (diagnosis) {
        unplaced.push({ pod, diagnosis });
        // Nothing that follows can make up for it.
        if (pods.length - unplaced.length < needed) break;
      }
      yield;
    }
    fits = placed.length >= needed && placed.length > 0 && tasksMet(gang, placed);
  } finally {
    if (fits) trial.keep();
    else trial.rollback();
  }
  return { fits, placed, unplaced, domain };
}

function whereTo({ within }: Gang): PlacementOptions {
  return within ? { within } : {};
}

/** Puts the member on the node. Answers why that cannot be, if it cannot. */
function take(trial: Trial, pod: PodInfo, nodeName: string, placed: GangMember[]): Diagnosis | undefined {
  try {
    placed.push({ pod, nodeName, reservations: trial.place(pod, nodeName) });
    return undefined;
  } catch (error) {
    if (!(error instanceof CannotReserve)) throw error;
    return {
      nodeCount: 1,
      reasons: new Map(),
      rejection: error.message,
      plugins: new Set(),
      resolvable: [],
    };
  }
}

/** True if of each task enough are placed. */
export function tasksMet({ tasks }: Gang, placed: readonly { readonly pod: PodInfo }[]): boolean {
  if (!tasks) return true;
  const counts = new Map<string, number>();
  for (const { pod } of placed) {
    const task = tasks.of(pod);
    if (task !== undefined) counts.set(task, (counts.get(task) ?? 0) + 1);
  }
  for (const [task, needed] of tasks.needed) if ((counts.get(task) ?? 0) < needed) return false;
  return true;
}

/** The first resource of which less is free than the gang's `minResources` asks; undefined: there is enough of all. */
function missingResource({ snapshot }: Framework, { minResources }: Gang): string | undefined {
  for (const [dimension, amount] of minResources ?? []) {
    const left = snapshot.free[dimension]!;
    let free = 0;
    for (let row = 0; row < snapshot.rowCount && free < amount; row++) {
      if (snapshot.alive[row] !== 0 && snapshot.unschedulable[row] === 0) free += Math.max(0, left[row]!);
    }
    if (free < amount)
      return `the cluster has less ${snapshot.resourceName(dimension)} free than minResources`;
  }
  return undefined;
}

function nominatedRows({ nominations, snapshot }: Framework, { pods }: Gang): ReadonlySet<number> {
  const rows = new Set<number>();
  if (nominations.size === 0) return rows;
  for (const { uid } of pods) {
    const name = nominations.nodeOf(uid);
    const row = name === undefined ? undefined : snapshot.rowOf(name);
    if (row !== undefined) rows.add(row);
  }
  return rows;
}

/** The given order; if members differ, then the largest first. */
function orders(pods: readonly PodInfo[]): (readonly PodInfo[])[] {
  const first = pods[0];
  if (!first || pods.every((pod) => pod.signature === first.signature)) return [pods];
  const largest = new Map<number, number>();
  for (const { dimensions, requests } of pods) {
    dimensions.forEach((d, i) => largest.set(d, Math.max(largest.get(d) ?? 0, requests[i]!)));
  }
  // Share of the largest request of any member: comparable between resources.
  const share = ({ dimensions, requests }: PodInfo): number =>
    dimensions.reduce((max, d, i) => Math.max(max, requests[i]! / largest.get(d)!), 0);
  const bySize = [...pods].sort((a, b) => share(b) - share(a));
  return [pods, bySize];
}

/** The reason most members wait for, and the one member's diagnosis that carries it. */
export function dominantMember(decision: GangDecision): UnplacedMember | undefined {
  const counts = new Map<string, { count: number; member: UnplacedMember }>();
  let best: { count: number; member: UnplacedMember } | undefined;
  for (const member of decision.unplaced) {
    const reason = dominantReason(member.diagnosis) ?? '';
    let entry = counts.get(reason);
    if (!entry) counts.set(reason, (entry = { count: 0, member }));
    entry.count++;
    if (!best || entry.count > best.count) best = entry;
  }
  return best?.member;
}
