/**
 * A kind of pod group: how it is read, how pods name their group, and what its status says. Each kind in use has one file
 * beside this; everything else in the scheduler knows gangs only as a GroupSpec.
 */
import type { KubeObject, ResourceType } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import type { GangTopology } from '../../core/index.ts';

/** What a pod group asks of the scheduler, whatever its kind. */
export interface GroupSpec {
  /** Members that must be placed together. 1 if each may go alone. */
  readonly minCount: number;
  /** Members that must be placed of each task, besides. */
  readonly minTasks?: ReadonlyMap<string, number>;
  /** Of the group and so of all its members; undefined: each has its own. */
  readonly priority?: number | undefined;
  /** Where only the class is named. */
  readonly priorityClassName?: string | undefined;
  readonly topology?: GangTopology | undefined;
  readonly fewestNodes: boolean;
  /** Evicted as a whole or not at all. */
  readonly disruptWhole: boolean;
  /** What must be free before the gang is tried: resource -> quantity. */
  readonly minResources?: Readonly<Record<string, string>> | undefined;
}

/** The scheduler's word on a group. */
export interface GroupVerdict {
  readonly scheduled: boolean;
  readonly reason: 'Scheduled' | 'Unschedulable' | 'SchedulerError';
  readonly message: string;
}

/** What is known of a group, for its status. */
export interface GroupFacts {
  readonly spec: GroupSpec;
  readonly verdict: GroupVerdict | undefined;
  /** Members that exist, however far they have come. */
  readonly members: number;
  /** Those with a node, running or not yet. */
  readonly placed: number;
  readonly running: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Owners of the members: `namespace/name`. */
  readonly owners: readonly string[];
  /** RFC 3339, whole seconds. */
  readonly now: string;
}

export interface GroupKind {
  readonly type: ResourceType<KubeObject>;
  /** The pod's group; undefined: it is in none of this kind. */
  groupOf(pod: Pod): string | undefined;
  /** The member's task, for `minTasks`. */
  taskOf?(pod: Pod): string | undefined;
  read(group: KubeObject): GroupSpec;
  /** The status that says so, all of it; undefined: the group has it already. */
  status(group: KubeObject, facts: GroupFacts): object | undefined;
  /** The status counts members: it is written with every change of one. Else with verdicts only. */
  readonly counts: boolean;
  /** The scheduler the kind was made for: while that is somebody else, groups without pods of ours are left to it. */
  readonly schedulerName: string;
}

/** Node labels for the tiers of a network, the nearest first, where a kind speaks of tiers by number. */
export const networkTiers = [
  'nvidia.com/gpu.clique',
  'topology.kubernetes.io/rack',
  'topology.kubernetes.io/block',
  'topology.kubernetes.io/zone',
] as const;

/** Label keys in order, the nearest first: `a, b`. Read by all kinds: levels in which members should agree. */
export const preferredTopologyAnnotation = 'scheduling.coracle.dev/preferred-topology';
/** `FewestNodes`: members are put on as few nodes as possible. Read by all kinds. */
export const placementAnnotation = 'scheduling.coracle.dev/placement';

/** What all kinds read from annotations. */
export function wishesOf(group: KubeObject): { preferred: readonly string[]; fewestNodes: boolean } {
  const annotations = group.metadata.annotations ?? {};
  const preferred = (annotations[preferredTopologyAnnotation] ?? '')
    .split(',')
    .map((key) => key.trim())
    .filter((key) => key !== '');
  return { preferred, fewestNodes: annotations[placementAnnotation] === 'FewestNodes' };
}

/** Undefined if nothing is asked. */
export function topologyFrom(
  required: readonly string[],
  preferred: readonly string[],
): GangTopology | undefined {
  return required.length + preferred.length > 0 ? { required, preferred } : undefined;
}

/** The list with this condition in place of its like. */
export function withCondition<C extends { type: string }>(
  conditions: readonly C[] | undefined,
  condition: C,
): C[] {
  return [...(conditions ?? []).filter((c) => c.type !== condition.type), condition];
}
