import type { Client } from '@coracle/client';
import type { PodDisruptionBudget } from '@coracle/machinery/api';
import type { Clock, EventRecorder, InformerFactory, Logger } from '@coracle/operator';
import type {
  Framework,
  Nominations,
  PlacedPod,
  PodInfo,
  Profile,
  QueueOptions,
  Reservation,
  SchedulingQueue,
  Snapshot,
} from '../core/index.ts';
import type { GangRegistry } from './gang-registry.ts';
import type { SchedulerMetrics } from './metrics.ts';
import type { StatusWriter } from './status-writer.ts';

export interface SchedulerConfig {
  /** One a scheduler name. Default: kube-scheduler's, as `default-scheduler` and as `coracle`; one a GPU policy (`coracle-fgd`, ...). */
  readonly profiles?: readonly Profile[];
  /** Bindings under way at a time; default 64. */
  readonly bindConcurrency?: number;
  /** Bindings decided but not answered at which deciding pauses; default 1000. */
  readonly maxPendingBindings?: number;
  /** How long to decide before other work gets its turn, in milliseconds; default 8. */
  readonly sliceMs?: number;
  /** How long after its binding a pod may stay unseen by the informer before the server is asked; default 30 000 ms. */
  readonly assumeTimeoutMs?: number;
  readonly queue?: QueueOptions;
  /** Only look on: nothing is decided and nothing written, but it can be asked to explain. */
  readonly observeOnly?: boolean;
}

export interface SchedulerDeps {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly recorder: EventRecorder;
  readonly logger: Logger;
  /** Told of attempts and what came of them; asks for the state of the queue. */
  readonly metrics?: SchedulerMetrics;
  readonly config?: SchedulerConfig;
}

/** What decisions need from the scheduler they are part of. */
export interface Shared {
  readonly deps: SchedulerDeps;
  readonly snapshot: Snapshot;
  readonly queue: SchedulingQueue;
  readonly gangs: GangRegistry;
  readonly nominations: Nominations;
  readonly status: StatusWriter;
  frameworkOf(pod: Pick<PodInfo, 'pod'>): Framework;
  /** For pods of nobody's scheduler. */
  anyFramework(): Framework;
  budgets(): readonly PodDisruptionBudget[];
  /** Takes the pod as placed (it is on the snapshot), writes what it has taken and sends its binding. */
  bind(pod: PodInfo, nodeName: string, reservations: readonly Reservation[]): void;
  /** Deletes victims on behalf of a unit. `nodeName`: where they make room; undefined: each on its own node. */
  evict(unit: string, preemptor: PodInfo, nodeName: string | undefined, victims: readonly PlacedPod[]): void;
  /** Lets plugins mend what keeps the pod from fitting anywhere. Answers what they say to it. */
  repair(unit: string, pod: PodInfo): readonly string[];
  /** True while the deletions asked for on behalf of the unit have not all been answered. */
  evicting(unit: string): boolean;
}
