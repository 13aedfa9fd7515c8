/**
 * What runs keeps its place; who waits further behind goes ahead if that delays nobody who has a reservation
 * (ordering/backfill.ts makes the plan). The plan is made only when there is somebody behind the first for whom there may be
 * room now.
 */
import type { RowSet } from '@coracle/scheduler/core';
import { createBackfillPlan, type Ask } from '../../ordering/backfill.ts';
import { begin } from '../jobs.ts';
import { mayFit, place, unplace } from '../placing.ts';
import type { RunState } from '../run-state.ts';
import type { SimJob } from '../sim-job.ts';
import { before } from '../waiting/waiting-queue.ts';
import { block, unblock } from './blocking.ts';
import { askOf, freeNow, holdingOf, leftOf } from './holdings.ts';
import { makeRoom } from './make-room.ts';
import type { Pass } from './pass.ts';
import { rankAll } from './rank.ts';

export class BackfillPass implements Pass {
  readonly #state: RunState;
  /** In order, if the ranks of those that wait never change. */
  #queue: SimJob[] = [];

  constructor(state: RunState) {
    this.#state = state;
  }

  add(job: SimJob): void {
    const { ordering, context } = this.#state;
    if (!ordering.fixed || ordering.rankAll) {
      this.#queue.push(job);
      return;
    }
    job.rank = ordering.rank(job, context);
    this.put(job);
  }

  put(job: SimJob): void {
    let low = 0;
    let high = this.#queue.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (before(this.#queue[middle]!, job)) low = middle + 1;
      else high = middle;
    }
    this.#queue.splice(low, 0, job);
  }

  save(): unknown {
    return undefined;
  }
  restore(): void {}

  run(): void {
    if (this.#queue.length === 0) return;
    const state = this.#state;
    unblock(state);
    if (!state.ordering.fixed || state.ordering.rankAll) {
      rankAll(state, this.#queue);
      this.#queue.sort((a, b) => (before(a, b) ? -1 : 1));
    }
    let started = 0;
    while (started < this.#queue.length && this.#startFirst(this.#queue[started]!)) started++;
    if (started > 0) this.#queue.splice(0, started);
    if (this.#queue.some((job, i) => i > 0 && this.#open(job))) this.#fill();
  }

  #open(job: SimJob): boolean {
    return job.priority > job.kind.blockedUpTo && mayFit(this.#state, job);
  }

  /** The first may start wherever it fits: nobody goes before it. */
  #startFirst(job: SimJob): boolean {
    const state = this.#state;
    const open = job.priority > job.kind.blockedUpTo;
    if (!open) return false;
    if (!this.#place(job)) {
      if (!makeRoom(state, job, this)) return false;
      // The next of its kind may make room, too.
      job.kind.blockedUpTo = -Infinity;
    }
    begin(state, job);
    return true;
  }

  /** Places it, but not where a drain begins before it would end; or notes that there is no room for its kind. */
  #place(job: SimJob): boolean {
    const state = this.#state;
    const within = this.#within(job);
    if (mayFit(state, job) && place(state, job, within)) return true;
    // A shorter one of its kind may still be done before the drain.
    if (!within) block(state, job.kind, job.priority);
    return false;
  }

  #within(job: SimJob): RowSet | undefined {
    const { snapshot, nodes, windows, nowMs } = this.#state;
    const untilMs = nowMs + leftOf(job, nodes.slowest);
    return windows.within(untilMs, snapshot.alive.length, (node) => nodes.list[node]!.row);
  }

  #fill(): void {
    const state = this.#state;
    const { nowMs, ordering, holdings } = state;
    const mode = ordering.backfill === 'conservative' ? 'conservative' : 'easy';
    const queue = this.#queue;
    const waiting: SimJob[] = [];
    this.#queue = waiting;
    let asked = 0;
    const behind = (): Ask | undefined => {
      const job = waiting[asked++];
      return job ? askOf(state, job, this.#within(job)) : (asked--, undefined);
    };
    const plan = createBackfillPlan({ mode, nowMs, ...freeNow(state), running: holdings!, behind });
    let reserved = false;
    for (const job of queue) {
      const open = this.#open(job);
      // With one reservation made, EASY has nothing to say to who cannot start now. Conservative plans ask when they must.
      if (!open && (reserved || mode === 'conservative')) {
        waiting.push(job);
        continue;
      }
      const ask = askOf(state, job, this.#within(job));
      if (open && plan.mayStart(ask)) {
        if (this.#place(job)) {
          if (plan.start(holdingOf(state, job))) {
            begin(state, job);
            continue;
          }
          unplace(state, job);
        }
      }
      if (mode === 'easy') plan.wait(ask);
      reserved = true;
      waiting.push(job);
    }
  }

  waiting(): Iterable<SimJob> {
    return this.#queue;
  }
}
