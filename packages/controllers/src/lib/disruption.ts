import type { Client } from '@coracle/client';
import { Pod, type core_v1 } from '@coracle/machinery/api';

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

/** Writes that condition, if the pod is still as it was seen. Rejects with NotFound or Conflict. */
export async function markDisrupted(
  client: Client,
  pod: Pod,
  reason: string,
  message: string,
  time: string,
): Promise<void> {
  const { name, namespace, uid, resourceVersion } = pod.metadata;
  const conditions = withDisruption(pod, reason, message, time);
  await client.patch(
    Pod,
    name,
    'merge',
    { metadata: { uid, resourceVersion }, status: { conditions } },
    { namespace, subresource: 'status' },
  );
}
