/** A run of the simulator, done by a whole engine in this process instead: API server, scheduler, controllers, virtual nodes. */
import { Node } from '@coracle/machinery/api';
import { systemClock, type Clock } from '@coracle/operator';
import { lotsOf, poolLabel, type Cluster, type RunSpec } from '@coracle/simulator';
import { startEngine, type Engine } from '../engine/engine.ts';
import { loopIdle, pacedClock } from './paced-clock.ts';
import { replay, type Replayed, type ReplayOptions } from './replay.ts';

export interface LiveRunOptions extends Pick<ReplayOptions, 'logger' | 'signal' | 'progress'> {
  /** Seconds of the workload in one, on a clock that stands still while the engine is at work. `real`: the machine's clock. */
  readonly pace: number | 'real';
  /** Waited for before the first job comes. */
  readonly ready?: (engine: Engine, clock: Clock) => Promise<void> | void;
  /** Waited for when all is over and the engine is still there. */
  readonly over?: (engine: Engine) => Promise<void> | void;
}

export interface LiveRun extends Replayed {
  /** Real milliseconds from the start of the workload to its end, and for how much of that time stood still. */
  readonly tookMs: number;
  readonly stoodMs: number;
}

/** Why a run cannot be done live; undefined: it can. */
export function whyNotLive(spec: RunSpec): string | undefined {
  const { nodeFailures, jobFailures, autoscaling, dropUnplaced, speeds } = spec;
  const what = Object.entries({ nodeFailures, jobFailures, autoscaling, dropUnplaced, speeds }).find(
    ([, v]) => v,
  );
  if (what) return `${what[0]} is for the simulator alone`;
  if (spec.cluster.changes?.length) return 'nodes that come and go are for the simulator alone';
  for (const { id, elastic } of spec.workload.jobs())
    if (elastic) return `job "${id}" is elastic: that is for the simulator alone`;
  return undefined;
}

/** Nodes as both sides are to have them: in the order of their names, as an API server lists them. */
export function inOrderOfNames(cluster: Cluster): Cluster {
  const nodes = cluster.nodes.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return { ...cluster, nodes };
}

/** Throws if the spec cannot be done live. Its ordering is not looked at: live clusters have one. */
export async function runLive(spec: RunSpec, options: LiveRunOptions): Promise<LiveRun> {
  const why = whyNotLive(spec);
  if (why !== undefined) throw new Error(why);
  const { pace, logger, signal, progress } = options;
  const profile = spec.placement.profile();
  // On a whole second: much of what the API says of times is in those.
  const startMs = Math.ceil(Date.now() / 1000) * 1000;
  const paced = pace === 'real' ? undefined : pacedClock({ startMs, speed: pace });
  const clock: Clock = paced ?? systemClock;
  let engine: Engine | undefined;
  try {
    engine = await startEngine({
      host: '127.0.0.1',
      port: 0,
      nodeName: false,
      ...virtualNodesOf(spec.cluster),
      scheduler: { profiles: [profile] },
      // Time passes quickly here: thousands of renewals would be all that happens.
      heartbeats: pace === 'real',
      clock,
      lots: spec.ties === 'first' ? () => 0 : lotsOf(spec.seed),
      logger,
    });
    await finishNodes(engine, spec.cluster);
    await options.ready?.(engine, clock);
    const before = paced?.stoodMs ?? 0;
    const began = performance.now();
    const replayed = await replay({
      client: engine.admin,
      clock,
      workload: spec.workload,
      schedulerName: profile.schedulerName,
      preemption: spec.preemption ?? false,
      maintenance: spec.maintenance,
      poolNodes: (pool) => namesOf(spec.cluster, pool),
      idle: paced?.idle ?? rest,
      logger,
      signal,
      untilMs: spec.untilMs,
      progress,
    });
    const tookMs = performance.now() - began;
    await options.over?.(engine);
    return { ...replayed, tookMs, stoodMs: (paced?.stoodMs ?? 0) - before };
  } finally {
    await engine?.close();
    paced?.stop();
  }
}

/** By the machine's clock nothing says that all is over but that nothing has happened for a while. */
async function rest(): Promise<void> {
  for (let i = 0; i < 100; i++) await loopIdle();
}

function namesOf({ nodes }: Cluster, pool: string): string[] {
  return nodes.flatMap(({ metadata: { name, labels } }) => (labels?.[poolLabel] === pool ? [name] : []));
}

function virtualNodesOf({ nodes }: Cluster) {
  const of = (index: number): Node => nodes[index]!;
  return {
    virtualNodes: nodes.length,
    virtualShape: {
      names: (index: number) => of(index).metadata.name,
      labels: (index: number) => ({ ...of(index).metadata.labels }),
      capacity: (index: number) => of(index).status?.allocatable as Record<string, string> | undefined,
    },
  };
}

/** What virtual nodes are not made with. */
async function finishNodes({ admin }: Engine, { nodes }: Cluster): Promise<void> {
  for (const { metadata, spec } of nodes) {
    const { taints, unschedulable } = spec ?? {};
    const { annotations } = metadata;
    if (!taints && !unschedulable && !annotations) continue;
    await admin.patch(Node, metadata.name, 'merge', {
      ...(annotations ? { metadata: { annotations } } : {}),
      spec: { ...(taints ? { taints } : {}), ...(unschedulable ? { unschedulable } : {}) },
    });
  }
}
