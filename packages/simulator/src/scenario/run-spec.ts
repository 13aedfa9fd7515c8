/** From a plan, plain data, to what the engine runs. */
import type { Node } from '@coracle/machinery/api';
import type { NodeChange } from '../model/cluster.ts';
import type { Workload } from '../model/job.ts';
import type { RunSpec } from '../model/run.ts';
import { changedWorkload } from './change-workload.ts';
import { clusterOf } from './cluster.ts';
import { readDuration } from './duration.ts';
import { orderingOf } from './orderings.ts';
import { atReference } from './reference-times.ts';
import { placementOf } from './placements.ts';
import type { RunPlan } from './plan.ts';
import { spreadOver } from './node-size.ts';
import type { AutoscalingSpec, MaintenanceSpec, WorkloadSpec } from './types.ts';

export interface SourceJobs {
  readonly workload: Workload;
  /** Of the file that the jobs are of. */
  readonly nodes: readonly Node[];
  /** Of those: which come and go. */
  readonly changes: readonly NodeChange[];
}

/** How files get in. */
export interface Sources {
  /** A file as text. Throws InputError. */
  text(path: string): string;
  /** The jobs of a file or a generator (the seed is for that), and the nodes the file speaks of. */
  workload(spec: WorkloadSpec, seed: number): SourceJobs;
  nodes(path: string): readonly Node[];
}

/** A page shows about as many. */
const ganttBars = 20_000;
const defaultBoot = '5m';
const defaultIdle = '10m';

/** Throws ScenarioError or InputError where the scenario or a file is wrong. */
export function specOf(plan: RunPlan, sources: Sources): RunSpec {
  const { spec, seed } = plan;
  const { cluster, maintenance, autoscaling, nodeFailures, jobFailures, points } = spec;
  const named = cluster.from !== undefined ? sources.nodes(cluster.from) : [];
  const { workload, nodes, changes } = sources.workload(spreadOver(spec, named), seed);
  // The nodes of the file are those of its jobs unless the scenario names others.
  const own = cluster.from === undefined && !cluster.pools;
  const found = own ? nodes : named;
  const { arrivals = 1 } = spec.workload;
  return {
    cluster: clusterOf(
      spec,
      found,
      spec.nodes,
      own ? changes.map((change) => ({ ...change, atMs: change.atMs / arrivals })) : [],
    ),
    workload: changedWorkload(atReference(workload, nodes, spec.speeds), spec.workload, seed),
    placement: placementOf(plan.placement, (path) => sources.text(path)),
    ordering: orderingOf(plan.ordering),
    seed,
    ...(spec.until !== undefined && { untilMs: ms(spec.until) }),
    ...(spec.dropUnplaced !== undefined && { dropUnplaced: spec.dropUnplaced }),
    ...(spec.preemption !== undefined && { preemption: spec.preemption }),
    ...(nodeFailures && {
      nodeFailures: { meanUpMs: ms(nodeFailures.meanUp), meanDownMs: ms(nodeFailures.meanDown) },
    }),
    ...(jobFailures && {
      jobFailures: {
        meanPodUpMs: ms(jobFailures.meanPodUp),
        ...(jobFailures.limit !== undefined && { limit: jobFailures.limit }),
      },
    }),
    ...(maintenance && { maintenance: maintenance.map(windowOf) }),
    ...(autoscaling && { autoscaling: autoscaling.map(scalingOf) }),
    ...(spec.speeds && { speeds: spec.speeds }),
    points: { gantt: ganttBars, ...points },
  };
}

const ms = (text: string): number => readDuration(text)!;

function windowOf({ from, to, pool, nodes = [], mode = 'drain' }: MaintenanceSpec) {
  return { fromMs: ms(from), toMs: ms(to), nodes: pool === undefined ? nodes : { pool }, mode };
}

function scalingOf({ pool, min, max, boot = defaultBoot, idle = defaultIdle }: AutoscalingSpec) {
  return { pool, min, max, bootMs: ms(boot), idleMs: ms(idle) };
}
