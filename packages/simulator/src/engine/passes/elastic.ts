/** Elastic jobs: they begin with what there is, grow when there is room and nobody waits, and shrink when others do. */
import { count, noteStretch, resized, stretchesOf } from '../jobs.ts';
import { namedPod, placeOne } from '../placing.ts';
import type { SimPod } from '../job-kind.ts';
import type { RunState } from '../run-state.ts';
import type { SimJob } from '../sim-job.ts';

/** Takes away the job's pods on the row, if it can go on with the others. False: it cannot, and nothing has changed. */
export function shrinkOff(state: RunState, job: SimJob, row: number): boolean {
  if (!job.job.elastic) return false;
  const gone = job.pods.filter(({ uid }) => state.snapshot.pod(uid)!.row === row);
  if (job.pods.length - gone.length < job.kind.least) return false;
  remove(state, job, gone);
  return true;
}

function remove(state: RunState, job: SimJob, gone: readonly SimPod[]): void {
  endStretch(state, job);
  for (const pod of gone) count(state, job, pod, -1, state.snapshot.removePod(pod.uid)!.row);
  job.pods = job.pods.filter((pod) => !gone.includes(pod));
  resized(state, job);
}

/** For the gantt chart: it is about to have other pods. */
function endStretch(state: RunState, job: SimJob): void {
  noteStretch(state, job, stretchesOf(state, job));
  job.stretchMs = state.nowMs;
}

/** Adds pods to those that have fewest of what they could have, one each in turn, while there is room. */
export function grow(state: RunState): void {
  if (state.elastic.size === 0 || state.waiting > 0) return;
  let candidates = [...state.elastic].filter((job) => job.pods.length < job.kind.pods);
  const changed = new Set<SimJob>();
  while (candidates.length > 0) {
    candidates.sort((a, b) => a.pods.length / a.kind.pods - b.pods.length / b.kind.pods || a.index - b.index);
    const next: SimJob[] = [];
    for (const job of candidates) {
      const base = state.kinds.describe(job.kind.sets[0]!.template, job.job.tenant, job.priority);
      const pod = namedPod(state, job, base);
      state.counts.decisions++;
      if (!placeOne(state, job, pod)) continue;
      job.pods.pop();
      if (!changed.has(job)) endStretch(state, job);
      job.pods.push(pod);
      count(state, job, pod, 1);
      changed.add(job);
      if (job.pods.length < job.kind.pods) next.push(job);
    }
    candidates = next;
  }
  for (const job of changed) resized(state, job);
  // What was given can be taken back: whoever was told that there is no room may ask again.
  if (changed.size > 0) state.nodes.freedAnywhere = true;
}

/**
 * Takes pods away from elastic jobs, from those with most above their least first, until `fits` answers true. False: it
 * never does, and all pods are where they were.
 */
export function shrinkUntil(state: RunState, fits: () => boolean): boolean {
  const { snapshot } = state;
  const surplus = [...state.elastic].filter((job) => job.pods.length > job.kind.least);
  if (surplus.length === 0) return false;
  const taken: { job: SimJob; pod: SimPod; nodeName: string; row: number }[] = [];
  const left = new Map(surplus.map((job) => [job, job.pods.length]));
  const places = new Map(surplus.map((job) => [job, stretchesOf(state, job)]));
  for (;;) {
    let most: SimJob | undefined;
    for (const job of surplus) {
      const over = left.get(job)! - job.kind.least;
      if (over > 0 && (!most || over > left.get(most)! - most.kind.least)) most = job;
    }
    if (!most) break;
    const pod = most.pods[left.get(most)! - 1]!;
    left.set(most, left.get(most)! - 1);
    const { nodeName, row } = snapshot.removePod(pod.uid)!;
    taken.push({ job: most, pod, nodeName, row });
    state.nodes.masks.update(row);
    if (fits()) {
      const jobs = new Set<SimJob>();
      for (const { job, pod: gone, row: from } of taken) {
        count(state, job, gone, -1, from);
        job.pods.splice(job.pods.indexOf(gone), 1);
        jobs.add(job);
      }
      for (const job of jobs) {
        noteStretch(state, job, places.get(job)!);
        job.stretchMs = state.nowMs;
        resized(state, job);
      }
      return true;
    }
  }
  for (const { pod, nodeName, row } of taken.toReversed()) {
    snapshot.addPod(pod, nodeName);
    state.nodes.masks.update(row);
  }
  return false;
}
