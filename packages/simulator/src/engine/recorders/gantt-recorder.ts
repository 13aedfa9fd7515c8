/** Stretches in which jobs ran on nodes. When there are too many only every second job is kept, then every fourth. */
import type { Gantt } from '../../model/result.ts';

export class GanttRecorder {
  readonly #most: number;
  #every = 1;
  #length = 0;
  /** Stretches that are not kept. */
  left = 0;
  #job: Uint32Array;
  #node: Uint32Array;
  #fromMs: Float64Array;
  #toMs: Float64Array;
  #gpuMilli: Float64Array;
  #cpuMilli: Float64Array;

  constructor(most: number) {
    this.#most = Math.max(0, most);
    const room = Math.min(this.#most, 256);
    this.#job = new Uint32Array(room);
    this.#node = new Uint32Array(room);
    this.#fromMs = new Float64Array(room);
    this.#toMs = new Float64Array(room);
    this.#gpuMilli = new Float64Array(room);
    this.#cpuMilli = new Float64Array(room);
  }

  #grow(room: number): void {
    this.#job = copied(this.#job, new Uint32Array(room));
    this.#node = copied(this.#node, new Uint32Array(room));
    this.#fromMs = copied(this.#fromMs, new Float64Array(room));
    this.#toMs = copied(this.#toMs, new Float64Array(room));
    this.#gpuMilli = copied(this.#gpuMilli, new Float64Array(room));
    this.#cpuMilli = copied(this.#cpuMilli, new Float64Array(room));
  }

  /** False: what is added of the job is only counted. */
  wants(job: number): boolean {
    return this.#most > 0 && job % this.#every === 0;
  }

  /** `milli`: thousandths of cards, or of cores where the node has no `cards`. */
  add(job: number, node: number, fromMs: number, toMs: number, milli: number, cards: boolean): void {
    if (this.#most === 0) this.left++;
    while (this.#most > 0 && this.#length === this.#most && job % this.#every === 0) this.#thin();
    if (this.#most === 0) return;
    if (job % this.#every !== 0) {
      this.left++;
      return;
    }
    const at = this.#length++;
    if (at === this.#job.length) this.#grow(Math.min(this.#most, at * 2));
    this.#job[at] = job;
    this.#node[at] = node;
    this.#fromMs[at] = fromMs;
    this.#toMs[at] = toMs;
    this.#gpuMilli[at] = cards ? milli : 0;
    this.#cpuMilli[at] = cards ? 0 : milli;
  }

  #thin(): void {
    // One job alone may have more stretches than there is room for.
    if (this.#every > 2 ** 31) this.#every = Infinity;
    else this.#every *= 2;
    let kept = 0;
    for (let i = 0; i < this.#length; i++) {
      if (this.#job[i]! % this.#every !== 0 || this.#every === Infinity) continue;
      this.#job[kept] = this.#job[i]!;
      this.#node[kept] = this.#node[i]!;
      this.#fromMs[kept] = this.#fromMs[i]!;
      this.#toMs[kept] = this.#toMs[i]!;
      this.#gpuMilli[kept] = this.#gpuMilli[i]!;
      this.#cpuMilli[kept] = this.#cpuMilli[i]!;
      kept++;
    }
    this.left += this.#length - kept;
    this.#length = kept;
  }

  read(): Gantt {
    const n = this.#length;
    return {
      job: this.#job.slice(0, n),
      node: this.#node.slice(0, n),
      fromMs: this.#fromMs.slice(0, n),
      toMs: this.#toMs.slice(0, n),
      gpuMilli: this.#gpuMilli.slice(0, n),
      cpuMilli: this.#cpuMilli.slice(0, n),
      left: this.left,
    };
  }

  copy(): GanttRecorder {
    const copy = new GanttRecorder(this.#most);
    copy.restore(this.save());
    return copy;
  }

  save(): unknown {
    return { ...this.read(), every: this.#every };
  }
  restore(saved: unknown): void {
    const state = saved as Gantt & { every: number };
    this.#every = state.every;
    this.#length = state.job.length;
    this.left = state.left;
    if (this.#length > this.#job.length) this.#grow(this.#length);
    this.#job.set(state.job);
    this.#node.set(state.node);
    this.#fromMs.set(state.fromMs);
    this.#toMs.set(state.toMs);
    this.#gpuMilli.set(state.gpuMilli);
    this.#cpuMilli.set(state.cpuMilli);
  }
}

function copied<T extends Float64Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
