/**
 * The event loop: what is next happens, all that happens at one moment together, then jobs are given places. Nothing here
 * knows a real clock or a random source: a run is a function of its spec.
 */
import type { Job } from '../model/job.ts';
import type { Progress, RunResult } from '../model/result.ts';
import type { RunSpec } from '../model/run.ts';
import { eventKind } from './event-heap.ts';
import { begin, end, wait } from './jobs.ts';
import { nodeChange, planChanges, retire } from './node-changes.ts';
import { jobFails, join, nodeDown, nodeUp, planWindows, windowEnd, windowStart } from './node-events.ts';
import { outcomeOf } from './job-table.ts';
import { BackfillPass } from './passes/backfill-pass.ts';
import { grow } from './passes/elastic.ts';
import { KeepPass } from './passes/keep-pass.ts';
import { LivePass } from './passes/live-pass.ts';
import type { Pass } from './passes/pass.ts';
import { ReplanPass } from './passes/replan-pass.ts';
import { mayFit, place } from './placing.ts';
import { quantity } from './recorders/series-recorder.ts';
import { resultOf } from './result.ts';
import { RunState } from './run-state.ts';
import { read, restore, save } from './save.ts';
import { SimJob, speedOf } from './sim-job.ts';

/** Runs to the end. */
export function simulate(spec: RunSpec): RunResult {
  const simulation = new Simulation(spec);
  while (!simulation.step(1_000_000));
  return simulation.result();
}

export class Simulation {
  readonly #state: RunState;
  readonly #pass: Pass;
  readonly #jobs: Iterator<Job>;
  /** The next to arrive. */
  #next: Job | undefined;
  #done = false;
  /** Of the event that asks for the order anew. */
  #orderVersion = 0;

  constructor(spec: RunSpec, saved?: Uint8Array) {
    const from = saved && read(saved);
    const state = new RunState(spec, from?.remembered);
    this.#state = state;
    this.#pass = passFor(state);
    this.#jobs = spec.workload.jobs()[Symbol.iterator]();
    planWindows(state);
    const away = planChanges(state);
    if (from)
      [this.#orderVersion, this.#done] = restore(state, this.#pass, from.saved, this.#jobs) as [
        number,
        boolean,
      ];
    else for (let i = 0; i < state.nodes.list.length; i++) if (!away.has(i)) join(state, i);
    this.#read();
  }

