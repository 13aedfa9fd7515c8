import type { Taint } from '@coracle/machinery/api';
import type { PodInfo } from '../pod-info.ts';
import { tolerates } from '../taints.ts';

/** True if one of the pod's tolerations tolerates the taint. */
export function podTolerates(pod: PodInfo, taint: Taint): boolean {
  return pod.pod.spec?.tolerations?.some((toleration) => tolerates(toleration, taint)) ?? false;
}
