/** Nodes come and go: failures, maintenance windows; and jobs that fail by themselves. */
import type { Maintenance } from '../model/run.ts';
import { eventKind } from './event-heap.ts';
import { end, interrupt } from './jobs.ts';
import type { Pass } from './passes/pass.ts';
import { shrinkOff } from './passes/elastic.ts';
import { draw, exponential, purposes } from './random.ts';
import { quantity } from './recorders/series-recorder.ts';
import type { RunState } from './run-state.ts';
import type { SimJob } from './sim-job.ts';

/** The node is there from now on, and may fail some day. */
export function join(state: RunState, number: number): void {
  const { nodes, nowMs } = state;
  nodes.join(number, nowMs);
  const node = nodes.list[number]!;
  node.version++;
  noteCapacity(state, node.row);
  const { nodeFailures, seed } = state.spec;
  if (!nodeFailures) return;
  const after = exponential(nodeFailures.meanUpMs, draw(seed, purposes.nodeUp, number, node.failures));
  state.events.push(nowMs + after, eventKind.nodeDown, number, node.version);
}

/** The node is gone, and what runs on it interrupted. */
export function leave(state: RunState, pass: Pass, number: number): void {
  clear(state, pass, number);
  const node = state.nodes.list[number]!;
  const { row } = node;
  node.version++;
  state.nodes.leave(number, state.nowMs);
  noteCapacity(state, row);
}

function noteCapacity({ nodes, series, fragments }: RunState, row: number): void {
  series.now[quantity.gpuMilliUp] = nodes.gpuMilliUp;
  series.now[quantity.cpuMilliUp] = nodes.cpuMilliUp;
  series.now[quantity.nodesUp] = nodes.up;
  fragments?.touch(row);
}

/** Jobs with pods on the node are interrupted; elastic ones that can do without those pods go on with the others. */
function clear(state: RunState, pass: Pass, number: number): void {
  const { nodes, snapshot, active } = state;
  const { row } = nodes.list[number]!;
  const jobs = new Set<SimJob>();
  for (const { info } of snapshot.podsOn(row)) jobs.add(active.get(indexOf(info.uid))!);
  // In the order of submission, however the pods lie on the node.
  for (const job of [...jobs].sort((a, b) => a.index - b.index)) {
    if (shrinkOff(state, job, row)) continue;
    interrupt(state, job);
    pass.add(job);
  }
}

/** The job's number is in the names of its pods: see `namedPod`. */
export function indexOf(uid: string): number {
  return Number.parseInt(uid.slice(uid.indexOf('/') + 1), 10);
}

export function nodeDown(state: RunState, pass: Pass, number: number): void {
  const node = state.nodes.list[number]!;
  state.counts.nodeFailures++;
  leave(state, pass, number);
  node.down = true;
  state.nodesDown++;
  const { meanDownMs } = state.spec.nodeFailures!;
  const uniform = draw(state.spec.seed, purposes.nodeDown, number, node.failures++);
  state.events.push(state.nowMs + exponential(meanDownMs, uniform), eventKind.nodeUp, number, node.version);
}

export function nodeUp(state: RunState, number: number): void {
  state.nodesDown--;
  join(state, number);
}

/** A pod of the job has failed: the job starts again, or has failed for good. */
export function jobFails(state: RunState, pass: Pass, job: SimJob): void {
  const { limit = 6 } = state.spec.jobFailures!;
  state.counts.jobFailures++;
  job.failures++;
  if (job.failures > limit) {
    end(state, job, 'failed');
    return;
  }
  interrupt(state, job);
  pass.add(job);
}

/** Numbers of the nodes of a window, as the cluster is now. Throws if a name is not known. */
function nodesOf(state: RunState, { nodes: which }: Maintenance): number[] {
  const { nodes } = state;
  if ('pool' in which) {
    const found = nodes.list.flatMap(({ pool }, number) => (pool === which.pool ? [number] : []));
    if (found.length === 0) throw new Error(`maintenance: the cluster has no pool "${which.pool}"`);
    return found;
  }
  return which.map((name) => {
    const number = nodes.numberOf(name);
    if (number === undefined) throw new Error(`maintenance: the cluster has no node "${name}"`);
    return number;
  });
}

/** Puts the events of all windows. */
export function planWindows(state: RunState): void {
  for (const [i, window] of (state.spec.maintenance ?? []).entries()) {
    const { fromMs, toMs, mode } = window;
    if (!(toMs > fromMs)) throw new Error(`maintenance: a window from ${fromMs} ms to ${toMs} ms is empty`);
    state.events.push(fromMs, eventKind.windowStart, i, 0);
    state.windowNodes.push(nodesOf(state, window));
    state.windowsLeft++;
    if (mode === 'drain') state.windows.add({ fromMs, nodes: state.windowNodes[i]! });
  }
}

export function windowStart(state: RunState, pass: Pass, i: number): void {
  const { mode, toMs } = state.spec.maintenance![i]!;
  state.windows.passed(state.nowMs);
  state.events.push(toMs, eventKind.windowEnd, i, 0);
  for (const number of state.windowNodes[i]!) {
    state.nodes.cordon(number, 1);
    if (mode === 'drain' && state.nodes.list[number]!.row >= 0) clear(state, pass, number);
  }
}

export function windowEnd(state: RunState, i: number): void {
  state.windowsLeft--;
  for (const number of state.windowNodes[i]!) state.nodes.cordon(number, -1);
}
