import type { Decision, Framework, PlacementOptions } from './framework.ts';
import type { PodInfo } from './pod-info.ts';

/**
 * Decides for one pod and, if there is a node for it, puts it there on the snapshot with all it takes. Throws CannotReserve,
 * changing nothing, if that is not there after all.
 */
export function scheduleOne(framework: Framework, pod: PodInfo, options?: PlacementOptions): Decision {
  const decision = framework.schedule(pod, options);
  if (!decision.fits) return decision;
  const reservations = framework.reserve(pod, decision.row);
  framework.snapshot.addPod(pod, decision.nodeName);
  return reservations.length === 0 ? decision : { ...decision, reservations };
}
