import type { PodInfo } from './pod-info.ts';
import type { PlacedPod, Snapshot } from './snapshot.ts';

/**
 * Changes to a snapshot that can be taken back: how gangs and preemption look ahead without a copy of the cluster. Taking
 * back restores every amount exactly (snapshot.ts says why), and with them the generations: what was known before the trial
 * is known again. Nothing else may change the snapshot while a trial is open, except trials inside it.
 */
export class Trial {
  readonly #snapshot: Snapshot;
  readonly #generation: number;
  /** Row -> its generation before the trial. */
  readonly #rows = new Map<number, number>();
  readonly #undo: (() => void)[] = [];

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.#generation = snapshot.generation;
  }

  place(info: PodInfo, nodeName: string): void {
    this.#remember(this.#snapshot.rowOf(nodeName));
    this.#snapshot.addPod(info, nodeName);
    this.#undo.push(() => this.#snapshot.removePod(info.uid));
  }

  remove(pod: PlacedPod): void {
    const { info, nodeName } = pod;
    this.#remember(this.#snapshot.rowOf(nodeName));
    if (!this.#snapshot.removePod(info.uid)) return;
    this.#undo.push(() => this.#snapshot.addPod(info, nodeName));
  }

  /** Takes back everything. */
  rollback(): void {
    if (this.#undo.length === 0) return;
    while (this.#undo.length > 0) this.#undo.pop()!();
    for (const [row, generation] of this.#rows) this.#snapshot.restoreRow(row, generation);
    this.#rows.clear();
    this.#snapshot.restore(this.#generation);
  }

  /** Keeps everything: from here on there is nothing to take back. */
  keep(): void {
    this.#undo.length = 0;
    this.#rows.clear();
  }

  #remember(row: number | undefined): void {
    if (row !== undefined && !this.#rows.has(row)) this.#rows.set(row, this.#snapshot.rowGeneration[row]!);
  }
}
