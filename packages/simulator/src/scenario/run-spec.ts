/** From a plan, plain data, to what the engine runs. */
import type { Node } from '@coracle/machinery/api';
import type { Workload } from '../model/job.ts';
import type { RunSpec } from '../model/run.ts';
import { changedWorkload } from './change-workload.ts';
import { clusterOf } from './cluster.ts';
import { readDuration } from './duration.ts';
import { orderingOf } from './orderings.ts';
import { placementOf } from './placements.ts';
import type { RunPlan } from './plan.ts';
import type { AutoscalingSpec, MaintenanceSpec, WorkloadSpec } from './types.ts';

/** How files get in. */
export interface Sources {
  /** A file as text. Throws InputError. */
  text(path: string): string;
  /** The jobs of a file or a generator (the seed is for that), and the nodes the file speaks of. */
  workload(spec: WorkloadSpec, seed: number): { workload: Workload; nodes: readonly Node[] };
  nodes(path: string): readonly Node[];
}

const defaultBoot = '5m';
const defaultIdle = '10m';

/** Throws ScenarioError or InputError where the scenario or a file is wrong. */
export function specOf(plan: RunPlan, sources: Sources): RunSpec {
  const { spec, seed } = plan;
  const { cluster, maintenance, autoscaling, nodeFailures, jobFailures, points } = spec;
  const { workload, nodes } = sources.workload(spec.workload, seed);
  const found = cluster.from !== undefined ? sources.nodes(cluster.from) : cluster.pools ? [] : nodes;
  return {
    cluster: clusterOf(spec, found, spec.nodes),
    workload: changedWorkload(workload, spec.workload, seed),
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
    ...(points && { points }),
  };
}

const ms = (text: string): number => readDuration(text)!;

function windowOf({ from, to, pool, nodes = [], mode = 'drain' }: MaintenanceSpec) {
  return { fromMs: ms(from), toMs: ms(to), nodes: pool === undefined ? nodes : { pool }, mode };
}

function scalingOf({ pool, min, max, boot = defaultBoot, idle = defaultIdle }: AutoscalingSpec) {
  return { pool, min, max, bootMs: ms(boot), idleMs: ms(idle) };
}
