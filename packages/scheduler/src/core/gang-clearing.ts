/**
 * Clearing one domain for a gang: members that fit are placed in a trial, for each of the others the cheapest unit of victims
 * that makes room on some node goes, and in the end whoever need not go after all stays.
 */
import type { Framework, PlacementOptions } from './framework.ts';
import { tasksMet, type Gang, type GangMember } from './gang.ts';
import { inside, type Domain } from './gang-topology.ts';
import { addCosts, compareCosts, free, VictimPool, type Cost } from './gang-victims.ts';
import { Heap } from '@coracle/machinery';
import type { PodInfo } from './pod-info.ts';
import type { PlacedPod, Snapshot } from './snapshot.ts';
import { Trial } from './trial.ts';

/** Nodes looked at in one step. */
export const rowsAStep = 64;

export interface GangVictims {
  /** Where the members will run once the victims are gone. */
  readonly placed: readonly Pick<GangMember, 'pod' | 'nodeName'>[];
  /** Most important first. None: pods that are leaving already make the room. */
  readonly victims: readonly PlacedPod[];
  /** Evictions that break a disruption budget. */
  readonly violations: number;
  /** The domain that is cleared; '' without topology. */
  readonly domain: string;
}

interface Unit {
  readonly pods: readonly PlacedPod[];
  readonly cost: Cost;
  /** What it holds on the row looked at of what the member asks for: the largest share of a request. */
  readonly size: number;
}

export interface Plan extends GangVictims {
  readonly cost: Cost;
  /** Pods taken as gone though nobody evicts them. */
  readonly leaving: number;
}

/** Units that make room for one member at least on a row. */
interface Increment {
  readonly row: number;
  /** Of the row, when this was found; another now: to be found again. */
  readonly generation: number;
  /** Units evicted when this was found, if it depends on them: with more, to be found again. */
  readonly evicted: number | undefined;
  readonly units: readonly (readonly PlacedPod[])[];
  readonly cost: Cost;
  /** Members that then have room there. */
  readonly gain: number;
}

/** Cheaper for what it gains; of equal ones, the one that need not be found again. */
function cheaper(a: Increment, b: Increment): boolean {
  const order = compareCosts(a.cost, b.cost, a.gain, b.gain);
  return order === 0 ? (a.evicted ?? forever) > (b.evicted ?? forever) : order < 0;
}
const forever = 2 ** 31;

/** Clears one domain, in a trial. */
export class Clearing {
  readonly #framework: Framework;
  readonly #snapshot: Snapshot;
  readonly #gang: Gang;
  readonly #needed: number;
  readonly #domain: Domain;
  readonly #options: PlacementOptions;
  readonly #pool: VictimPool;
  readonly #placed: { pod: PodInfo; nodeName: string; row: number }[] = [];
  readonly #evicted: (readonly PlacedPod[])[] = [];
  /** By signature and priority of the member. */
  readonly #increments = new Map<string, Heap<Increment>>();
  readonly #one = new Int32Array(1);
  readonly #room = new Int32Array(1);

  constructor(framework: Framework, gang: Gang, needed: number, domain: Domain, pool: VictimPool) {
    this.#framework = framework;
    this.#snapshot = framework.snapshot;
    this.#gang = gang;
    this.#needed = needed;
    this.#domain = domain;
    this.#options = { ...inside(framework.snapshot, domain), briefly: true };
    this.#pool = pool;
  }

