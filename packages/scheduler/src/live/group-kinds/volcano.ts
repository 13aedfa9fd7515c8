/**
 * `scheduling.volcano.sh/v1beta1` PodGroup: Volcano's. Pods name their group in an annotation. Queues are not read: the
 * queue a group names is that of an issue to come. Tiers of `networkTopology` are node labels here (`networkTiers`), the
 * first tier the nearest; Volcano's own HyperNodes are not read.
 */
import { deepEqual, resourceType, type KubeObject } from '@coracle/machinery';
import {
  networkTiers,
  topologyFrom,
  wishesOf,
  withCondition,
  type GroupFacts,
  type GroupKind,
} from './kind.ts';

export interface VolcanoGroup extends KubeObject {
  readonly spec?: {
    readonly minMember?: number;
    readonly minTaskMember?: Readonly<Record<string, number>>;
    readonly queue?: string;
    readonly priorityClassName?: string;
    readonly minResources?: Readonly<Record<string, string>>;
    readonly networkTopology?: {
      readonly mode?: string;
      readonly highestTierAllowed?: number;
      readonly highestTierName?: string;
    };
  };
  readonly status?: VolcanoStatus;
}
export interface VolcanoStatus {
  readonly phase?: string;
  readonly conditions?: readonly VolcanoCondition[];
  readonly running?: number;
  readonly succeeded?: number;
  readonly failed?: number;
}
interface VolcanoCondition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: string;
  readonly reason?: string;
  readonly message?: string;
}

const annotations = ['scheduling.k8s.io/group-name', 'scheduling.volcano.sh/group-name'] as const;
const tierNames: readonly string[] = networkTiers;
const taskAnnotation = 'volcano.sh/task-spec';

export const volcanoGroups: GroupKind = {
  type: resourceType<KubeObject>('scheduling.volcano.sh', 'v1beta1', 'podgroups', 'PodGroup', true),
  counts: true,
  schedulerName: 'volcano',

  groupOf(pod) {
    const given = pod.metadata.annotations;
    return given?.[annotations[0]] || given?.[annotations[1]] || undefined;
  },
  taskOf: ({ metadata }) => metadata.annotations?.[taskAnnotation] ?? metadata.labels?.[taskAnnotation],

  read(object) {
    const { spec = {} } = object as VolcanoGroup;
    const { preferred, fewestNodes } = wishesOf(object);
    const network = networkLevels(spec.networkTopology);
    return {
      minCount: Math.max(1, spec.minMember ?? 1),
      ...(spec.minTaskMember ? { minTasks: new Map(Object.entries(spec.minTaskMember)) } : {}),
      priorityClassName: spec.priorityClassName,
      topology: topologyFrom(network.required, [...preferred, ...network.preferred]),
      fewestNodes,
      disruptWhole: false,
      minResources: spec.minResources,
    };
  },

  status(object, facts) {
    const { status: before = {} } = object as VolcanoGroup;
    const { running, succeeded, failed } = facts;
    const status: VolcanoStatus = {
      ...before,
      phase: phaseOf(facts, before.phase),
      ...(running > 0 || before.running ? { running } : {}),
      ...(succeeded > 0 || before.succeeded ? { succeeded } : {}),
      ...(failed > 0 || before.failed ? { failed } : {}),
      ...conditionsOf(facts, before),
    };
    return deepEqual(status, before) ? undefined : status;
  },
};

function phaseOf(
  { spec, members, placed, running, succeeded, verdict }: GroupFacts,
  before?: string,
): string {
  if (before === 'Completed' || (members > 0 && succeeded === members)) return 'Completed';
  if (placed + succeeded >= spec.minCount) return 'Running';
  if (running > 0 && verdict?.scheduled === false) return 'Unknown';
  // Let in as soon as there is anybody to place: queues have no say yet.
  return members > 0 || before === 'Inqueue' ? 'Inqueue' : 'Pending';
}

function conditionsOf(
  { verdict, members, placed, spec, now }: GroupFacts,
  before: VolcanoStatus,
): { conditions?: VolcanoCondition[] } {
  if (!verdict) return {};
  const condition: VolcanoCondition = verdict.scheduled
    ? {
        type: 'Scheduled',
        status: 'True',
        reason: 'tasks in gang are ready to be scheduled',
        lastTransitionTime: now,
      }
    : {
        type: 'Unschedulable',
        status: 'True',
        reason: members < spec.minCount ? 'NotEnoughTasks' : 'NotEnoughResources',
        message: `${spec.minCount - placed}/${members} tasks in gang unschedulable: ${verdict.message}`,
        lastTransitionTime: now,
      };
  const known = before.conditions?.find((c) => c.type === condition.type);
  const { lastTransitionTime = now } = known ?? {};
  return { conditions: withCondition(before.conditions, { ...condition, lastTransitionTime }) };
}

/** Hard: one domain of the highest tier allowed, if possible of a nearer one. Soft: the nearest possible. */
function networkLevels(network: NonNullable<VolcanoGroup['spec']>['networkTopology']): {
  required: readonly string[];
  preferred: readonly string[];
} {
  if (!network) return { required: [], preferred: [] };
  const named = network.highestTierName ? tierNames.indexOf(network.highestTierName) : -1;
  const highest = named >= 0 ? named + 1 : (network.highestTierAllowed ?? 1);
  const tiers = networkTiers.slice(0, Math.max(1, Math.min(highest, networkTiers.length)));
  if (network.mode === 'soft') return { required: [], preferred: tiers };
  return { required: tiers.slice(-1), preferred: tiers.slice(0, -1) };
}
