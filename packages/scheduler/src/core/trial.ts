import type { PodInfo } from './pod-info.ts';
import type { PlacedPod, Snapshot } from './snapshot.ts';

/**
 * Changes to a snapshot that can be taken back: how gangs and preemption look ahead without a copy of the cluster. Taking
 * back restores every amount exactly (snapshot.ts says why); only generations move on.
 */
export class Trial {
  readonly #snapshot: Snapshot;
  readonly #undo: (() => void)[] = [];

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  place(info: PodInfo, nodeName: string): void {
    this.#snapshot.addPod(info, nodeName);
    this.#undo.push(() => this.#snapshot.removePod(info.uid));
  }

  remove(pod: PlacedPod): void {
    const { info, nodeName } = pod;
    if (!this.#snapshot.removePod(info.uid)) return;
    this.#undo.push(() => this.#snapshot.addPod(info, nodeName));
  }

  /** Takes back everything. */
  rollback(): void {
    while (this.#undo.length > 0) this.#undo.pop()!();
  }

  /** Keeps everything: from here on there is nothing to take back. */
  keep(): void {
    this.#undo.length = 0;
  }
}
