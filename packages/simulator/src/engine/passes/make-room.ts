/** A job that does not fit as things are: elastic jobs shrink for it, jobs of lower priority leave for it. */
import {
  findGangPreemption,
  findPreemption,
  type PlacedPod,
  type VictimGroup,
} from '@coracle/scheduler/core';
import { interrupt } from '../jobs.ts';
import { indexOf } from '../node-events.ts';
import { place, podsFor } from '../placing.ts';
import type { RunState } from '../run-state.ts';
import type { SimJob } from '../sim-job.ts';
import { shrinkUntil } from './elastic.ts';
import type { Pass } from './pass.ts';

/** True if the job's pods are placed now. Jobs that had to leave wait in the pass. */
export function makeRoom(state: RunState, job: SimJob, pass: Pass): boolean {
  if (state.elastic.size > 0 && shrinkUntil(state, () => place(state, job))) return true;
  if (!state.spec.preemption || !state.snapshot.hasPodsBelow(job.priority)) return false;
  const victims = victimsFor(state, job);
  if (!victims) return false;
  const jobs = new Set(victims.map(({ info }) => state.active.get(indexOf(info.uid))!));
  for (const victim of [...jobs].sort((a, b) => a.index - b.index)) {
    state.counts.preemptions++;
    interrupt(state, victim);
    pass.add(victim);
  }
  return place(state, job);
}

/** Pods whose jobs must leave so that the job has room. */
function victimsFor(state: RunState, job: SimJob): readonly PlacedPod[] | undefined {
  const { framework } = state;
  const options = {
    budgets: [],
    random: state.preemptionTies.next,
    group: (victim: PlacedPod): VictimGroup | undefined => groupOf(state, victim),
  };
  job.named = 0;
  const pods = podsFor(state, job, job.kind.least);
  if (pods.length > 1) {
    const gang = { pods, minCount: pods.length, scheduled: 0 };
    const lostWork = (victim: PlacedPod): number => lostBy(state, victim);
    return findGangPreemption(framework, gang, { ...options, lostWork })?.victims;
  }
  const decision = framework.schedule(pods[0]!);
  if (decision.fits) return undefined;
  const found = findPreemption(framework, pods[0]!, decision.diagnosis, options);
  return 'victims' in found ? found.victims.pods : undefined;
}

/** A job goes as a whole. */
export function groupOf({ active, snapshot }: RunState, victim: PlacedPod): VictimGroup | undefined {
  const job = active.get(indexOf(victim.info.uid))!;
  if (job.pods.length === 1) return undefined;
  const pods = job.pods.flatMap(({ uid }) => snapshot.pod(uid) ?? []);
  return { key: String(job.index), pods, min: Infinity };
}

/** Seconds of work. */
function lostBy({ active }: RunState, victim: PlacedPod): number {
  const job = active.get(indexOf(victim.info.uid))!;
  return Math.max(0, job.doneMs - job.saved) / 1000 / job.pods.length;
}
