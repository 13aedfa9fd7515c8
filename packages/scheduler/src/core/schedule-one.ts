import type { Decision, Framework, PlacementOptions } from './framework.ts';
import type { PodInfo } from './pod-info.ts';

/** Decides for one pod and, if there is a node for it, puts it there on the snapshot. */
export function scheduleOne(framework: Framework, pod: PodInfo, options?: PlacementOptions): Decision {
  const decision = framework.schedule(pod, options);
  if (decision.fits) framework.snapshot.addPod(pod, decision.nodeName);
  return decision;
}
