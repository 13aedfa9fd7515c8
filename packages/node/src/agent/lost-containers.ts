import type { Pod } from '@coracle/machinery/api';
import type { ContainerHandle } from '../runtime.ts';
import type { Lost } from './pod-worker.ts';

/**
 * Containers that the pod's status says were started and the runtime knows nothing of (its folder was lost, or the node is
 * a new one of the old name). They count as ended: as reported, or unknown if they were running.
 */
export function lostContainers(
  pod: Pod,
  attempts: ReadonlyMap<string, readonly ContainerHandle[]>,
  now: number,
): Map<string, Lost> {
  const lost = new Map<string, Lost>();
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const status of statuses) {
    if (attempts.has(status.name) || status.containerID === undefined) continue;
    const ended =
      status.state?.terminated ?? (status.state?.waiting ? status.lastState?.terminated : undefined);
    const startedAt = Date.parse(ended?.startedAt ?? status.state?.running?.startedAt ?? '') || now;
    lost.set(status.name, {
      attempt: status.restartCount,
      id: status.containerID,
      state:
        ended === undefined
          ? {
              phase: 'exited',
              startedAt,
              finishedAt: now,
              exitCode: 137,
              reason: 'ContainerStatusUnknown',
              message: 'The container could not be located when the pod was terminated',
            }
          : {
              phase: 'exited',
              startedAt,
              finishedAt: Date.parse(ended.finishedAt ?? '') || now,
              exitCode: ended.exitCode,
              reason: (ended.reason ?? 'Error') as 'Error',
              ...(ended.message === undefined ? {} : { message: ended.message }),
            },
    });
  }
  return lost;
}
