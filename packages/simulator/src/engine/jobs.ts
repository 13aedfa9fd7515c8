/** Jobs begin, end and are interrupted: what that means for the columns, the recorders and the events. */
import { eventKind } from './event-heap.ts';
import type { SimPod } from './job-kind.ts';
import { outcomeOf } from './job-table.ts';
import { holdingOf } from './passes/holdings.ts';
import { draw, exponential, purposes } from './random.ts';
import { quantity } from './recorders/series-recorder.ts';
import type { RunState } from './run-state.ts';
import type { SimJob } from './sim-job.ts';
import { speedNow } from './speed.ts';

/** The job waits from now on; the caller puts it into a queue. */
export function wait(state: RunState, job: SimJob): void {
  const { now } = state.series;
  job.waitingSinceMs = state.nowMs;
  now[quantity.jobsWaiting]!++;
  now[quantity.gpuMilliWaiting]! += job.gpuMilli;
  now[quantity.cpuMilliWaiting]! += job.cpuMilli;
  state.table.outcome[job.index] = outcomeOf.waiting;
}

function waitNoMore(state: RunState, job: SimJob): void {
  const { now } = state.series;
  const { nowMs } = state;
  job.waitedMs += nowMs - job.waitingSinceMs;
  job.waitingSinceMs = NaN;
  now[quantity.jobsWaiting]!--;
  now[quantity.gpuMilliWaiting]! -= job.gpuMilli;
  now[quantity.cpuMilliWaiting]! -= job.cpuMilli;
}

/** The job's pods have been placed: it runs. `placed` false: it only waits no more. */
export function begin(state: RunState, job: SimJob, placed = true): void {
  const { nowMs, table } = state;
  waitNoMore(state, job);
  if (!placed) return;
  const first = job.starts === 0;
  if (first) table.startMs[job.index] = nowMs;
  else table.restarts[job.index]!++;
  job.running = true;
  job.starts++;
  job.startedMs = nowMs;
  job.stretchMs = nowMs;
  job.settledMs = nowMs;
  job.startLeftMs = job.job.startMs ?? 0;
  job.goodFromMs = nowMs + job.startLeftMs;
  job.gpuMilliHeld = 0;
  job.cpuMilliHeld = 0;
  job.saved = job.work;
  job.speed = speedNow(state, job);
  state.running++;
  if (job.job.runMs < Infinity) state.runningFinite++;
  state.series.now[quantity.jobsRunning]!++;
  table.outcome[job.index] = outcomeOf.running;
  table.waitMs[job.index] = job.waitedMs;
  for (const pod of job.pods) {
    job.gpuMilliHeld += pod.gpuMilli;
    job.cpuMilliHeld += pod.cpuMilli;
    count(state, job, pod, 1);
  }
  const { snapshot } = state;
  state.stays?.begin(
    job.index,
    nowMs,
    job.pods.map(({ uid }) => snapshot.pod(uid)!.nodeName),
  );
  if (job.job.elastic) state.elastic.add(job);
  if (state.holdings) state.holdings.add((job.holding = holdingOf(state, job)));
  expectEnd(state, job);
  expectFailure(state, job);
}

/** Puts the event of its end anew: those before are void. */
export function expectEnd(state: RunState, job: SimJob): void {
  job.version++;
  const { endMs } = job;
  if (endMs < Infinity) state.events.push(endMs, eventKind.end, job.index, job.version);
}

/** A job of more pods fails more often. Drawn for each start, the same whatever the policy. */
function expectFailure({ spec, events, clock }: RunState, job: SimJob): void {
  const { jobFailures, seed } = spec;
  if (!jobFailures) return;
  const uniform = draw(seed, purposes.jobFailure, job.index, job.starts);
  const after = exponential(jobFailures.meanPodUpMs / job.pods.length, uniform);
  events.push(clock.nowMs + after, eventKind.jobFailure, job.index, job.starts);
}

/** A pod of the job takes (1) or leaves (-1) its place: it is on the snapshot, or was until now on that row. */
export function count(state: RunState, job: SimJob, pod: SimPod, sign: 1 | -1, from?: number): void {
  const row = from ?? state.snapshot.pod(pod.uid)!.row;
  const { gpuMilli, cpuMilli } = pod;
  const { now } = state.series;
  now[quantity.gpuMilliUsed]! += sign * gpuMilli;
  now[quantity.cpuMilliUsed]! += sign * cpuMilli;
  const held = (state.held[job.tenant] ??= { gpuMilli: 0, cpuMilli: 0 });
  held.gpuMilli += sign * gpuMilli;
  held.cpuMilli += sign * cpuMilli;
  state.nodes.hold(row, gpuMilli, cpuMilli, sign, state.nowMs);
  state.fragments?.touch(row);
}

