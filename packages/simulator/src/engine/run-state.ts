/**
 * All that a run is at one moment. Time moves in simulation.ts; what happens is in the files beside this one, functions of
 * this state:
 *
 *     arrival --> waiting (waiting/) --> a pass places what it can (passes/, placing.ts: the scheduler core decides)
 *                    ^                              |
 *                    |                              v
 *         interrupted (jobs.ts) <-- failures, drains, preemption <-- running --> end
 */
import { createFramework, createSnapshot, type Framework, type Snapshot } from '@coracle/scheduler/core';
import type { RunSpec } from '../model/run.ts';
import type { OrderingContext, OrderingPolicy } from '../ordering/policy.ts';
import type { Holding } from '../ordering/backfill.ts';
import { HoldingList } from '../ordering/holding-list.ts';
import { poolLabel } from '../model/cluster.ts';
import { EventHeap } from './event-heap.ts';
import { JobKinds, type JobKind } from './job-kind.ts';
import { JobTable } from './job-table.ts';
import { Nodes } from './nodes.ts';
import { Pools } from './pools.ts';
import { purposes, Stream } from './random.ts';
import { DemandRecorder } from './recorders/demand-recorder.ts';
import { Fragments, popularOf } from './recorders/fragments.ts';
import { GanttRecorder } from './recorders/gantt-recorder.ts';
import { HeatRecorder } from './recorders/heat-recorder.ts';
import { quantity, SeriesRecorder } from './recorders/series-recorder.ts';
import { StayRecorder } from './recorders/stay-recorder.ts';
import type { Clock, SimJob } from './sim-job.ts';
import { Windows } from './windows.ts';

/** A run has many kinds of pods, and no other use for its memory: about 300 MB if they are all there. */
const maxVerdicts = 2 ** 23;

export const defaultPoints = { series: 1000, heat: 200, gantt: 5000 };

export interface Held {
  gpuMilli: number;
  cpuMilli: number;
}

export class RunState {
  readonly spec: RunSpec;
  readonly ordering: OrderingPolicy;
  readonly clock: Clock = { nowMs: 0 };
  readonly ties: Stream;
  readonly preemptionTies: Stream;
  /** In [0, 1): which of equally good nodes is taken. */
  readonly lots: () => number;
  readonly snapshot: Snapshot = createSnapshot();
  readonly framework: Framework;
  readonly kinds: JobKinds;
  readonly nodes: Nodes;
  readonly events = new EventHeap();
  readonly table = new JobTable();
  /** By number, in the order of submission. */
  readonly active = new Map<number, SimJob>();
  readonly held: Held[] = [];
  readonly elastic = new Set<SimJob>();
  readonly blockedKinds: JobKind[] = [];
  /** What running jobs hold until when by their estimates; kept where backfill plans need it. */
  holdings: HoldingList<Holding> | undefined;
  /** Drains that are to come: who would still run then is not put there. */
  readonly windows = new Windows();
  readonly pools: Pools;
  readonly series: SeriesRecorder;
  readonly heat: HeatRecorder;
  readonly gantt: GanttRecorder;
  readonly demand: DemandRecorder | undefined;
  readonly stays: StayRecorder | undefined;
  readonly fragments: Fragments | undefined;
  readonly context: OrderingContext;
  /** Numbers of the nodes of each maintenance window. */
  readonly windowNodes: number[][] = [];
  /** Windows that have not ended. */
  windowsLeft = 0;
  /** Failed nodes that will come back. */
  nodesDown = 0;
  /** Changes to come that bring a node. */
  joinsLeft = 0;
  /** Numbers of the nodes that leave when they are empty, in the order in which they were told to. */
  readonly retiring = new Set<number>();
  /** Nodes on their way from a pool. */
  nodesBooting = 0;
  running = 0;
  /** Of those, the ones that will end by themselves. */
  runningFinite = 0;
  ended = 0;
  readonly counts = {
    events: 0,
    decisions: 0,
    preemptions: 0,
    nodeFailures: 0,
    jobFailures: 0,
    nodesAdded: 0,
    nodesRemoved: 0,
  };

  /** `remembered`: what the ordering policy of the run that is taken up again said. */
  constructor(spec: RunSpec, remembered?: unknown) {
    this.spec = spec;
    this.ordering = spec.ordering.forRun?.(remembered) ?? spec.ordering;
    const { cluster, workload, seed, placement, points } = spec;
    this.ties = new Stream(seed, purposes.tie);
    this.preemptionTies = new Stream(seed, purposes.preemption);
    this.lots = spec.ties === 'first' ? () => 0 : this.ties.next;
    this.series = new SeriesRecorder(points?.series ?? defaultPoints.series);
    this.heat = new HeatRecorder(points?.heat ?? defaultPoints.heat);
    this.gantt = new GanttRecorder(points?.gantt ?? defaultPoints.gantt);
    this.kinds = new JobKinds(this.snapshot);
    this.nodes = new Nodes(this.snapshot, this.heat, spec.speeds);
    for (const node of cluster.nodes) this.nodes.add(node, node.metadata.labels?.[poolLabel] ?? '');
    this.pools = new Pools(this);
    const cards = this.nodes.list.some(({ gpuMilli }) => gpuMilli > 0) || cluster.pools.length > 0;
    this.fragments = cards
      ? new Fragments(this.snapshot, spec.popular ?? popularOf(workload, this.kinds))
      : undefined;
    if (this.ordering.backfill !== 'none') this.holdings = new HoldingList();
    this.stays = spec.stays ? new StayRecorder() : undefined;
    this.demand = spec.dropUnplaced ? new DemandRecorder() : undefined;
    const { profile } = placement;
    this.framework = createFramework({
      profile: profile(),
      snapshot: this.snapshot,
      maxVerdicts,
      random: this.lots,
    });
    const nothing: Held = { gpuMilli: 0, cpuMilli: 0 };
    this.context = contextOf(this, (tenant) => this.held[this.table.tenantId(tenant)] ?? nothing);
  }

  get nowMs(): number {
    return this.clock.nowMs;
  }
  get waiting(): number {
    return this.series.now[quantity.jobsWaiting]!;
  }
}

function contextOf(state: RunState, held: (tenant: string) => Held): OrderingContext {
  return {
    get nowMs() {
      return state.clock.nowMs;
    },
    get gpuMilliUp() {
      return state.nodes.gpuMilliUp;
    },
    get cpuMilliUp() {
      return state.nodes.cpuMilliUp;
    },
    held,
  };
}
