/**
 * How many equal pods each row could take, by what the row-local plugins say and by the amounts that are free. Kept by row
 * until the row changes, as verdicts are.
 */
import type { Evaluation } from './evaluation.ts';
import { podsDimension, type PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';

export class RoomColumn {
  #room = new Int32Array(0);
  /** Invariant: `#room[row]` holds if `#at[row] === snapshot.rowGeneration[row]`. */
  #at = new Float64Array(0);

  /** Sets `room[i]` for `rows[i]`. The evaluation's verdicts on these rows hold. */
  read(
    snapshot: Snapshot,
    pod: PodInfo,
    local: Evaluation,
    rows: Int32Array,
    count: number,
    room: Int32Array,
  ): void {
    if (this.#at.length < snapshot.alive.length) {
      this.#room = new Int32Array(snapshot.alive.length);
      this.#at = new Float64Array(snapshot.alive.length).fill(-1);
    }
    const kept = this.#room;
    const at = this.#at;
    const generations = snapshot.rowGeneration;
    const { rejectedBy } = local;
    for (let i = 0; i < count; i++) {
      const row = rows[i]!;
      if (at[row] !== generations[row]) {
        at[row] = generations[row]!;
        kept[row] = rejectedBy[row] === 0 ? freeFor(snapshot, pod, row) : 0;
      }
      room[i] = kept[row]!;
    }
  }
}

/** How many pods like one that fits have room on the row. */
function freeFor(snapshot: Snapshot, pod: PodInfo, row: number): number {
  if (pod.ports.length > 0) return 1;
  let most = snapshot.free[podsDimension]![row]!;
  const { dimensions, requests } = pod;
  for (let i = 0; i < dimensions.length; i++) {
    const free = snapshot.free[dimensions[i]!]![row]!;
    // It fits though there is less than it asks for: another plugin answers for this resource.
    if (free >= requests[i]!) most = Math.min(most, Math.floor(free / requests[i]!));
  }
  return Math.max(1, most);
}