  /** `limit`: a plan that costs more is not wanted. */
  *run(limit: Cost | undefined): Generator<void, Plan | undefined> {
    const trial = new Trial(this.#snapshot, this.#framework);
    try {
      const leaving = this.#seeOff(trial);
      const waiting = yield* this.#placeFree(trial);
      let cost = free;
      for (const pod of waiting) {
        if (this.#placed.length >= this.#needed && tasksMet(this.#gang, this.#placed)) break;
        let decision = this.#framework.schedule(pod, this.#options);
        while (!decision.fits) {
          const increment = yield* this.#cheapest(pod);
          if (!increment) break;
          this.#evict(trial, increment);
          cost = addCosts(cost, increment.cost);
          if (limit && compareCosts(cost, limit) >= 0) return undefined;
          decision = this.#framework.schedule(pod, this.#options);
          yield;
        }
        if (decision.fits) this.#place(trial, pod, decision.nodeName, decision.row);
        yield;
      }
      if (this.#placed.length < this.#needed || !tasksMet(this.#gang, this.#placed)) return undefined;
      yield* this.#spare();
      const victims = this.#evicted.flat().sort(moreImportant);
      const final = new VictimPool(this.#snapshot, { budgets: [], group: () => undefined }).cost(victims);
      const violations = this.#violations(victims);
      const placed = this.#placed.map(({ pod, nodeName }) => ({ pod, nodeName }));
      return {
        placed,
        victims,
        violations,
        domain: this.#domain.name,
        leaving,
        cost: { ...final, violations },
      };
    } finally {
      trial.rollback();
    }
  }

  /** What leaves anyway is gone. Answers how many pods that are. */
  #seeOff(trial: Trial): number {
    let count = 0;
    for (const row of this.#domain.rows) {
      const leaving = this.#snapshot
        .podsOn(row)
        .filter(({ info }) => info.pod.metadata.deletionTimestamp !== undefined);
      for (const pod of leaving) trial.remove(pod);
      count += leaving.length;
    }
    return count;
  }

  /** Places whom it can without evicting anybody. Answers the others. */
  *#placeFree(trial: Trial): Generator<void, PodInfo[]> {
    const waiting: PodInfo[] = [];
    const hopeless = new Set<string>();
    for (const pod of this.#gang.pods) {
      const decision = hopeless.has(pod.signature) ? undefined : this.#framework.schedule(pod, this.#options);
      if (decision?.fits) this.#place(trial, pod, decision.nodeName, decision.row);
      else {
        hopeless.add(pod.signature);
        waiting.push(pod);
      }
      yield;
    }
    return waiting;
  }

  #place(trial: Trial, pod: PodInfo, nodeName: string, row: number): void {
    trial.imagine(pod, nodeName);
    this.#placed.push({ pod, nodeName, row });
  }

  #evict(trial: Trial, { units, row }: Increment): void {
    for (const unit of units) {
      for (const pod of unit) trial.remove(pod);
      this.#pool.charge(unit);
      this.#evicted.push(unit);
    }
    // More of the row may be of use later.
    for (const heap of this.#increments.values()) {
      heap.push({ row, generation: -1, evicted: undefined, units: [], cost: free, gain: 1 });
    }
  }

  /** The increment with the least cost for what it gains; undefined: there is none. */
  *#cheapest(pod: PodInfo): Generator<void, Increment | undefined> {
    const key = `${pod.priority}/${pod.signature}`;
    let heap = this.#increments.get(key);
    if (!heap) {
      heap = new Heap<Increment>(cheaper);
      for (const [i, row] of this.#domain.rows.entries()) {
        const increment = this.#increment(pod, row);
        if (increment) heap.push(increment);
        if (i % rowsAStep === rowsAStep - 1) yield;
      }
      this.#increments.set(key, heap);
    }
    for (;;) {
      const increment = heap.pop();
      if (!increment || this.#holds(increment)) return increment;
      const again = this.#increment(pod, increment.row);
      if (again) heap.push(again);
    }
  }

  #holds({ row, generation, evicted }: Increment): boolean {
    if (generation !== this.#snapshot.rowGeneration[row]) return false;
    return evicted === undefined || evicted === this.#evicted.length;
  }

