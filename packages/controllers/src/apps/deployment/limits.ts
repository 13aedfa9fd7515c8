/** How far a roll-out may go above and below the wanted number of pods. */
import type { Deployment } from '@coracle/machinery/api';
import { scaled } from '../../disruption/budget.ts';

export function wantedReplicas(deployment: Deployment): number {
  return deployment.spec?.replicas ?? 1;
}
export function isRolling(deployment: Deployment): boolean {
  return (deployment.spec?.strategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
}

/** Pods more, and pods fewer, than wanted. Both 0 would never get anywhere: then one may be missing. */
export function rolloutLimits(deployment: Deployment): { surge: number; unavailable: number } {
  const replicas = wantedReplicas(deployment);
  if (!isRolling(deployment)) return { surge: 0, unavailable: 0 };
  const { maxSurge = '25%', maxUnavailable = '25%' } = deployment.spec?.strategy?.rollingUpdate ?? {};
  const surge = scaled(maxSurge, replicas);
  let unavailable =
    typeof maxUnavailable === 'number'
      ? maxUnavailable
      : Math.floor((Number.parseInt(maxUnavailable, 10) * replicas) / 100);
  if (surge === 0 && unavailable === 0) unavailable = 1;
  return { surge, unavailable: Math.min(unavailable, replicas) };
}
