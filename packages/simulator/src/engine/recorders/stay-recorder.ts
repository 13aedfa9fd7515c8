/** Every start of every job, with the nodes of its pods. */
import type { Stay } from '../../model/result.ts';

export class StayRecorder {
  readonly #stays: Stay[] = [];
  /** Of jobs that run: place in the list. */
  readonly #open = new Map<number, number>();

  /** `nodes`: of each pod, in the order in which they were placed. */
  begin(job: number, nowMs: number, nodes: readonly string[]): void {
    this.#open.set(job, this.#stays.length);
    this.#stays.push({ job, fromMs: nowMs, toMs: NaN, nodes });
  }

  end(job: number, nowMs: number): void {
    const place = this.#open.get(job);
    if (place === undefined) return;
    this.#open.delete(job);
    this.#stays[place] = { ...this.#stays[place]!, toMs: nowMs };
  }

  read(): readonly Stay[] {
    return this.#stays.slice();
  }

  save(): unknown {
    return { stays: this.#stays.slice(), open: [...this.#open] };
  }
  restore(saved: unknown): void {
    const { stays, open } = saved as { stays: Stay[]; open: [number, number][] };
    this.#stays.push(...stays);
    for (const [job, place] of open) this.#open.set(job, place);
  }
}
