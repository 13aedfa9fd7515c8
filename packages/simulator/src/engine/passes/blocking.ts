/** Which kinds of jobs need not be tried, because one of them did not fit and nothing has changed for them since. */
import type { JobKind, SimPod } from '../job-kind.ts';
import type { RunState } from '../run-state.ts';

/** A job of the kind did not fit. */
export function block(state: RunState, kind: JobKind, priority: number): void {
  // Without preemption priority does not matter to whether there is room.
  const upTo = state.spec.preemption ? priority : Infinity;
  if (kind.blockedUpTo === -Infinity) state.blockedKinds.push(kind);
  if (upTo > kind.blockedUpTo) kind.blockedUpTo = upTo;
}

/** Looks at the room that was made since the last look: whom it may help is open again. */
export function unblock(state: RunState): void {
  const { nodes, blockedKinds } = state;
  if (nodes.freed.length === 0 && !nodes.freedAnywhere) return;
  const all = nodes.freedAnywhere || state.kinds.wide;
  let kept = 0;
  for (const kind of blockedKinds) {
    if (all || nodes.freed.some((row) => couldFit(state, kind, row))) kind.blockedUpTo = -Infinity;
    else blockedKinds[kept++] = kind;
  }
  blockedKinds.length = kept;
  nodes.looked();
}

/** True if some pod of the kind may have room on the row, by amounts: never false if it has. */
function couldFit(state: RunState, { samples }: JobKind, row: number): boolean {
  for (const pod of samples) if (roomFor(state, pod, row)) return true;
  return false;
}

function roomFor({ snapshot }: RunState, { dimensions, requests, cards }: SimPod, row: number): boolean {
  for (let i = 0; i < dimensions.length; i++) {
    if (snapshot.free[dimensions[i]!]![row]! < requests[i]!) return false;
  }
  return cards === undefined || cards.extended || snapshot.cards.fits(row, cards);
}
