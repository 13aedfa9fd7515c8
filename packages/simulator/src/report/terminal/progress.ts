/** How far a simulation is, in one line that is rewritten on a terminal and now and then printed elsewhere. */
import type { Progress } from '../../model/result.ts';
import { digits, duration } from '../units.ts';
import { fit, padded } from './text.ts';

/** A run that is under way. */
export interface RunningRun {
  readonly progress: Progress;
  /** Jobs of its workload, if known. */
  readonly jobs?: number | undefined;
  readonly untilMs?: number | undefined;
}

export interface ProgressTarget {
  write(text: string): void;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** 0 to 1; undefined while nobody can know. */
export function partDone({ progress, jobs, untilMs }: RunningRun): number | undefined {
  const byTime = untilMs !== undefined && untilMs > 0 ? progress.nowMs / untilMs : undefined;
  const byJobs = jobs !== undefined && jobs > 0 ? progress.jobsEnded / jobs : undefined;
  if (byTime === undefined && byJobs === undefined) return undefined;
  return Math.min(1, Math.max(byTime ?? 0, byJobs ?? 0));
}

/** `43 %  12.2 d simulated  1,200,000 events/s  86,000x real time  ETA 12 s  run 3 of 10`. Wall time comes in. */
export class ProgressLine {
  readonly #target: ProgressTarget;
  readonly #runs: number;
  readonly #startMs: number;
  #lastMs = Number.NEGATIVE_INFINITY;
  #finished = { count: 0, events: 0, simulatedMs: 0 };
  #open = false;

  /** `runs`: how many there are to be. `atMs`: the wall clock at the start. */
  constructor(target: ProgressTarget, runs: number, atMs: number) {
    this.#target = target;
    this.#runs = runs;
    this.#startMs = atMs;
  }

  /** Shows the runs that are under way; at most ten times a second on a terminal, else every ten seconds. */
  update(running: readonly RunningRun[], atMs: number): void {
    if (atMs - this.#lastMs < (this.#target.isTTY ? 100 : 10_000)) return;
    this.#lastMs = atMs;
    this.#show(this.text(running, atMs, this.#width));
  }

  /** A run has ended. */
  finished(last: Progress): void {
    this.#finished.count++;
    this.#finished.events += last.events;
    this.#finished.simulatedMs += last.nowMs;
  }

  /** Leaves a line that says what it took. */
  end(atMs: number): void {
    this.#show(this.text([], atMs, this.#width));
    if (this.#open) this.#target.write('\n');
    this.#open = false;
  }

  /** It was stopped: what is on the terminal stays, and what follows begins a line of its own. */
  stop(): void {
    if (this.#open) this.#target.write('\n');
    this.#open = false;
  }

  /** The last column stays free: some terminals wrap when it is written. */
  get #width(): number {
    return this.#target.isTTY ? (this.#target.columns ?? 80) - 1 : Infinity;
  }

  /** Without control characters; in so many columns the rates are left out first. */
  text(running: readonly RunningRun[], atMs: number, width = Infinity): string {
    const seconds = Math.max(0.001, (atMs - this.#startMs) / 1000);
    const { count, events, simulatedMs } = this.#finished;
    const allEvents = running.reduce((total, run) => total + run.progress.events, events);
    const allMs = running.reduce((total, run) => total + run.progress.nowMs, simulatedMs);
    const parts = running.map(partDone);
    const known = parts.every((part) => part !== undefined);
    const part = known ? (count + parts.reduce((a: number, b) => a + b!, 0)) / this.#runs : undefined;
    const left = part !== undefined && part > 0 && part < 1 ? (seconds * (1 - part)) / part : undefined;
    const rates = [
      `${digits(Math.round(allEvents / seconds))} events/s`,
      `${digits(allMs / 1000 / seconds)}x real time`,
    ];
    const line = (): string =>
      [
        part === undefined
          ? `${running.reduce((total, run) => total + run.progress.jobsEnded, 0).toLocaleString('en-US')} jobs`
          : `${padded(String(Math.floor(part * 100)), 3, 'right')} %`,
        `${duration(allMs)} simulated`,
        ...rates,
        ...(left === undefined ? [] : [`ETA ${left < 120 ? `${Math.ceil(left)} s` : duration(left * 1000)}`]),
        ...(count === this.#runs ? [`took ${duration(seconds * 1000)}`] : []),
        ...(this.#runs > 1
          ? [count < this.#runs ? `${count} of ${this.#runs} runs done` : `${count} runs`]
          : []),
      ].join('  ');
    while (rates.length > 0 && line().length > width) rates.pop();
    return line();
  }

  #show(text: string): void {
    if (!this.#target.isTTY) {
      this.#target.write(`${text}\n`);
      return;
    }
    this.#target.write(`\r\u001b[K${fit(text, this.#width)}`);
    this.#open = true;
  }
}
