/**
 * Means over equal stretches of time in bounded memory, though nobody knows beforehand how long a run is: when the stretches
 * are used up each two of them become one and twice as long.
 */
import type { Series } from '../../model/result.ts';

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
  /** What did work that counts: part of a stretch, and from one stretch on in each (a difference). */
  readonly #goodPart: Float64Array;
  readonly #goodChange: Float64Array;

  constructor(points: number) {
    this.#points = Math.max(2, points + (points % 2));
    this.#sums = new Float64Array(this.#points * kinds);
    this.#goodPart = new Float64Array(this.#points);
    this.#goodChange = new Float64Array(this.#points + 1);
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

  /** Work on so many thousandths of cards from then to then counts. Both are past. */
  good(fromMs: number, toMs: number, gpuMilli: number): void {
    if (gpuMilli === 0 || toMs <= fromMs) return;
    const step = this.#stepMs;
    const last = this.#points - 1;
    const a = Math.min(last, Math.floor(fromMs / step));
    const b = Math.min(last, Math.floor(toMs / step));
    if (a === b) {
      this.#goodPart[a]! += gpuMilli * (toMs - fromMs);
      return;
    }
    this.#goodPart[a]! += gpuMilli * ((a + 1) * step - fromMs);
    this.#goodPart[b]! += gpuMilli * (toMs - b * step);
    this.#goodChange[a + 1]! += gpuMilli * step;
    this.#goodChange[b]! -= gpuMilli * step;
  }

  /** Differences become amounts. */
  #settleGood(): void {
    let sum = 0;
    for (let i = 0; i < this.#points; i++) {
      sum += this.#goodChange[i]!;
      this.#goodPart[i]! += sum;
    }
    this.#goodChange.fill(0);
  }

  #halve(): void {
    this.#settleGood();
    const half = this.#points / 2;
    for (let i = 0; i < half; i++) {
      for (let k = 0; k < kinds; k++) {
        this.#sums[i * kinds + k] = this.#sums[2 * i * kinds + k]! + this.#sums[(2 * i + 1) * kinds + k]!;
      }
      this.#goodPart[i] = this.#goodPart[2 * i]! + this.#goodPart[2 * i + 1]!;
    }
    this.#sums.fill(0, half * kinds);
    this.#goodPart.fill(0, half);
    this.#stepMs *= 2;
  }

  /** What there is up to now. */
  read(): Series {
    this.#settleGood();
    const step = this.#stepMs;
    const length = Math.min(this.#points, Math.max(1, Math.ceil(this.#nowMs / step)));
    const result: Record<string, Float64Array> = { gpuMilliGood: new Float64Array(length) };
    for (const name of quantities) result[name] = new Float64Array(length);
    for (let i = 0; i < length; i++) {
      const passed = Math.min(step, this.#nowMs - i * step);
      const mean = (sum: number): number => (passed > 0 ? sum / passed : 0);
      for (let k = 0; k < kinds; k++) result[quantities[k]!]![i] = mean(this.#sums[i * kinds + k]!);
      result['gpuMilliGood']![i] = mean(this.#goodPart[i]!);
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
      good: this.#goodPart.slice(),
      goodChange: this.#goodChange.slice(),
    };
  }
  restore(saved: unknown): void {
    const state = saved as Record<'now' | 'sums' | 'good' | 'goodChange', Float64Array> & {
      stepMs: number;
      nowMs: number;
    };
    this.now.set(state.now);
    this.#stepMs = state.stepMs;
    this.#nowMs = state.nowMs;
    this.#sums.set(state.sums);
    this.#goodPart.set(state.good);
    this.#goodChange.set(state.goodChange);
  }
}
