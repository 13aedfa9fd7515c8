/** What is to be done with one object, given what is known of its owners and dependents. */
import type { KubeObject } from '@coracle/machinery';
import { foregroundFinalizer, hasFinalizer, isDeleting, isWaiting, orphanFinalizer } from './graph.ts';

/**
 * `solid`: exists and keeps its dependents. `waiting`: is being deleted in the foreground. `absent`: known not to exist
 * (asked live). `invalid`: an owner that the object cannot have (of a namespace, for an object of the cluster); it neither
 * keeps the object nor makes it garbage.
 */
export type OwnerState = 'solid' | 'waiting' | 'absent' | 'invalid';

export interface DependentState {
  uid: string;
  /** Its reference to the object has blockOwnerDeletion. */
  blocks: boolean;
  /** It is itself being deleted in the foreground. */
  waiting: boolean;
}

export type Verdict =
  | { do: 'nothing' }
  /** Take these owner references away. */
  | { do: 'release'; owners: string[] }
  /** `unblock`: first set blockOwnerDeletion to false on its references (it is in a circle of waiting objects). */
  | { do: 'delete'; propagation: 'Orphan' | 'Foreground' | 'Background'; unblock: boolean }
  /** Nobody blocks its deletion any more: remove the foregroundDeletion finalizer. */
  | { do: 'finish' }
  /** Look at these dependents, whose turn it is. */
  | { do: 'check'; dependents: string[] };

export function judge(
  object: KubeObject,
  owners: readonly { uid: string; state: OwnerState }[],
  dependents: readonly DependentState[],
): Verdict {
  if (isWaiting(object)) {
    const blocking = dependents.filter(({ blocks }) => blocks);
    if (blocking.length === 0) return { do: 'finish' };
    return { do: 'check', dependents: blocking.filter(({ waiting }) => !waiting).map(({ uid }) => uid) };
  }
  if (isDeleting(object) || owners.length === 0) return { do: 'nothing' };
  const of = (state: OwnerState): string[] =>
    owners.filter((owner) => owner.state === state).map(({ uid }) => uid);
  const waiting = of('waiting');
  if (of('solid').length > 0) {
    const gone = [...of('absent'), ...waiting];
    return gone.length > 0 ? { do: 'release', owners: gone } : { do: 'nothing' };
  }
  if (of('invalid').length > 0) return { do: 'nothing' };
  if (waiting.length > 0 && dependents.length > 0) {
    return { do: 'delete', propagation: 'Foreground', unblock: dependents.some((d) => d.waiting) };
  }
  const propagation = hasFinalizer(object, orphanFinalizer)
    ? 'Orphan'
    : hasFinalizer(object, foregroundFinalizer)
      ? 'Foreground'
      : 'Background';
  return { do: 'delete', propagation, unblock: false };
}
