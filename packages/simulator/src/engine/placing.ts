/** Where a job's pods go: the scheduler core decides, one pod or all together. */
import {
  CannotReserve,
  placeGang,
  scheduleOne,
  type PlacementOptions,
  type Reservation,
  type RowSet,
} from '@coracle/scheduler/core';
import { formatTime } from '@coracle/machinery';
import type { SimPod } from './job-kind.ts';
import { quantity } from './recorders/series-recorder.ts';
import type { RunState } from './run-state.ts';
import type { SimJob } from './sim-job.ts';

/** Looks only whether it fits: why not is asked at the end of a run, of those who still wait. */
const briefly = { briefly: true };

/** Pods with names of their own, as many as the job may have; `limit`: no more than so many. */
export function podsFor(state: RunState, job: SimJob, limit = Infinity): SimPod[] {
  const { sets } = job.kind;
  const pods: SimPod[] = [];
  for (const [i, { count }] of sets.entries()) {
    const base = state.kinds.baseOf(job.kind, i, job);
    const wanted = Math.min(job.job.elastic?.max ?? count, limit - pods.length);
    for (let n = 0; n < wanted; n++) pods.push(namedPod(state, job, base));
  }
  return pods;
}

export function namedPod({ spec, clock }: RunState, job: SimJob, base: SimPod): SimPod {
  // The seed is part of it: policies that leave a choice to chance draw by name.
  let uid = `${spec.seed}/${job.index}`;
  if (job.kind.pods > 1) uid += `.${job.named}`;
  if (job.starts > 0) uid += `/${job.starts}`;
  job.named++;
  if (!spec.preemption) return { ...base, uid };
  // Victims are chosen by when they started, too; the API knows that in whole seconds.
  const startTime = formatTime(clock.nowMs);
  return { ...base, uid, pod: { ...base.pod, status: { startTime } } as SimPod['pod'] };
}

/** False without asking the core: there is less free in all than the job needs. */
export function mayFit({ nodes, series }: RunState, { kind }: SimJob): boolean {
  const part = kind.least / kind.pods;
  const { now } = series;
  for (const [i, pod] of kind.samples.entries()) {
    const needed = kind.samples.length === 1 ? kind.least : kind.sets[i]!.count;
    if (nodes.masks.room(pod) < needed) return false;
  }
  return (
    kind.gpuMilli * part <= nodes.gpuMilliUp - now[quantity.gpuMilliUsed]! &&
    kind.cpuMilli * part <= nodes.cpuMilliUp - now[quantity.cpuMilliUsed]!
  );
}

/**
 * Puts the job's pods on the snapshot, at least as many as it needs, or none. `within`: only on these rows.
 * Nothing is counted yet: `begin` (jobs.ts) does that, `unplace` takes it back.
 */
export function place(state: RunState, job: SimJob, within?: RowSet): boolean {
  const where = within ?? state.nodes.masks.for(fewestCards(job));
  return placeWhere(state, job, where ? { within: where, briefly: true } : briefly);
}

function placeWhere(state: RunState, job: SimJob, where: PlacementOptions): boolean {
  const { framework, kinds } = state;
  const { kind } = job;
  job.named = 0;
  state.counts.decisions++;
  if (kind.pods === 1) {
    const base = kinds.baseOf(kind, 0, job);
    return placeOne(state, job, namedPod(state, job, base), where);
  }
  const { within } = where;
  const pods = podsFor(state, job);
  const gang = { pods, minCount: kind.least, scheduled: 0, ...(within ? { within } : {}) };
  const decision = placeGang(framework, gang);
  if (!decision.fits) return false;
  for (const { pod, reservations } of decision.placed) {
    settle(reservations);
    job.pods.push(pod as SimPod);
  }
  return true;
}

/** What holds for this pod of the job holds for all: it asks for fewest cards. */
function fewestCards({ kind: { samples } }: SimJob): SimPod {
  let fewest = samples[0]!;
  for (const pod of samples) if ((pod.cards?.count ?? 0) < (fewest.cards?.count ?? 0)) fewest = pod;
  return fewest;
}

/** Puts one more pod of the job on the snapshot. */
export function placeOne(
  state: RunState,
  job: SimJob,
  pod: SimPod,
  where: PlacementOptions = briefly,
): boolean {
  try {
    const decision = scheduleOne(state.framework, pod, where);
    if (!decision.fits) return false;
    if (decision.reservations) settle(decision.reservations);
  } catch (error) {
    if (error instanceof CannotReserve) return false;
    throw error;
  }
  job.pods.push(pod);
  return true;
}

/** The binding is done at once here: what was taken with the decision is the pod's. */
function settle(reservations: readonly Reservation[]): void {
  for (const reservation of reservations) reservation.settle?.();
}

/** Takes the job's pods off the snapshot that `place` has just put there. */
export function unplace({ snapshot }: RunState, job: SimJob): void {
  for (const { uid } of job.pods) snapshot.removePod(uid);
  job.pods = [];
}
