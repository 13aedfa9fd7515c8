import type { Pod, core_v1 } from '@coracle/machinery/api';

/** The pod's conditions with DisruptionTarget: it is ended from outside, for no fault of its own. `time`: metav1.Time. */
export function withDisruption(
  pod: Pod,
  reason: string,
  message: string,
  time: string,
): core_v1.PodCondition[] {
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'DisruptionTarget');
  return [...others, { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: time }];
}
