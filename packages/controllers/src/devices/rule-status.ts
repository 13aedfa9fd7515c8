/** What a DeviceTaintRule says of itself: whether pods have still to be evicted because of it, and how many were. */
import type { DeviceTaintRule } from '@coracle/machinery/api';

type Condition = NonNullable<NonNullable<DeviceTaintRule['status']>['conditions']>[number];

/** Shortest time between two changes of a rule's status, in ms. */
export const rulePeriodMs = 10_000;
const type = 'EvictionInProgress';

export const conditionOf = (rule: DeviceTaintRule): Condition | undefined =>
  rule.status?.conditions?.find((condition) => condition.type === type);

const plural = (count: number, one: string, many: string): string => `${count} ${count === 1 ? one : many}`;

/** Pods that are to be evicted because of a rule, and what it selects. */
export interface RuleWork {
  pods: number;
  namespaces: number;
  /** Since the controller was started. */
  evicted: number;
  published: number;
  allocated: number;
}

/** The condition for this state; the same value as before if nothing has changed. `time`: metav1.Time of now. */
export function ruleCondition(rule: DeviceTaintRule, work: RuleWork, time: string): Condition {
  const { reason, status, message } = described(rule.spec.taint.effect, work);
  const evicted =
    work.evicted > 0 ? `${plural(work.evicted, 'pod', 'pods')} evicted since starting the controller.` : '';
  const next = {
    type,
    status,
    reason,
    message: [message, evicted].filter(Boolean).join(' '),
    observedGeneration: rule.metadata.generation ?? 0,
  };
  const before = conditionOf(rule);
  const isSame =
    before !== undefined &&
    before.status === next.status &&
    before.reason === next.reason &&
    before.message === next.message &&
    before.observedGeneration === next.observedGeneration;
  return isSame ? before : { ...next, lastTransitionTime: time };
}

function described(
  effect: string,
  { pods, namespaces, evicted, published, allocated }: RuleWork,
): { reason: string; status: string; message: string } {
  const places = plural(namespaces, 'namespace', 'different namespaces');
  switch (effect) {
    case 'NoExecute':
      if (pods > 0)
        return {
          reason: 'PodsPendingEviction',
          status: 'True',
          message: `${plural(pods, 'pod needs', 'pods need')} to be evicted in ${places}.`,
        };
      return { reason: evicted > 0 ? 'Completed' : 'NotStarted', status: 'False', message: '' };
    case 'None':
      return {
        reason: 'NoEffect',
        status: 'False',
        message:
          `${plural(published, 'published device', 'published devices')} selected. ` +
          `${plural(allocated, 'allocated device', 'allocated devices')} selected. ` +
          `${plural(pods, 'pod', 'pods')} would be evicted in ${places} if the effect was NoExecute. ` +
          'This information will not be updated again. Recreate the DeviceTaintRule to trigger an update.',
      };
    default:
      return {
        reason: 'OtherEffect',
        status: 'False',
        message: 'Eviction only happens for the NoExecute effect.',
      };
  }
}
