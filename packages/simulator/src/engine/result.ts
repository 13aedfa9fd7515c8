/** From the state of a run to its result. */
import { dominantMember, fitErrorMessage, placeGang } from '@coracle/scheduler/core';
import type { RunResult } from '../model/result.ts';
import { podsFor } from './placing.ts';
import type { JobKind } from './job-kind.ts';
import { noteStretch, stretchesOf } from './jobs.ts';
import type { RunState } from './run-state.ts';
import type { SimJob } from './sim-job.ts';

/** Changes nothing that a run which goes on would notice. */
export function resultOf(state: RunState, waiting: Iterable<SimJob>): RunResult {
  const { spec, table, series, heat, gantt, demand, counts, clock, active } = state;
  const { nowMs } = clock;
  const jobs = table.columns();
  const gantt_ = gantt.copy();
  const good = series.copy();
  for (const job of active.values()) {
    if (job.running) {
      if (gantt_.wants(job.index))
        noteStretch({ gantt: gantt_, clock, nodes: state.nodes }, job, stretchesOf(state, job));
      else gantt_.left += job.pods.length;
      good.good(job.goodFromMs, nowMs, job.gpuMilliHeld, job.cpuMilliHeld);
      for (const { fromMs, toMs, gpuMilli, cpuMilli } of job.pendingGood)
        good.good(fromMs, toMs, gpuMilli, cpuMilli);
    } else jobs.waitMs[job.index] = job.waitedMs + nowMs - job.waitingSinceMs;
  }
  return {
    placement: spec.placement.name,
    ordering: spec.ordering.name,
    seed: spec.seed,
    cluster: spec.cluster.name,
    workload: spec.workload.name,
    endMs: nowMs,
    jobs,
    series: good.read(),
    heat: heat.copy().read(nowMs),
    gantt: gantt_.read(),
    ...(state.stays ? { stays: state.stays.read() } : {}),
    ...(demand ? { demand: demand.read() } : {}),
    counts: { ...counts },
    unplaced: aside(state, () => whyWaiting(state, waiting)),
  };
}

/** Decisions that are no part of the run: what they draw and where they leave off is as if they had not been. */
function aside<T>({ framework, ties }: RunState, ask: () => T): T {
  const { searchStart } = framework;
  const { drawn } = ties;
  const answer = ask();
  framework.searchStart = searchStart;
  ties.drawn = drawn;
  return answer;
}

/** Why jobs wait, by the words of one of each kind, most jobs first. */
function whyWaiting(state: RunState, waiting: Iterable<SimJob>): RunResult['unplaced'] {
  const kinds = new Map<JobKind, { job: SimJob; count: number }>();
  for (const job of waiting) {
    const known = kinds.get(job.kind);
    if (!known) kinds.set(job.kind, { job, count: 1 });
    else {
      known.count++;
      if (job.index < known.job.index) known.job = job;
    }
  }
  const reasons = new Map<string, number>();
  for (const { job, count } of kinds.values()) {
    const why = whyNot(state, job);
    reasons.set(why, (reasons.get(why) ?? 0) + count);
  }
  return [...reasons]
    .map(([why, count]) => ({ why, count }))
    .sort((a, b) => b.count - a.count || (a.why < b.why ? -1 : 1));
}

const others = 'waits for jobs that go before it';

function whyNot(state: RunState, job: SimJob): string {
  const { framework, snapshot } = state;
  const pods = podsFor(state, job);
  const [first] = pods;
  if (pods.length === 1) {
    const decision = framework.schedule(first!);
    return decision.fits ? others : fitErrorMessage(decision.diagnosis);
  }
  const decision = placeGang(framework, { pods, minCount: job.kind.least, scheduled: 0 });
  if (decision.fits) {
    for (const { pod } of decision.placed) snapshot.removePod(pod.uid);
    return others;
  }
  const member = dominantMember(decision);
  return member ? fitErrorMessage(member.diagnosis) : (decision.rejection ?? others);
}
