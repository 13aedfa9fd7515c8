/** What a PodDisruptionBudget allows now. */
import { formatTime } from '@coracle/machinery';
import type { Pod, PodDisruptionBudget, meta_v1, policy_v1 } from '@coracle/machinery/api';
import { isReady, isTerminal } from '../lib/pods.ts';
import { milliseconds } from '../lib/time.ts';

/** An eviction that was granted and has not become a deletion after this long does not count any more. */
const evictionTimeoutMs = 120_000;

export interface BudgetInput {
  budget: PodDisruptionBudget;
  /** Those its selector matches. */
  pods: readonly Pod[];
  /** Pods that the controllers of `pods` want in all; needed where `needsScale`. */
  scale: number;
  /** ms since 1970. */
  now: number;
}

/** Does the budget count in parts of what the controllers want (a percentage, or maxUnavailable)? */
export function needsScale({ spec }: PodDisruptionBudget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string';
}

/** A number, or a percentage of `total` rounded up. Throws on text that is neither. */
export function scaled(value: number | string, total: number): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  if (percent === undefined) throw new RangeError(`invalid value for IntOrString: ${JSON.stringify(value)}`);
  return Math.ceil((Number(percent) * total) / 100);
}

/** The budget's status, and when it may change by time alone (ms since 1970). */
export function budgetStatus({ budget, pods, scale, now }: BudgetInput): {
  status: policy_v1.PodDisruptionBudgetStatus;
  again: number | undefined;
} {
  const { maxUnavailable, minAvailable } = budget.spec ?? {};
  let expectedPods = pods.length;
  let desiredHealthy = 0;
  if (maxUnavailable !== undefined) {
    expectedPods = scale;
    desiredHealthy = Math.max(0, scale - scaled(maxUnavailable, scale));
  } else if (minAvailable !== undefined) {
    if (typeof minAvailable === 'string') expectedPods = scale;
    desiredHealthy = scaled(minAvailable, expectedPods);
  }

  const disruptedPods: Record<string, string> = {};
  let again: number | undefined;
  for (const pod of pods) {
    const granted = budget.status?.disruptedPods?.[pod.metadata.name];
    const at = milliseconds(granted);
    if (granted === undefined || at === undefined || pod.metadata.deletionTimestamp !== undefined) continue;
    if (at + evictionTimeoutMs <= now) continue;
    disruptedPods[pod.metadata.name] = granted;
    again = Math.min(again ?? Number.POSITIVE_INFINITY, at + evictionTimeoutMs);
  }
  const currentHealthy = pods.filter(
    (pod) =>
      isReady(pod) &&
      !isTerminal(pod) &&
      pod.metadata.deletionTimestamp === undefined &&
      disruptedPods[pod.metadata.name] === undefined,
  ).length;
  const disruptionsAllowed = expectedPods > 0 ? Math.max(0, currentHealthy - desiredHealthy) : 0;
  const allowed = disruptionsAllowed > 0;
  return {
    status: {
      currentHealthy,
      desiredHealthy,
      expectedPods,
      disruptionsAllowed,
      ...(Object.keys(disruptedPods).length > 0 ? { disruptedPods } : {}),
      observedGeneration: budget.metadata.generation,
      conditions: withAllowed(budget, allowed, allowed ? 'SufficientPods' : 'InsufficientPods', '', now),
    },
    again,
  };
}

/** When the budget cannot be worked out nothing may be disrupted. */
export function failedStatus(
  budget: PodDisruptionBudget,
  message: string,
  now: number,
): policy_v1.PodDisruptionBudgetStatus {
  return {
    currentHealthy: 0,
    desiredHealthy: 0,
    expectedPods: 0,
    ...budget.status,
    disruptionsAllowed: 0,
    observedGeneration: budget.metadata.generation,
    conditions: withAllowed(budget, false, 'SyncFailed', message, now),
  };
}

function withAllowed(
  budget: PodDisruptionBudget,
  allowed: boolean,
  reason: string,
  message: string,
  now: number,
): meta_v1.Condition[] {
  const before = budget.status?.conditions ?? [];
  const found = before.find(({ type }) => type === 'DisruptionAllowed');
  const status = allowed ? 'True' : 'False';
  const condition: meta_v1.Condition = {
    type: 'DisruptionAllowed',
    status,
    reason,
    message,
    observedGeneration: budget.metadata.generation,
    lastTransitionTime: found?.status === status ? found.lastTransitionTime : formatTime(now),
  };
  return found ? before.map((c) => (c === found ? condition : c)) : [...before, condition];
}
