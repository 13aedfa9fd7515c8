/** What jobs ask for and hold, as backfill plans take it: nodes are rows, dimensions those of the scheduler core. */
import type { RowSet } from '@coracle/scheduler/core';
import type { Ask, AskedPods, HeldPlace, Holding } from '../../ordering/backfill.ts';
import type { SimPod } from '../job-kind.ts';
import type { RunState } from '../run-state.ts';
import type { SimJob } from '../sim-job.ts';
import { speedNow } from '../speed.ts';

/** Of the core's dimensions: how many pods a node holds. */
const podsDimension = 3;

function amountsOf({ dimensions, requests }: SimPod): Float64Array {
  const result = new Float64Array(Math.max(podsDimension, ...dimensions) + 1);
  for (const [i, d] of dimensions.entries()) result[d] = requests[i]!;
  result[podsDimension] = 1;
  return result;
}

/** Of one pod, made once for each description. */
const known = new WeakMap<readonly number[], Float64Array>();
function amounts(pod: SimPod): Float64Array {
  let result = known.get(pod.requests);
  if (!result) known.set(pod.requests, (result = amountsOf(pod)));
  return result;
}

/** What it holds from now on. `startMs`: of its start, still to come. */
export function holdingOf(state: RunState, job: SimJob, startMs = job.job.startMs ?? 0): Holding {
  const { snapshot, nowMs } = state;
  const places: HeldPlace[] = [];
  for (const pod of job.pods) {
    const indices = pod.cards && !pod.cards.extended ? snapshot.cards.heldBy(pod.uid) : undefined;
    places.push({
      node: snapshot.pod(pod.uid)!.row,
      amounts: amounts(pod),
      ...(indices ? { cards: { cards: indices, milli: pod.cards!.milli } } : {}),
    });
  }
  return { untilMs: nowMs + leftOf(job, speedNow(state, job), startMs), places };
}

/** How long the job will hold its places from now on, by its estimate, at that speed. `startMs`: of its start, still to come. */
export function leftOf(job: SimJob, speed = 1, startMs = job.job.startMs ?? 0): number {
  const begun = (job.job.startMs ?? 0) - startMs;
  const left = Math.max(0, job.estimateMs - begun - job.work);
  if (speed === 1) return left;
  const start = Math.min(left, startMs);
  return start + (left - start) / speed;
}

/** `within`: only on these rows. */
export function askOf(state: RunState, job: SimJob, within?: RowSet): Ask {
  const { kind } = job;
  kind.asked ??= kind.samples.map((pod, i): AskedPods => {
    const cards = pod.cards && !pod.cards.extended ? pod.cards : undefined;
    return {
      count: kind.sets.length === 1 ? kind.least : kind.sets[i]!.count,
      amounts: amounts(pod),
      ...(cards ? { cards: { count: cards.count, milli: cards.milli } } : {}),
      allows: (row) => allows(state, pod, row),
    };
  });
  const estimateMs = leftOf(job);
  if (!within) return { pods: kind.asked, estimateMs };
  const mask = within.copy();
  const pods = kind.asked.map((asked) => ({
    ...asked,
    allows: (row: number) => mask.has(row) && asked.allows!(row),
  }));
  return { pods, estimateMs };
}

/** Whether the node is one for such pods at all, by what can be said quickly; where a pod is put, the core decides. */
function allows({ snapshot }: RunState, pod: SimPod, row: number): boolean {
  if (snapshot.alive[row] === 0 || snapshot.unschedulable[row] !== 0) return false;
  if (pod.cards && !snapshot.cards.modelFits(row, pod.cards.models)) return false;
  const wanted = pod.pod.spec?.nodeSelector;
  if (!wanted) return true;
  const labels = snapshot.node(row)?.metadata.labels ?? {};
  for (const key in wanted) if (labels[key] !== wanted[key]) return false;
  return true;
}

/** What is free now, for a plan. */
export function freeNow({ snapshot, kinds }: RunState): {
  nodes: number;
  dimensions: number;
  free: Float64Array;
  cards?: { width: number; milli: Int32Array };
} {
  const { rowCount: nodes, alive, unschedulable } = snapshot;
  const dimensions = snapshot.free.length;
  const free = new Float64Array(nodes * dimensions);
  for (let d = 0; d < dimensions; d++) {
    const left = snapshot.free[d]!;
    for (let row = 0; row < nodes; row++) {
      if (alive[row] === 0 || unschedulable[row] !== 0) continue;
      free[row * dimensions + d] = left[row]!;
    }
  }
  if (!kinds.parts) return { nodes, dimensions, free };
  const { width } = snapshot.cards;
  const milli = snapshot.cards.free.slice(0, nodes * width);
  return { nodes, dimensions, free, cards: { width, milli } };
}
