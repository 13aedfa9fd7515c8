/**
 * CrashLoopBackOff: how long a container that ended waits for its next start. The first restart comes at once, the next
 * after the base (10 s), doubling to the most (300 s); a container that ran twice the most begins anew (kubelet's numbers).
 */
export interface BackOffOptions {
  baseMs: number;
  mostMs: number;
}

export class BackOff {
  readonly #options: BackOffOptions;
  readonly #delays = new Map<string, number>();

  constructor(options: BackOffOptions = { baseMs: 10_000, mostMs: 300_000 }) {
    this.#options = options;
  }

  /** The present delay of a container; 0 before its first restart. */
  delayOf(key: string): number {
    return this.#delays.get(key) ?? 0;
  }

  /** When the container may start again. */
  until(key: string, finishedAt: number): number {
    return finishedAt + this.delayOf(key);
  }

  /** A restart is being made of a container that ran from one time to the other: the next one waits longer. */
  restarted(key: string, startedAt: number, finishedAt: number): void {
    const { baseMs, mostMs } = this.#options;
    const before = finishedAt - startedAt > 2 * mostMs ? 0 : this.delayOf(key);
    this.#delays.set(key, before === 0 ? baseMs : Math.min(mostMs, before * 2));
  }

  forget(key: string): void {
    this.#delays.delete(key);
  }
}