  /** All that the run is now. `resume` with the same spec goes on from there, and ends with the same result to the byte. */
  save(): Uint8Array {
    return save(this.#state, this.#pass, [this.#orderVersion, this.#done]);
  }

  /** Throws if the bytes are not a saved run, or one of another spec. */
  static resume(spec: RunSpec, bytes: Uint8Array): Simulation {
    return new Simulation(spec, bytes);
  }

  /** Goes on for so many events, or to the end: then it answers true. */
  step(maxEvents: number): boolean {
    const { counts } = this.#state;
    const until = counts.events + maxEvents;
    while (!this.#done && counts.events < until) this.#moment();
    return this.#done;
  }

  /** All that happens at the next time at which something does. */
  #moment(): void {
    const { events, spec } = this.#state;
    while (events.size > 0 && this.#isVoid(events.kind, events.subject, events.version)) events.pop();
    const nextMs = Math.min(events.nextMs, this.#next?.submitMs ?? Infinity);
    const { untilMs = Infinity } = spec;
    if (nextMs > untilMs || nextMs === Infinity || !this.#lives()) {
      if (untilMs < Infinity && nextMs > untilMs) this.#advance(untilMs);
      this.#done = true;
      return;
    }
    this.#advance(nextMs);
    while (events.nextMs === nextMs) this.#event();
    while (this.#next && this.#next.submitMs === nextMs) this.#arrive(this.#next);
    if (this.#state.retiring.size > 0) retire(this.#state, this.#pass);
    this.#pass.run();
    grow(this.#state);
    this.#state.pools.run(this.#pass);
    this.#askForOrder();
    this.#tally();
  }

  /** False when nothing that is still to come can change anything. */
  #lives(): boolean {
    const { runningFinite, waiting, nodesDown, nodesBooting, windowsLeft, joinsLeft } = this.#state;
    if (this.#next !== undefined || runningFinite > 0) return true;
    return waiting > 0 && (nodesDown > 0 || nodesBooting > 0 || windowsLeft > 0 || joinsLeft > 0);
  }

  #advance(toMs: number): void {
    const { series, clock } = this.#state;
    series.advance(toMs);
    clock.nowMs = toMs;
  }

  /** What the series say from now on. */
  #tally(): void {
    const { fragments, series } = this.#state;
    if (fragments) series.now[quantity.gpuMilliFragmented] = fragments.refresh();
  }

  /** Events that something has overtaken are no reason to look at the order anew. */
  #isVoid(kind: number, subject: number, version: number): boolean {
    if (kind === eventKind.end) return this.#state.active.get(subject)?.version !== version;
    return kind === eventKind.order && version !== this.#orderVersion;
  }

  #event(): void {
    const state = this.#state;
    const { events } = state;
    const { kind, subject, version } = events;
    events.pop();
    state.counts.events++;
    this.#happen(kind, subject, version);
  }

  #happen(kind: number, subject: number, version: number): void {
    const state = this.#state;
    const pass = this.#pass;
    if (kind === eventKind.end) {
      const job = state.active.get(subject);
      if (job?.version === version) pass.ending?.(job);
      if (job?.version === version) end(state, job, job.job.ends ?? 'succeeded');
    } else if (kind === eventKind.jobFailure) {
      const job = state.active.get(subject);
      if (job?.running && job.starts === version) jobFails(state, pass, job);
    } else if (kind === eventKind.nodeDown) {
      if (state.nodes.list[subject]!.version === version) nodeDown(state, pass, subject);
    } else if (kind === eventKind.nodeUp) {
      if (state.nodes.list[subject]!.version === version) nodeUp(state, subject);
    } else if (kind === eventKind.nodeChange) nodeChange(state, pass, subject);
    else if (kind === eventKind.windowStart) windowStart(state, pass, subject);
    else if (kind === eventKind.windowEnd) windowEnd(state, subject);
    else if (kind === eventKind.nodeReady) state.pools.ready(subject);
    else if (kind === eventKind.nodeIdle) state.pools.idle(pass, subject, version);
  }

  #read(): void {
    const before = this.#next;
    const { done, value } = this.#jobs.next();
    this.#next = done ? undefined : value;
    if (!this.#next) return;
    const { id, submitMs } = this.#next;
    const earliest = before?.submitMs ?? 0;
    if (!(submitMs >= earliest))
      throw new Error(
        `job "${id}" is submitted at ${submitMs} ms, after one at ${earliest} ms: jobs must come in the order of submission`,
      );
  }

  #arrive(job: Job): void {
    const state = this.#state;
    const { table, spec } = state;
    state.counts.events++;
    this.#read();
    const kind = state.kinds.of(job);
    const tenant = table.tenantId(job.tenant);
    const fastest = Math.max(1, speedOf(job, kind.pods));
    const index = table.add(job.id, tenant, job.submitMs, job.runMs / fastest + (job.startMs ?? 0));
    table.gpuMilli[index] = kind.gpuMilli;
    table.cpuMilli[index] = kind.cpuMilli;
    table.pods[index] = kind.pods;
    const sim = new SimJob(job, index, kind, tenant, state.clock, spec.preemption ?? false);
    state.active.set(index, sim);
    wait(state, sim);
    if (spec.dropUnplaced) this.#placeOrDrop(sim);
    else this.#pass.add(sim);
  }

  #placeOrDrop(job: SimJob): void {
    const state = this.#state;
    const { table, series, nodes, demand, fragments } = state;
    begin(state, job, mayFit(state, job) && place(state, job));
    if (!job.running) {
      table.outcome[job.index] = outcomeOf.dropped;
      state.active.delete(job.index);
      state.ended++;
    }
    const used = series.now[quantity.gpuMilliUsed]!;
    demand!.note(job.gpuMilli, nodes.gpuMilliUp, used, fragments?.refresh() ?? 0);
  }

  #askForOrder(): void {
    const { ordering, context, active, events, nowMs } = this.#state;
    const at = Math.min(
      ordering.nextChange?.(active.values(), context) ?? Infinity,
      this.#pass.nextDue?.() ?? Infinity,
    );
    this.#orderVersion++;
    if (!(at > nowMs) || at === Infinity) return;
    events.push(at, eventKind.order, 0, this.#orderVersion);
  }

  progress(): Progress {
    const { clock, counts, table, ended, waiting, running } = this.#state;
    return {
      nowMs: clock.nowMs,
      events: counts.events,
      jobsSeen: table.length,
      jobsEnded: ended,
      jobsWaiting: waiting,
      jobsRunning: running,
    };
  }

  /** What there is to say so far; of the whole run once `step` has answered true. */
  result(): RunResult {
    return resultOf(this.#state, this.#pass.waiting());
  }
}

function passFor(state: RunState): Pass {
  const { mode, backfill, live } = state.ordering;
  if (live) return new LivePass(state);
  if (mode === 'replan') return new ReplanPass(state);
  return backfill === 'none' ? new KeepPass(state) : new BackfillPass(state);
}
