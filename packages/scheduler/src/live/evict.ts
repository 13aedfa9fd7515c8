import type { Client } from '@coracle/client';
import { formatTime, isReason } from '@coracle/machinery';
import { Pod, type PodCondition } from '@coracle/machinery/api';
import type { Clock, EventRecorder, Logger } from '@coracle/operator';
import type { PlacedPod, PodInfo } from '../core/index.ts';

export interface EvictDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  readonly logger: Logger;
  /** The victim is on its way out, said before the informer does. */
  leaving(pod: Pod): void;
  /** The victim is gone, said before the informer does. */
  gone(uid: string): void;
}

/** Victims in work at a time: a large gang has a thousand. */
const atATime = 32;

/**
 * Deletes the victims of a preemption, each first marked with the condition that tells controllers why (`DisruptionTarget`,
 * `PreemptionByScheduler`). `nodeName`: the node they make room on; undefined: each its own. A victim that cannot be deleted is logged: the preemptor will look again.
 */
export async function evict(
  deps: EvictDeps,
  preemptor: PodInfo,
  nodeName: string | undefined,
  victims: readonly PlacedPod[],
): Promise<void> {
  const { client, clock, recorder, logger } = deps;
  const schedulerName = preemptor.pod.spec?.schedulerName || 'default-scheduler';
  const condition: PodCondition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'PreemptionByScheduler',
    message: `${schedulerName}: preempting to accommodate a higher priority pod`,
    lastTransitionTime: formatTime(clock.now()),
  };
  const mark = ({ metadata, status }: Pod, lock: boolean): Promise<Pod> => {
    const { name, namespace, uid, resourceVersion } = metadata;
    const conditions = (status?.conditions ?? []).filter((c) => c.type !== condition.type);
    conditions.push(condition);
    // The patch is known: nothing need be compared.
    const patch = { metadata: lock ? { uid, resourceVersion } : { uid }, status: { conditions } };
    return client.patch(Pod, name, 'merge', patch, { namespace, subresource: 'status' });
  };
  const one = async ({ info, nodeName: victimNode }: PlacedPod): Promise<void> => {
    const { name, namespace, uid } = info.pod.metadata;
    if (info.pod.metadata.deletionTimestamp) return;
    try {
      let pod: Pod;
      try {
        // Mostly it is as the informer last showed it.
        pod = await mark(info.pod, true);
      } catch (error) {
        if (!isReason(error, 'Conflict')) throw error;
        pod = await client.get(Pod, name, { namespace });
        if (pod.metadata.uid !== uid || pod.metadata.deletionTimestamp) return;
        pod = await mark(pod, false);
      }
      if (pod.metadata.deletionTimestamp) return;
      const deleted = await client.delete(Pod, name, { namespace, preconditions: { uid } });
      if (deleted?.kind === 'Pod' && deleted.metadata.deletionTimestamp) deps.leaving(deleted);
      else deps.gone(uid);
      recorder.event(
        pod,
        'Normal',
        'Preempted',
        `Preempted by pod ${preemptor.uid} on node ${nodeName ?? victimNode}`,
      );
    } catch (error) {
      if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) return;
      logger.warn({ pod: info.key, error }, 'cannot evict the victim of a preemption');
    }
  };
  if (victims.length <= atATime) {
    await Promise.all(victims.map(one));
    return;
  }
  const left = victims.values();
  const some = async (): Promise<void> => {
    for (const victim of left) await one(victim);
  };
  await Promise.all(Array.from({ length: atATime }, some));
}
