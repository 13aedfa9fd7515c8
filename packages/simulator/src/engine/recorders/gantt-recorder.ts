/** Stretches in which jobs ran on nodes. When there are too many only every second job is kept, then every fourth. */
import type { Gantt } from '../../model/result.ts';

export class GanttRecorder {
  readonly #most: number;
  #every = 1;
  #length = 0;
  #left = 0;
  #job: Uint32Array;
  #node: Uint32Array;
  #fromMs: Float64Array;
  #toMs: Float64Array;
  #gpuMilli: Float64Array;

  constructor(most: number) {
    this.#most = Math.max(0, most);
    this.#job = new Uint32Array(this.#most);
    this.#node = new Uint32Array(this.#most);
    this.#fromMs = new Float64Array(this.#most);
    this.#toMs = new Float64Array(this.#most);
    this.#gpuMilli = new Float64Array(this.#most);
  }

  add(job: number, node: number, fromMs: number, toMs: number, gpuMilli: number): void {
    if (this.#most === 0) this.#left++;
    while (this.#most > 0 && this.#length === this.#most && job % this.#every === 0) this.#thin();
    if (this.#most === 0) return;
    if (job % this.#every !== 0) {
      this.#left++;
      return;
    }
    const at = this.#length++;
    this.#job[at] = job;
    this.#node[at] = node;
    this.#fromMs[at] = fromMs;
    this.#toMs[at] = toMs;
    this.#gpuMilli[at] = gpuMilli;
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
      kept++;
    }
    this.#left += this.#length - kept;
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
      left: this.#left,
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
    this.#left = state.left;
    this.#job.set(state.job);
    this.#node.set(state.node);
    this.#fromMs.set(state.fromMs);
    this.#toMs.set(state.toMs);
    this.#gpuMilli.set(state.gpuMilli);
  }
}
