/**
 * The experiment of the FGD paper (Weng et al., USENIX ATC'23): the pods of a trace in random order, with more drawn from it
 * until they ask for 130 % of the cluster's cards, arrive one after the other; none departs; one that does not fit is counted
 * and dropped. How much of the cards is in use, and how much of the rest is fragmented, is noted against how much has been
 * asked for.
 */
import { createSnapshot, gpuProfile, type GpuPolicy, type WeightedShape } from '@coracle/scheduler/core';
import { JobKinds } from '../../engine/job-kind.ts';
import { popularOf } from '../../engine/recorders/fragments.ts';
import { simulate } from '../../engine/simulation.ts';
import type { Cluster } from '../../model/cluster.ts';
import type { Job, Workload } from '../../model/job.ts';
import { outcomes, type DemandCurve } from '../../model/result.ts';
import type { RunSpec } from '../../model/run.ts';
import { fifo } from '../../ordering/queue-policies.ts';
import { GoRandom } from './go-random.ts';

export const openbPolicies: readonly GpuPolicy[] = [
  'Random',
  'DotProduct',
  'GpuClustering',
  'GpuPacking',
  'BestFit',
  'FGD',
];

const drawsAtStart = 10;

/** Nodes and pods in the order of their names. */
export interface OpenbTrace {
  readonly name: string;
  readonly cluster: Cluster;
  /** Each of one pod. */
  readonly jobs: readonly Job[];
  /** The workload that the trace's pods make, as FGD and the measure of fragmentation want it. */
  readonly popular: readonly WeightedShape[];
}

export interface OpenbOutcome {
  readonly demand: DemandCurve;
  /** Pods that arrived, and those that did not fit. */
  readonly arrivals: number;
  readonly failed: number;
}

export interface OpenbOptions {
  /** Pods are drawn until they ask for so much of the cluster's cards. Default 1.3. */
  readonly ratio?: number;
  /** No more pods come when so many percent of the cards have been asked for. Default: all come. */
  readonly until?: number;
}

export function openbTrace(name: string, cluster: Cluster, workload: Workload): OpenbTrace {
  const { nodes } = cluster;
  return {
    name,
    cluster: { ...cluster, nodes: nodes.toSorted((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1)) },
    jobs: [...workload.jobs()].toSorted((a, b) => (a.id < b.id ? -1 : 1)),
    popular: popularOf(workload, new JobKinds(createSnapshot())),
  };
}

/** The run of a policy and a seed (the authors' are 42 to 51), with the pods and nodes in the order which they had there. */
export function openbSpec(
  trace: OpenbTrace,
  policy: GpuPolicy,
  seed: number,
  options: OpenbOptions = {},
): RunSpec {
  const random = new GoRandom(seed);
  random.int();
  const jobs = arrivals(trace, random, options);
  // So many the authors' scheduler draws while it starts (its informers' jitter): found by comparing with their runs, two
  // seeds of one policy; with it, runs of all seeds and policies but Random agree to a few hundredths of a point.
  for (let i = 0; i < drawsAtStart; i++) random.int();
  // Ties go to the first node by name after a random number is put before each name: to the first row, here.
  const places = random.perm(trace.cluster.nodes.length);
  const nodes = trace.cluster.nodes
    .map((node, i) => ({ node, place: places[i]! }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ node }) => node);
  const profile = gpuProfileOf(trace, policy);
  return {
    cluster: { ...trace.cluster, nodes },
    workload: { name: trace.name, jobs: () => jobs, count: jobs.length, notes: [] },
    placement: { name: policy.toLowerCase(), profile },
    ordering: fifo,
    seed,
    ties: 'first',
    dropUnplaced: true,
    popular: trace.popular,
    // Only the figures by demand are looked at.
    points: { series: 100, heat: 10, gantt: 100 },
  };
}

function gpuProfileOf({ popular }: OpenbTrace, policy: GpuPolicy): RunSpec['placement']['profile'] {
  return () =>
    gpuProfile(policy, {
      fgd: { targetWorkload: popular },
      ...(policy === 'Random' ? { cardSelection: 'Random' } : {}),
    });
}

export function runOpenb(
  trace: OpenbTrace,
  policy: GpuPolicy,
  seed: number,
  options: OpenbOptions = {},
): OpenbOutcome {
  const { demand, jobs } = simulate(openbSpec(trace, policy, seed, options));
  const dropped = outcomes.indexOf('dropped');
  return {
    demand: demand!,
    arrivals: jobs.ids.length,
    failed: jobs.outcome.reduce((sum, outcome) => sum + (outcome === dropped ? 1 : 0), 0),
  };
}

interface Arriving {
  readonly job: Job;
  readonly asked: number;
  /** Of each card. */
  readonly milli: number;
}

/** The trace in random order; then more drawn from it until the next would ask for too much, or fewer if it asks for more. */
function arrivals(
  trace: OpenbTrace,
  random: GoRandom,
  { ratio = 1.3, until = Infinity }: OpenbOptions,
): Job[] {
  const kinds = new JobKinds(createSnapshot());
  const known = trace.jobs.map((job): Arriving => {
    const { gpuMilli, samples } = kinds.of(job);
    return { job, asked: gpuMilli, milli: samples[0]!.cards?.milli ?? 0 };
  });
  const capacity = trace.cluster.nodes.reduce(
    (sum, { status }) => sum + 1000 * Number(status?.allocatable?.['alibabacloud.com/gpu-count'] ?? 0),
    0,
  );
  const pods = drawn(known, random, ratio * capacity);
  const jobs: Job[] = [];
  let asked = 0;
  for (const pod of pods) {
    if (asked > (until + 0.5) * (capacity / 100)) break;
    asked += pod.asked;
    // One a second: nothing depends on when they come.
    jobs.push({
      ...pod.job,
      id: `${jobs.length}/${pod.job.id}`,
      submitMs: jobs.length * 1000,
      runMs: Infinity,
    });
  }
  return jobs;
}

function drawn(trace: readonly Arriving[], random: GoRandom, limit: number): Arriving[] {
  const pods = [...trace];
  random.shuffle(pods);
  let asked = pods.reduce((sum, pod) => sum + pod.asked, 0);
  while (asked > limit) {
    const [gone] = pods.splice(random.intn(pods.length), 1);
    asked -= gone!.asked;
    if (asked <= limit) return pods;
  }
  for (;;) {
    const pod = trace[random.intn(trace.length)]!;
    // One card's part of a request counts here, as with the authors.
    if (asked + pod.milli > limit) return pods;
    asked += pod.asked;
    pods.push(pod);
  }
}
