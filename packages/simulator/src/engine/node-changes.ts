/** Nodes that are not there all the time: they join, leave, or retire (leave when they are empty) at times of their own. */
import { eventKind } from './event-heap.ts';
import { join, leave } from './node-events.ts';
import type { Pass } from './passes/pass.ts';
import type { RunState } from './run-state.ts';

/** Puts the events of all changes. Answers the numbers of the nodes that are not there at the start. Throws if a name is not known. */
export function planChanges(state: RunState): ReadonlySet<number> {
  const { nodes, events, spec } = state;
  const seen = new Set<number>();
  const away = new Set<number>();
  let lastMs = 0;
  for (const [i, { atMs, node, what }] of (spec.cluster.changes ?? []).entries()) {
    const number = nodes.numberOf(node);
    if (number === undefined) throw new Error(`changes: the cluster has no node "${node}"`);
    if (!(atMs >= lastMs))
      throw new Error(`changes: that of "${node}" at ${atMs} ms is not in the order of time`);
    lastMs = atMs;
    if (what === 'joins') {
      state.joinsLeft++;
      if (!seen.has(number)) away.add(number);
    }
    seen.add(number);
    events.push(atMs, eventKind.nodeChange, i, 0);
  }
  return away;
}

export function nodeChange(state: RunState, pass: Pass, i: number): void {
  const { nodes, retiring } = state;
  const { node, what } = state.spec.cluster.changes![i]!;
  const number = nodes.numberOf(node)!;
  const one = nodes.list[number]!;
  if (what === 'joins') {
    state.joinsLeft--;
    if (retiring.delete(number)) nodes.cordon(number, -1);
    // It may be there: an autoscaler took it.
    if (!one.absent) return;
    state.counts.nodesAdded++;
    join(state, number);
  } else if (what === 'retires' && one.pods > 0) {
    if (retiring.has(number)) return;
    retiring.add(number);
    nodes.cordon(number, 1);
  } else goes(state, pass, number);
}

/** Nodes that were to leave when they are empty, and are. */
export function retire(state: RunState, pass: Pass): void {
  for (const number of state.retiring) if (state.nodes.list[number]!.pods === 0) goes(state, pass, number);
}

function goes(state: RunState, pass: Pass, number: number): void {
  const { nodes, retiring } = state;
  const node = nodes.list[number]!;
  if (node.absent) return;
  // It had failed, and does not come back.
  if (node.down) {
    node.version++;
    node.down = false;
    state.nodesDown--;
  } else leave(state, pass, number);
  node.absent = true;
  if (retiring.delete(number)) nodes.cordon(number, -1);
  state.counts.nodesRemoved++;
}
