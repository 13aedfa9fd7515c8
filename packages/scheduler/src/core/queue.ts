/**
 * What waits to be placed. A unit is one pod, or one gang with all its members; it is in exactly one place:
 *
 *     add --> active --pop--> (being decided) --placed--> gone
 *               ^                  |
 *               |               failed
 *        back-off over             v
 *             backoff <--hint-- unschedulable --5 min--> active or backoff
 *
 * When nothing is active, units in back-off are popped before their time, as kube-scheduler does (SchedulerPopFromBackoffQ);
 * back-off after an error is waited out.
 *
 * `held` units (a scheduling gate, a gang that is not complete) are not due at all until they change.
 *
 * Pure: time comes in with every call, in milliseconds. Figures are kube-scheduler's: back-off 1 s doubling to 10 s;
 * unschedulable units are tried again after 5 minutes whatever happens.
 */
import { Heap } from '@coracle/machinery';
import type { PodInfo } from './pod-info.ts';

export type UnitState = 'active' | 'backoff' | 'unschedulable' | 'held' | 'deciding' | 'gone';

export interface Unit {
  readonly key: string;
  /** Members by uid; one for a pod. In a gang, those without a node. */
  readonly pods: Map<string, PodInfo>;
  priority: number;
  /** Goes before all others: part of it runs already, the rest must follow. */
  urgent: boolean;
  /** When it came into the queue. */
  added: number;
  /** When it last became due, by which equal priorities are ordered. */
  since: number;
  /** When it first became due; undefined: it has not yet. */
  came: number | undefined;
  /** Failed decisions so far. */
  attempts: number;
  state: UnitState;
  /** Increases with each move; heap entries made before are stale. */
  moves: number;
  /** backoff: due then. unschedulable: when it became so. */
  at: number;
  /** Plugins that rejected it last. */
  rejectedBy: ReadonlySet<string>;
  /** Priority and urgency it stands in the queue with. */
  rank: string;
  /** Unit says it may be due; false while gates or missing members hold it. */
  ready: boolean;
  /** Its back-off follows an error, not a lack of room: it is waited out to the end. */
  erred: boolean;
}

/** What of a unit that waits outlives the process, as plain data. */
export interface StoodUnit {
  readonly state: 'unschedulable' | 'backoff';
  readonly at: number;
  readonly added: number;
  readonly since: number;
  readonly came: number | undefined;
  readonly attempts: number;
  readonly erred: boolean;
  readonly rejectedBy: readonly string[];
}

interface Entry {
  readonly unit: Unit;
  readonly moves: number;
  readonly at: number;
  /** First come, first served within one millisecond. */
  readonly serial: number;
  readonly priority: number;
  readonly urgent: boolean;
}

function dueBefore(a: Entry, b: Entry): boolean {
  return a.at !== b.at ? a.at < b.at : a.serial < b.serial;
}

function moreImportant(a: Entry, b: Entry): boolean {
  if (a.urgent !== b.urgent) return a.urgent;
  return a.priority !== b.priority ? a.priority > b.priority : dueBefore(a, b);
}

export interface QueueOptions {
  readonly initialBackoffMs?: number;
  readonly maxBackoffMs?: number;
  /** Longest stay among the unschedulable. */
  readonly maxUnschedulableMs?: number;
}

/** Told of units that fit nowhere, as they come and go. */
export interface QueueFollower {
  /** Its members, and why it was rejected, are known by now. */
  waits(unit: Unit): void;
  /** One of those that were told of by `waits`. */
  leaves(unit: Unit): void;
}

export interface QueueCounts {
  readonly active: number;
  readonly backoff: number;
  readonly unschedulable: number;
  readonly held: number;
}