/** The job's pods leave their places; what it held is noted. */
function leave(state: RunState, job: SimJob): void {
  const { nowMs, snapshot } = state;
  job.version++;
  state.stays?.end(job.index, nowMs);
  const [first] = job.pods;
  if (first && job.pods.length === 1) {
    const { row } = snapshot.removePod(first.uid)!;
    if (job.stretchMs < nowMs) {
      const node = state.nodes.numberOnRow(row);
      const cards = state.nodes.hasCards(node);
      state.gantt.add(job.index, node, job.stretchMs, nowMs, cards ? first.gpuMilli : first.cpuMilli, cards);
    }
    count(state, job, first, -1, row);
  } else if (first) {
    noteStretch(state, job, stretchesOf(state, job));
    for (const pod of job.pods) count(state, job, pod, -1, snapshot.removePod(pod.uid)!.row);
  }
  job.pods = [];
  job.running = false;
  job.settledMs = nowMs;
  state.running--;
  if (job.job.runMs < Infinity) state.runningFinite--;
  state.series.now[quantity.jobsRunning]!--;
  state.elastic.delete(job);
  if (job.holding) {
    state.holdings!.remove(job.holding);
    job.holding = undefined;
  }
}

/** Where the job is: number of a node -> thousandths of cards there, of cores where it has no cards. */
export function stretchesOf({ nodes, snapshot }: RunState, job: SimJob): Map<number, number> {
  const byNode = new Map<number, number>();
  for (const { uid, gpuMilli, cpuMilli } of job.pods) {
    const node = nodes.numberOnRow(snapshot.pod(uid)!.row);
    byNode.set(node, (byNode.get(node) ?? 0) + (nodes.hasCards(node) ? gpuMilli : cpuMilli));
  }
  return byNode;
}

/** For the gantt chart: it has been there until now. */
export function noteStretch(
  { gantt, clock, nodes }: Pick<RunState, 'gantt' | 'clock' | 'nodes'>,
  job: SimJob,
  places: ReadonlyMap<number, number>,
): void {
  if (job.stretchMs === clock.nowMs) return;
  for (const [node, milli] of places)
    gantt.add(job.index, node, job.stretchMs, clock.nowMs, milli, nodes.hasCards(node));
}

/** What it held since its last start counts as good but for the start itself and for `lost`, the work at its end. */
function noteGood(state: RunState, job: SimJob, lost: number): void {
  const { series, nowMs } = state;
  const pending = job.pendingGood;
  const toMs = Math.max(job.goodFromMs, nowMs - lost / job.speed);
  if (pending.length > 0) {
    let left = lost - Math.max(0, nowMs - job.goodFromMs) * job.speed;
    for (let i = pending.length - 1; i >= 0; i--) {
      const { fromMs, toMs: endMs, gpuMilli, cpuMilli, speed } = pending[i]!;
      const counted = Math.max(fromMs, endMs - Math.max(0, left) / speed);
      left -= (endMs - fromMs) * speed;
      series.good(fromMs, counted, gpuMilli, cpuMilli);
    }
    job.pendingGood = [];
  }
  series.good(job.goodFromMs, toMs, job.gpuMilliHeld, job.cpuMilliHeld);
  job.goodFromMs = nowMs;
}

/** An elastic job has another number of pods than before. They are counted. */
export function resized(state: RunState, job: SimJob): void {
  const { nowMs } = state;
  job.settle(nowMs);
  if (nowMs > job.goodFromMs) {
    const { goodFromMs: fromMs, gpuMilliHeld: gpuMilli, cpuMilliHeld: cpuMilli, speed } = job;
    job.pendingGood.push({ fromMs, toMs: nowMs, gpuMilli, cpuMilli, speed });
    job.goodFromMs = nowMs;
  }
  job.gpuMilliHeld = job.pods.reduce((sum, pod) => sum + pod.gpuMilli, 0);
  job.cpuMilliHeld = job.pods.reduce((sum, pod) => sum + pod.cpuMilli, 0);
  job.speed = speedNow(state, job);
  if (job.holding) {
    state.holdings!.remove(job.holding);
    state.holdings!.add((job.holding = holdingOf(state, job, job.startLeftMs)));
  }
  expectEnd(state, job);
}

/** It has ended: by itself, or for good after failures. */
export function end(state: RunState, job: SimJob, outcome: 'succeeded' | 'failed' | 'cancelled'): void {
  const { table, nowMs } = state;
  job.settle(nowMs);
  noteGood(state, job, 0);
  leave(state, job);
  const { index } = job;
  table.endMs[index] = nowMs;
  table.outcome[index] = outcomeOf[outcome];
  table.lostMs[index] = job.lost;
  state.active.delete(index);
  state.ended++;
}

/** It loses its places and what it has not saved, and waits again. The caller puts it into a queue. */
export function interrupt(state: RunState, job: SimJob): void {
  job.settle(state.nowMs);
  const { kept } = job;
  noteGood(state, job, job.work - kept);
  job.lost += job.work - kept;
  job.work = kept;
  leave(state, job);
  state.table.lostMs[job.index] = job.lost;
  wait(state, job);
}

/** It is interrupted and started again where it will be placed: what an interruption costs, and a start. */
export function restart(state: RunState, job: SimJob): void {
  const { nowMs } = state;
  job.settle(nowMs);
  const { kept } = job;
  noteGood(state, job, job.work - kept);
  job.lost += job.work - kept;
  state.table.lostMs[job.index] = job.lost;
  job.work = kept;
  job.saved = kept;
  job.startLeftMs = job.job.startMs ?? 0;
  job.goodFromMs = nowMs + job.startLeftMs;
  if (nowMs > job.startedMs) expectEnd(state, job);
}