  #increment(pod: PodInfo, row: number): Increment | undefined {
    const generation = this.#snapshot.rowGeneration[row]!;
    const units = this.#unitsOn(pod, row);
    if (units.length === 0) return undefined;
    const trial = new Trial(this.#snapshot, this.#framework);
    let chosen: Unit[] = [];
    try {
      const single = this.#alone(pod, row, units);
      if (single) {
        chosen = [single];
        for (const one of single.pods) trial.remove(one);
      }
      if (this.#roomOn(pod, row) === 0) {
        trial.rollback();
        chosen = [];
        for (const { pods } of units) {
          // What goes with it may be more by now, or less.
          const now = this.#snapshot.pod(pods[0]!.info.uid);
          const unit = now && this.#pool.unitOf(now, pod.priority);
          if (!unit) continue;
          for (const one of unit) trial.remove(one);
          chosen.push({ pods: unit, cost: this.#pool.cost(unit), size: 0 });
          if (this.#roomOn(pod, row) > 0) break;
        }
        if (this.#roomOn(pod, row) === 0) return undefined;
        chosen = chosen.filter((unit, i) => i === chosen.length - 1 || !this.#comesBack(unit.pods, pod, row));
      }
      const missing = this.#needed - this.#placed.length;
      const gain = Math.max(1, Math.min(missing, this.#roomOn(pod, row)));
      const cost = chosen.length === 1 ? chosen[0]!.cost : this.#pool.cost(chosen.flatMap((u) => u.pods));
      const victims = chosen.map(({ pods }) => pods);
      const evicted = this.#pool.entangled(victims.flat()) ? this.#evicted.length : undefined;
      return { row, generation, evicted, units: victims, cost, gain };
    } finally {
      trial.rollback();
    }
  }

  /** Units with a pod on the row that may go, the cheapest first; among the equally important, the largest first. */
  #unitsOn(pod: PodInfo, row: number): Unit[] {
    const seen = new Set<string>();
    const units: Unit[] = [];
    for (const placed of this.#snapshot.podsOn(row)) {
      if (seen.has(placed.info.uid)) continue;
      const pods = this.#pool.unitOf(placed, pod.priority);
      if (!pods) continue;
      if (pods.length > 1) for (const { info } of pods) seen.add(info.uid);
      units.push({ pods, cost: this.#pool.cost(pods), size: this.#share(pods, pod, row) });
    }
    return units.sort(
      (a, b) =>
        a.cost.violations - b.cost.violations ||
        a.cost.top - b.cost.top ||
        b.size / b.cost.pods - a.size / a.cost.pods ||
        a.cost.work - b.cost.work,
    );
  }

  /** The cheapest, then smallest, of the least important units that by amounts makes room without any other. */
  #alone(pod: PodInfo, row: number, units: readonly Unit[]): Unit | undefined {
    const { free: left } = this.#snapshot;
    const least = units[0]!.cost;
    let short: number | undefined;
    for (let i = 0; i < pod.dimensions.length; i++) {
      const d = pod.dimensions[i]!;
      const missing = pod.requests[i]! - left[d]![row]!;
      if (missing > 0) short = Math.max(short ?? 0, missing / pod.requests[i]!);
    }
    let best: Unit | undefined;
    for (const unit of units) {
      if (unit.cost.violations > least.violations || unit.cost.top > least.top) break;
      if (short !== undefined && unit.size < short) continue;
      const worse =
        best &&
        (compareCosts({ ...unit.cost, work: 0 }, { ...best.cost, work: 0 }) ||
          unit.size - best.size ||
          unit.cost.work - best.cost.work);
      if (worse === undefined || worse < 0) best = unit;
    }
    return best;
  }

  /** What the unit holds on the row of what the member asks for: the largest share of a request. */
  #share(unit: readonly PlacedPod[], pod: PodInfo, row: number): number {
    let share = 0;
    pod.dimensions.forEach((dimension, i) => {
      let held = 0;
      for (const { info, row: at } of unit) {
        const index = at === row ? info.dimensions.indexOf(dimension) : -1;
        if (index >= 0) held += info.requests[index]!;
      }
      share = Math.max(share, held / pod.requests[i]!);
    });
    return share;
  }

  /** Puts the unit back if the member still has room. */
  #comesBack(unit: readonly PlacedPod[], pod: PodInfo, row: number): boolean {
    const trial = new Trial(this.#snapshot, this.#framework);
    for (const { info, nodeName } of unit) trial.imagine(info, nodeName);
    if (this.#roomOn(pod, row) > 0 && this.#pool.whole(unit)) {
      trial.keep();
      return true;
    }
    trial.rollback();
    return false;
  }

  #roomOn(pod: PodInfo, row: number): number {
    this.#one[0] = row;
    this.#framework.room(pod, this.#one, 1, this.#room);
    return this.#room[0]!;
  }

  /** Whoever need not go after all stays, the most important first. */
  *#spare(): Generator<void, void> {
    const units = this.#evicted.splice(0).sort((a, b) => moreImportant(a[0]!, b[0]!));
    for (const unit of units) {
      this.#pool.refund(unit);
      const trial = new Trial(this.#snapshot, this.#framework);
      for (const { info, nodeName } of unit) trial.imagine(info, nodeName);
      if (this.#allStand(unit)) trial.keep();
      else {
        trial.rollback();
        this.#pool.charge(unit);
        this.#evicted.push(unit);
      }
      yield;
    }
  }

  /** True if nodes with returned pods have room for all that is on them, and members there still may be there. */
  #allStand(unit: readonly PlacedPod[]): boolean {
    if (!this.#pool.whole(unit)) return false;
    const rows = new Set(unit.map(({ row }) => row));
    for (const row of rows) if (overcommitted(this.#snapshot, row)) return false;
    for (const { pod, nodeName, row } of this.#placed) {
      const probe = this.#framework.probe(pod);
      if (!rows.has(row) && !probe.clusterWide) continue;
      const trial = new Trial(this.#snapshot, this.#framework);
      trial.remove({ info: pod, nodeName, row });
      const rejected = this.#framework.probe(pod).rejection(row) !== undefined;
      trial.rollback();
      if (rejected) return false;
    }
    return true;
  }

  #violations(victims: readonly PlacedPod[]): number {
    this.#pool.refund(victims);
    return this.#pool.charge(victims);
  }
}

function overcommitted({ allocatable, requested }: Snapshot, row: number): boolean {
  return requested.some((column, d) => column[row]! > allocatable[d]![row]!);
}

/** Higher priority first, then the longer running. */
function moreImportant(a: PlacedPod, b: PlacedPod): number {
  const [x, y] = [a.info.pod.status?.startTime ?? '9999', b.info.pod.status?.startTime ?? '9999'];
  return b.info.priority - a.info.priority || (x < y ? -1 : x > y ? 1 : 0);
}
