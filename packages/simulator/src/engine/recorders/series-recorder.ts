/**
 * Means over equal stretches of time in bounded memory, though nobody knows beforehand how long a run is: when the stretches
 * are used up each two of them become one and twice as long.
 */
import type { Series } from '../../model/result.ts';
import { GoodRecorder } from './good-recorder.ts';

/** What is measured all the time. Indexes into `now`. */
export const quantities = [
  'gpuMilliUp',
  'cpuMilliUp',
  'nodesUp',
  'gpuMilliUsed',
  'cpuMilliUsed',
  'gpuMilliFragmented',
  'jobsWaiting',
  'jobsRunning',
  'gpuMilliWaiting',
  'cpuMilliWaiting',
] as const;
export const quantity = Object.fromEntries(quantities.map((name, i) => [name, i])) as Record<
  (typeof quantities)[number],
  number
>;
const kinds = quantities.length;

export class SeriesRecorder {
  /** As things are. Changed by the engine. */
  readonly now = new Float64Array(kinds);
  readonly #points: number;
  #stepMs = 1;
  #nowMs = 0;
  /** Integrals by stretch, then quantity. */
  readonly #sums: Float64Array;
  /** What did work that counts, of cards and of cores. */
  readonly #good: readonly [gpu: GoodRecorder, cpu: GoodRecorder];

  constructor(points: number) {
    this.#points = Math.max(2, points + (points % 2));
    this.#sums = new Float64Array(this.#points * kinds);
    this.#good = [new GoodRecorder(this.#points), new GoodRecorder(this.#points)];
  }

  /** Time passes with things as they are. */
  advance(toMs: number): void {
    while (toMs > this.#points * this.#stepMs) this.#halve();
    const step = this.#stepMs;
    const { now } = this;
    let from = this.#nowMs;
    let at = Math.min(this.#points - 1, Math.floor(from / step));
    while (from < toMs) {
      const end = Math.min(toMs, (at + 1) * step);
      const passed = end - from;
      const base = at * kinds;
      for (let i = 0; i < kinds; i++) this.#sums[base + i]! += now[i]! * passed;
      from = end;
      at++;
    }
    this.#nowMs = toMs;
  }

  /** Work on so many thousandths of cards and of cores from then to then counts. Both are past. */
  good(fromMs: number, toMs: number, gpuMilli: number, cpuMilli: number): void {
    if (toMs <= fromMs) return;
    const [gpu, cpu] = this.#good;
    if (gpuMilli !== 0) gpu.add(fromMs, toMs, gpuMilli, this.#stepMs);
    if (cpuMilli !== 0) cpu.add(fromMs, toMs, cpuMilli, this.#stepMs);
  }

  #halve(): void {
    for (const good of this.#good) good.halve();
    const half = this.#points / 2;
    for (let i = 0; i < half; i++) {
      for (let k = 0; k < kinds; k++) {
        this.#sums[i * kinds + k] = this.#sums[2 * i * kinds + k]! + this.#sums[(2 * i + 1) * kinds + k]!;
      }
    }
    this.#sums.fill(0, half * kinds);
    this.#stepMs *= 2;
  }

  /** What there is up to now. */
  read(): Series {
    const step = this.#stepMs;
    const [gpu, cpu] = this.#good.map((good) => good.read()) as [Float64Array, Float64Array];
    const length = Math.min(this.#points, Math.max(1, Math.ceil(this.#nowMs / step)));
    const result: Record<string, Float64Array> = {};
    for (const name of [...quantities, 'gpuMilliGood', 'cpuMilliGood'])
      result[name] = new Float64Array(length);
    for (let i = 0; i < length; i++) {
      const passed = Math.min(step, this.#nowMs - i * step);
      const mean = (sum: number): number => (passed > 0 ? sum / passed : 0);
      for (let k = 0; k < kinds; k++) result[quantities[k]!]![i] = mean(this.#sums[i * kinds + k]!);
      result['gpuMilliGood']![i] = mean(gpu[i]!);
      result['cpuMilliGood']![i] = mean(cpu[i]!);
    }
    return { fromMs: 0, stepMs: step, length, ...result } as unknown as Series;
  }

  copy(): SeriesRecorder {
    const copy = new SeriesRecorder(this.#points);
    copy.restore(this.save());
    return copy;
  }

  save(): unknown {
    return {
      now: this.now.slice(),
      stepMs: this.#stepMs,
      nowMs: this.#nowMs,
      sums: this.#sums.slice(),
      good: this.#good.map((good) => good.save()),
    };
  }
  restore(saved: unknown): void {
    const state = saved as {
      now: Float64Array;
      sums: Float64Array;
      good: unknown[];
      stepMs: number;
      nowMs: number;
    };
    this.now.set(state.now);
    this.#stepMs = state.stepMs;
    this.#nowMs = state.nowMs;
    this.#sums.set(state.sums);
    for (const [i, good] of this.#good.entries()) good.restore(state.good[i]);
  }
}