export class SchedulingQueue {
  readonly #units = new Map<string, Unit>();
  readonly #unschedulable = new Set<Unit>();
  readonly #active = new Heap<Entry>(moreImportant);
  readonly #backoff = new Heap<Entry>(dueBefore);
  /** Back-off after errors. */
  readonly #errors = new Heap<Entry>(dueBefore);
  readonly #initialBackoffMs: number;
  readonly #maxBackoffMs: number;
  readonly #maxUnschedulableMs: number;
  #serial = 0;
  #follower: QueueFollower | undefined;

  constructor(options: QueueOptions = {}) {
    this.#initialBackoffMs = options.initialBackoffMs ?? 1_000;
    this.#maxBackoffMs = options.maxBackoffMs ?? 10_000;
    this.#maxUnschedulableMs = options.maxUnschedulableMs ?? 300_000;
  }

  get(key: string): Unit | undefined {
    return this.#units.get(key);
  }
  units(): Iterable<Unit> {
    return this.#units.values();
  }
  /** There is one at most. */
  follow(follower: QueueFollower): void {
    this.#follower = follower;
    for (const unit of this.#unschedulable) follower.waits(unit);
  }
  /** Units that were tried and fit nowhere. */
  unschedulable(): Iterable<Unit> {
    return this.#unschedulable;
  }
  get size(): number {
    return this.#units.size;
  }

  counts(): QueueCounts {
    const counts = { active: 0, backoff: 0, unschedulable: 0, held: 0 };
    for (const { state } of this.#units.values()) {
      if (state === 'deciding') counts.active++;
      else if (state !== 'gone') counts[state]++;
    }
    return counts;
  }

  /** The unit of this key, made (held) if there is none. Call `changed` after changing it. */
  unit(key: string): Unit {
    let unit = this.#units.get(key);
    if (!unit) {
      unit = {
        key,
        pods: new Map(),
        priority: 0,
        urgent: false,
        added: 0,
        since: 0,
        came: undefined,
        attempts: 0,
        state: 'held',
        moves: 0,
        at: 0,
        rejectedBy: new Set(),
        rank: '',
        ready: false,
        erred: false,
      };
      this.#units.set(key, unit);
    }
    return unit;
  }

  /**
   * Members, priority or readiness of the unit changed. A unit without members is dropped; one that is not ready is held;
   * one that became ready is due at once. `retry`: the change may help a unit that was tried in vain.
   */
  changed(unit: Unit, now: number, retry: boolean): void {
    if (unit.state === 'gone') return;
    if (unit.added === 0) unit.added = now;
    if (unit.pods.size === 0) this.drop(unit.key);
    else if (unit.state === 'deciding') return;
    else if (!unit.ready) this.#move(unit, 'held', now);
    else if (unit.state === 'held') this.#move(unit, 'active', now);
    else if (unit.state === 'unschedulable' && retry) this.#wake(unit, now);
    else if (unit.state === 'active' && unit.rank !== rankOf(unit)) this.#move(unit, 'active', unit.since);
  }

  drop(key: string): void {
    const unit = this.#units.get(key);
    if (!unit) return;
    this.#units.delete(key);
    this.#waitsNoMore(unit);
    unit.state = 'gone';
    unit.moves++;
  }

  /** The next unit due, taken out for a decision; undefined if none is. Answer with `failed`, `changed` or `drop`. */
  pop(now: number): Unit | undefined {
    this.#release(now);
    for (;;) {
      const entry = this.#active.pop() ?? this.#backoff.pop();
      if (!entry) return undefined;
      if (entry.unit.moves !== entry.moves) continue;
      entry.unit.state = 'deciding';
      entry.unit.moves++;
      return entry.unit;
    }
  }

  /** The decision failed. `retry`: what it waits for may have happened since (a conflict), so only back off. */
  failed(unit: Unit, now: number, rejectedBy: ReadonlySet<string>, retry = false): void {
    if (unit.state === 'gone') return;
    unit.attempts++;
    unit.rejectedBy = rejectedBy;
    unit.erred = retry;
    if (!unit.ready) this.#move(unit, 'held', now);
    else if (retry) this.#move(unit, 'backoff', now + this.backoffMs(unit));
    else this.#move(unit, 'unschedulable', now);
  }

  /**
   * Puts a new unit, whose members and priority are known, where one like it stood when its last decision had failed. In the
   * order of those decisions.
   */
  restore(unit: Unit, stood: StoodUnit): void {
    const { state, at, rejectedBy, ...rest } = stood;
    Object.assign(unit, rest, { ready: true, rejectedBy: new Set(rejectedBy) });
    this.#move(unit, state, at);
  }

  /** Something happened that may help this unschedulable unit. */
  wake(unit: Unit, now: number): void {
    if (unit.state === 'unschedulable') this.#wake(unit, now);
  }

  /**
   * The room that was made for this unschedulable unit is there. It need not back off, and goes on in the place it came in:
   * room that is kept for it is of no use to others meanwhile.
   */
  resume(unit: Unit, now: number): void {
    if (unit.state === 'unschedulable') this.#move(unit, 'active', unit.came ?? now);
  }

  /** When `pop` may next have something to give; undefined: not before a change. */
  nextDue(now: number): number | undefined {
    this.#release(now);
    for (;;) {
      const entry = this.#active.peek();
      if (!entry) break;
      if (entry.unit.moves === entry.moves) return now;
      this.#active.pop();
    }
    for (;;) {
      const entry = this.#backoff.peek();
      if (!entry) break;
      if (entry.unit.moves === entry.moves) return now;
      this.#backoff.pop();
    }
    let due = this.#errors.peek()?.at;
    // Insertion order is order of `at`: the first has waited longest.
    for (const unit of this.#unschedulable) {
      const flush = unit.at + this.#maxUnschedulableMs;
      due = due === undefined ? flush : Math.min(due, flush);
      break;
    }
    return due;
  }

  /** Back-off after the unit's failures so far. */
  backoffMs(unit: Unit): number {
    if (unit.attempts === 0) return 0;
    return Math.min(this.#initialBackoffMs * 2 ** Math.min(unit.attempts - 1, 30), this.#maxBackoffMs);
  }

  #wake(unit: Unit, now: number): void {
    const due = unit.at + this.backoffMs(unit);
    if (due > now) this.#move(unit, 'backoff', due);
    else this.#move(unit, 'active', now);
  }

  #release(now: number): void {
    for (const heap of [this.#backoff, this.#errors]) {
      for (;;) {
        const entry = heap.peek();
        if (!entry || entry.at > now) break;
        heap.pop();
        if (entry.unit.moves === entry.moves) this.#move(entry.unit, 'active', now);
      }
    }
    for (const unit of this.#unschedulable) {
      if (unit.at + this.#maxUnschedulableMs > now) break;
      this.#wake(unit, now);
    }
  }

  #waitsNoMore(unit: Unit): void {
    if (this.#unschedulable.delete(unit)) this.#follower?.leaves(unit);
  }

  #move(unit: Unit, state: 'active' | 'backoff' | 'unschedulable' | 'held', at: number): void {
    this.#waitsNoMore(unit);
    unit.state = state;
    unit.moves++;
    unit.at = at;
    if (state === 'unschedulable') {
      this.#unschedulable.add(unit);
      this.#follower?.waits(unit);
    }
    if (state === 'active') {
      unit.since = at;
      unit.came ??= at;
    }
    if (state !== 'active' && state !== 'backoff') return;
    unit.rank = rankOf(unit);
    const { moves, priority, urgent } = unit;
    const entry: Entry = { unit, moves, at, serial: this.#serial++, priority, urgent };
    const waiting = unit.erred ? this.#errors : this.#backoff;
    (state === 'active' ? this.#active : waiting).push(entry);
  }
}

function rankOf(unit: Unit): string {
  return `${unit.urgent}/${unit.priority}`;
}

/** An empty queue. */
export function createQueue(options?: QueueOptions): SchedulingQueue {
  return new SchedulingQueue(options);
}
