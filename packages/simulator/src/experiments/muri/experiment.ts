/**
 * The training-job experiment of Muri (Zhao et al., SIGCOMM'22): jobs of Philly's log on 64 cards as 8 nodes of 8, under
 * policies that interrupt. What differs there from this simulator's own rules, and is done so here too:
 * - an iteration takes 1.5 % longer than the trace says;
 * - at every arrival and end all jobs that run are interrupted and the whole cluster is placed anew, first fit; the overhead of a
 *   job's model is taken from what it has done since, so a job that ends before anything else happens goes without it;
 * - Tiresias only counts cards: they are one node there. Nobody is promoted;
 * - Themis reckons a job's time alone in iterations (themis.ts).
 */
import { gpuProfile } from '@coracle/scheduler/core';
import { simulate } from '../../engine/simulation.ts';
import { muriCluster } from '../../inputs/muri.ts';
import type { Job, Workload } from '../../model/job.ts';
import { outcomes, type RunResult } from '../../model/result.ts';
import type { RunSpec } from '../../model/run.ts';
import type { OrderingPolicy } from '../../ordering/policy.ts';
import { srsf, srtf } from '../../ordering/remaining-time.ts';
import { tiresias } from '../../ordering/tiresias.ts';
import { overheadMs } from './overheads.ts';
import { muriThemis } from './themis.ts';

/** Names as in the paper's figures. */
export const muriPolicies = ['SRTF', 'SRSF', 'Tiresias_L', 'Themis'] as const;
export type MuriPolicy = (typeof muriPolicies)[number];

const orderings: Readonly<Record<MuriPolicy, OrderingPolicy>> = {
  SRTF: restarting(srtf),
  SRSF: restarting(srsf),
  Tiresias_L: restarting(tiresias({ promote: Infinity })),
  Themis: restarting(muriThemis),
};

/** A trace, read for nodes of 8 cards and for one node of 64. */
export interface MuriTrace {
  readonly onNodes: Workload;
  readonly counted: Workload;
}

export function muriSpec(trace: MuriTrace, policy: MuriPolicy): RunSpec {
  const counted = policy === 'Tiresias_L';
  const workload = counted ? trace.counted : trace.onNodes;
  const jobs = [...workload.jobs()].map((job) => asPublished(job));
  return {
    cluster: counted ? muriCluster({ nodes: 1, node: { gpus: 64 } }) : muriCluster(),
    workload: { ...workload, jobs: () => jobs },
    placement: { name: 'firstfit', profile: () => gpuProfile('FirstFit') },
    ordering: orderings[policy],
    seed: 1,
    ties: 'first',
  };
}

/** Mean job completion time, in seconds. */
export function runMuri(trace: MuriTrace, policy: MuriPolicy): number {
  return meanCompletion(simulate(muriSpec(trace, policy)));
}

export function meanCompletion({ jobs }: RunResult): number {
  const succeeded = outcomes.indexOf('succeeded');
  let sum = 0;
  jobs.endMs.forEach((endMs, i) => {
    if (jobs.outcome[i] !== succeeded) throw new Error(`job ${jobs.ids[i]} has not ended`);
    sum += endMs - jobs.submitMs[i]!;
  });
  return sum / 1000 / jobs.endMs.length;
}

const longer = 1.015;

function asPublished(job: Job): Job {
  const { iterations, iterationMs, model } = job.about ?? {};
  if (typeof iterations !== 'number' || typeof iterationMs !== 'number')
    throw new Error(`job "${job.id}" has no iterations or no iteration_time`);
  const cards = job.podSets.reduce((sum, { count, template }) => sum + count * cardsOf(template.spec), 0);
  return {
    ...job,
    runMs: iterations * ((iterationMs * longer) / 1000) * 1000,
    checkpointMs: 0,
    stopMs: overheadMs(String(model), cards),
  };
}

function cardsOf({ containers }: Job['podSets'][number]['template']['spec']): number {
  return Number(containers[0]?.resources?.requests?.['nvidia.com/gpu'] ?? 0);
}

function restarting(policy: OrderingPolicy): OrderingPolicy {
  const { forRun } = policy;
  return {
    ...policy,
    restartsAll: true,
    ...(forRun ? { forRun: (saved: unknown) => ({ ...forRun(saved), restartsAll: true }) } : {}),
  };
}
