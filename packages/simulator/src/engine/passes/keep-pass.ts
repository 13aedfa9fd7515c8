/** What runs keeps its place; the waiting are tried in order. */
import { RankingQueue } from '../waiting/ranking-queue.ts';
import { SkippingQueue } from '../waiting/skipping-queue.ts';
import { StrictQueue } from '../waiting/strict-queue.ts';
import type { WaitingQueue } from '../waiting/waiting-queue.ts';
import { begin } from '../jobs.ts';
import { mayFit, place } from '../placing.ts';
import type { RunState } from '../run-state.ts';
import type { SimJob } from '../sim-job.ts';
import { block, unblock } from './blocking.ts';
import { makeRoom } from './make-room.ts';
import type { Pass } from './pass.ts';
import { rankAll } from './rank.ts';

export class KeepPass implements Pass {
  readonly #state: RunState;
  readonly #queue: WaitingQueue;

  constructor(state: RunState) {
    this.#state = state;
    const { fixed, skip, rankAll: all } = state.ordering;
    if (!fixed || all) this.#queue = new RankingQueue(skip, (jobs) => rankAll(state, jobs));
    else this.#queue = skip ? new SkippingQueue() : new StrictQueue();
  }

  add(job: SimJob): void {
    const { ordering, context } = this.#state;
    if (!ordering.rankAll) job.rank = ordering.rank(job, context);
    this.#queue.add(job);
  }

  put(job: SimJob): void {
    this.#queue.add(job);
  }
  save(): unknown {
    return undefined;
  }
  restore(): void {}

  readonly #open = (job: SimJob): boolean => job.priority > job.kind.blockedUpTo;

  readonly #start = (job: SimJob): boolean => {
    const state = this.#state;
    if ((mayFit(state, job) && place(state, job)) || makeRoom(state, job, this)) {
      begin(state, job);
      // A pod may be what another wants to be near.
      if (state.kinds.wide) state.nodes.freedAnywhere = true;
      return true;
    }
    // What is in its way besides room may change with any pod that comes or goes.
    block(state, job.kind, job.priority);
    return false;
  };

  run(): void {
    unblock(this.#state);
    this.#queue.pass(this.#open, this.#start);
  }

  waiting(): Iterable<SimJob> {
    return this.#queue.jobs();
  }
}
