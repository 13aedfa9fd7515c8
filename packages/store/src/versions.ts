/** Arithmetic on a slot's kept revisions. */
import type { Slot } from './sorted-slots.ts';

/** Revision of the value the key had at `revision`; 0 if it did not exist then. */
export function versionAt(slot: Slot, revision: number): number {
  if (slot.versions === undefined) {
    return slot.entry !== undefined && slot.entry.revision <= revision ? slot.entry.revision : 0;
  }
  const at = lastUpTo(slot.versions, revision);
  return at < 0 ? 0 : Math.max(0, slot.versions[at]!);
}

/** Notes an event of the key. Call before the slot's newest value is changed. */
export function addVersion(slot: Slot, type: 'PUT' | 'DELETE', revision: number): void {
  if (slot.versions === undefined) {
    if (slot.entry === undefined && type === 'PUT') return;
    slot.versions = slot.entry === undefined ? [] : [slot.entry.revision];
  }
  slot.versions.push(type === 'PUT' ? revision : -revision);
}

/** Forgets versions that no read after `compacted` can see. Returns false if nothing at all is left of the key. */
export function trimVersions(slot: Slot, compacted: number): boolean {
  if (slot.versions !== undefined) {
    const at = lastUpTo(slot.versions, compacted);
    // The newest version up to there is still the answer to reads after it, unless it is a deletion.
    const drop = at < 0 ? 0 : slot.versions[at]! < 0 ? at + 1 : at;
    if (drop > 0) slot.versions.splice(0, drop);
    if (slot.versions.length === 0 || (slot.versions.length === 1 && slot.entry !== undefined)) {
      slot.versions = undefined;
    }
  }
  return slot.versions !== undefined || slot.entry !== undefined;
}

/** Index of the last version whose revision is at most `revision`; -1 if none. */
function lastUpTo(versions: readonly number[], revision: number): number {
  let low = 0;
  let high = versions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Math.abs(versions[middle]!) <= revision) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
