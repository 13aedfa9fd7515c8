/**
 * At every event the whole cluster is placed anew in order. Jobs from the front of the order that are where they were in it
 * the last time keep their places: what decided them is the same. Those behind leave theirs and are placed one after the
 * other; who ran and is placed again goes on, charged nothing unless the policy says so.
 */
import { begin, count, interrupt, noteStretch, resized, restart, stretchesOf } from '../jobs.ts';
import type { JobKind } from '../job-kind.ts';
import { mayFit, place } from '../placing.ts';
import type { RunState } from '../run-state.ts';
import type { SimJob } from '../sim-job.ts';
import { speedNow } from '../speed.ts';
import { before } from '../waiting/waiting-queue.ts';
import type { Pass } from './pass.ts';
import { rankAll } from './rank.ts';

export class ReplanPass implements Pass {
  readonly #state: RunState;
  /** As they were placed the last time. */
  #order: SimJob[] = [];
  /** Of those, the ones that ran then. */
  #ran: SimJob[] = [];
  /** That have come since. */
  #added: SimJob[] = [];
  /** Changes of the nodes seen by then. */
  #changes = -1;
  #passes = 0;
  /** Kinds of which one did not fit in this pass. */
  #failed = 0;

  constructor(state: RunState) {
    this.#state = state;
  }

  add(job: SimJob): void {
    // Interrupted by something else than a pass: what was placed after it may have a better place.
    if (job.starts > 0) this.#order = [];
    else this.#added.push(job);
  }

  put(): void {}

  save(): unknown {
    const failed = this.#state.kinds.list.map((kind) => kind.failedIn);
    return {
      order: this.#order.map(({ index }) => index),
      changes: this.#changes,
      passes: this.#passes,
      failed,
    };
  }
  restore(saved: unknown): void {
    const state = saved as { order: number[]; changes: number; passes: number; failed: number[] };
    // A job that has ended since keeps its place in the order: it only must not equal the one that is there now.
    this.#order = state.order.map((index) => this.#state.active.get(index)!);
    this.#ran = [...this.#state.active.values()].filter((job) => job.running);
    this.#changes = state.changes;
    this.#passes = state.passes;
    for (const [i, kind] of this.#state.kinds.list.entries()) kind.failedIn = state.failed[i] ?? -1;
  }

  run(): void {
    const state = this.#state;
    const pass = ++this.#passes;
    const order = this.#active();
    const ran = this.#ran.filter((job) => job.running);
    // First: what that undoes counts in the ranks.
    if (state.ordering.restartsAll) for (const job of ran) restart(state, job);
    rankAll(state, order);
    order.sort((a, b) => (before(a, b) ? -1 : 1));
    this.#added = [];
    let same = 0;
    if (this.#changes === state.nodes.changes) {
      while (same < order.length && order[same] === this.#order[same]) same++;
    }
    this.#changes = state.nodes.changes;
    this.#order = order;
    this.#ran = [];
    this.#failed = 0;
    for (let i = 0; i < same; i++) {
      const job = order[i]!;
      if (!job.running) this.#fail(job.kind, pass);
      else {
        job.keptIn = pass;
        this.#ran.push(job);
      }
    }
    this.#placeFrom(same, ran, pass);
  }

  /** Jobs at the front of the order, which are as many as `from`, keep their places. */
  #placeFrom(from: number, ran: readonly SimJob[], pass: number): void {
    const state = this.#state;
    const { kinds, snapshot } = state;
    const leaving = ran.filter((job) => job.keptIn !== pass).sort((a, b) => (before(a, b) ? -1 : 1));
    const stretches = new Map<SimJob, Map<number, number>>();
    for (const job of leaving) {
      stretches.set(job, stretchesOf(state, job));
      for (const pod of job.pods) count(state, job, pod, -1, snapshot.removePod(pod.uid)!.row);
      job.pods = [];
    }
    let left = leaving.length;
    for (let i = from; i < this.#order.length; i++) {
      // There is room for none of those that follow, and none of them ran.
      if (left === 0 && this.#failed === kinds.list.length && !kinds.wide) break;
      const job = this.#order[i]!;
      const was = job.running ? stretches.get(job) : undefined;
      if (was) left--;
      else if (job.kind.failedIn === pass && !kinds.wide) continue;
      this.#place(job, pass, was);
      if (job.running) this.#ran.push(job);
    }
  }

  #fail(kind: JobKind, pass: number): void {
    if (kind.failedIn !== pass) this.#failed++;
    kind.failedIn = pass;
  }

  /** All that are active, nearly in order already: sorting them costs little. */
  #active(): SimJob[] {
    const { active } = this.#state;
    const order = [...this.#order.filter((job) => job?.active), ...this.#added];
    return order.length === active.size ? order : [...active.values()];
  }

  #place(job: SimJob, pass: number, was: Map<number, number> | undefined): void {
    const state = this.#state;
    // Room only gets less in the course of a pass; pods that others want to be near may still come.
    const tried = job.kind.failedIn === pass && !state.kinds.wide;
    if (tried || !mayFit(state, job) || !place(state, job)) {
      this.#fail(job.kind, pass);
      if (!was) return;
      noteStretch(state, job, was);
      interrupt(state, job);
      return;
    }
    if (!was) {
      begin(state, job);
      return;
    }
    for (const pod of job.pods) count(state, job, pod, 1);
    const now = stretchesOf(state, job);
    if (now.size !== was.size || [...now].some(([node, gpuMilli]) => was.get(node) !== gpuMilli)) {
      noteStretch(state, job, was);
      job.stretchMs = state.nowMs;
    }
    // Other nodes may be faster or slower.
    if (job.job.elastic || (state.spec.speeds && speedNow(state, job) !== job.speed)) resized(state, job);
  }

  *waiting(): Iterable<SimJob> {
    for (const job of this.#state.active.values()) if (!job.running) yield job;
  }
}
