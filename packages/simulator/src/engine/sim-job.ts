/** A job that has been submitted and has not ended. */
import type { Job } from '../model/job.ts';
import type { Holding } from '../ordering/backfill.ts';
import type { ActiveJob } from '../ordering/policy.ts';
import type { JobKind, SimPod } from './job-kind.ts';

/** Of the run: what time it is. */
export interface Clock {
  nowMs: number;
}

export class SimJob implements ActiveJob {
  readonly job: Job;
  readonly index: number;
  readonly kind: JobKind;
  readonly tenant: number;
  readonly priority: number;
  /** Goes before all else where the priorities count: with preemption. */
  readonly urgency: number;
  readonly #clock: Clock;

  running = false;
  /** Its pods on the snapshot, in the order in which they were placed; none while it waits. */
  pods: SimPod[] = [];
  /** Names given to its pods so far in this start. */
  named = 0;
  /** As of `settledMs`, while it runs. */
  work = 0;
  held = 0;
  settledMs = 0;
  /** Of the start, still to come as of `settledMs`. */
  startLeftMs = 0;
  /** Work done in a millisecond. */
  speed = 1;
  /** Work that the last start began with: saved, so not lost by an interruption. */
  saved = 0;
  /** Work done and lost again, and the time of starts beyond the first. */
  lost = 0;
  waitedMs = 0;
  waitingSinceMs: number;
  startedMs = NaN;
  starts = 0;
  failures = 0;
  /** Since when it is where it is, for the gantt chart. */
  stretchMs = 0;
  /** From then on what it holds does work, of which is not known yet whether it lasts. */
  goodFromMs = 0;
  /** Thousandths of cards and of cores of its pods, while it runs. */
  gpuMilliHeld = 0;
  cpuMilliHeld = 0;
  /** The same of times with other numbers of pods, since the last start (elastic jobs). */
  pendingGood: { fromMs: number; toMs: number; gpuMilli: number; cpuMilli: number; speed: number }[] = [];
  /** For backfill plans, while it runs. */
  holding: Holding | undefined;
  /** Of its events: those of an older one are void. */
  version = 0;
  /** What the ordering policy says, if that is kept. */
  rank = 0;
  /** Of the replan pass: the last in which it kept its place without being tried. */
  keptIn = -1;

  constructor(job: Job, index: number, kind: JobKind, tenant: number, clock: Clock, urgent: boolean) {
    this.job = job;
    this.index = index;
    this.kind = kind;
    this.tenant = tenant;
    this.priority = job.priority ?? 0;
    this.urgency = urgent ? this.priority : 0;
    this.#clock = clock;
    this.waitingSinceMs = job.submitMs;
  }

  /** False: it has ended. */
  get active(): boolean {
    return this.running || !Number.isNaN(this.waitingSinceMs);
  }
  get gpuMilli(): number {
    return this.kind.gpuMilli;
  }
  get cpuMilli(): number {
    return this.kind.cpuMilli;
  }
  get doneMs(): number {
    return this.work + this.#workSince(this.#clock.nowMs);
  }
  get heldMs(): number {
    return this.running ? this.held + this.#clock.nowMs - this.settledMs : this.held;
  }
  /** How long it holds its places altogether, one start included, if its owner is right. */
  get estimateMs(): number {
    return (this.job.estimateMs ?? this.job.runMs) + (this.job.startMs ?? 0);
  }

  #workSince(nowMs: number): number {
    if (!this.running) return 0;
    return Math.max(0, nowMs - this.settledMs - this.startLeftMs) * this.speed;
  }

  /** Counts what has happened until now into `work` and `held`. */
  settle(nowMs: number): void {
    const passed = nowMs - this.settledMs;
    const starting = Math.min(passed, this.startLeftMs);
    this.work += (passed - starting) * this.speed;
    this.startLeftMs -= starting;
    if (this.starts > 1) this.lost += starting;
    this.held += passed;
    this.settledMs = nowMs;
  }

  /** When it ends if nothing gets in its way. */
  get endMs(): number {
    return this.settledMs + this.startLeftMs + Math.max(0, this.job.runMs - this.work) / this.speed;
  }

  /** Work that an interruption now would leave it. */
  get kept(): number {
    const { checkpointMs, stopMs = 0 } = this.job;
    if (checkpointMs === undefined) return 0;
    const since = this.work - this.saved;
    const safe = checkpointMs === 0 ? since : Math.floor(since / checkpointMs) * checkpointMs;
    return this.saved + Math.max(0, safe - stopMs);
  }
}

/** Speed with so many pods against that with all (Amdahl's law). */
export function speedOf(job: Job, pods: number): number {
  const { elastic } = job;
  if (!elastic) return 1;
  const { serial = 0 } = elastic;
  return 1 / (serial + ((1 - serial) * job.podSets[0]!.count) / pods);
}
