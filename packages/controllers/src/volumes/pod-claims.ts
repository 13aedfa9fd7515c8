import type { Pod } from '@coracle/machinery/api';

const none: readonly string[] = Object.freeze([]);

/** Names of the claims a pod uses, in its namespace; those made for it included. */
export function claimNames(pod: Pod): readonly string[] {
  // Asked at every change of every pod, and most have one volume, which is no claim.
  let names: string[] | undefined;
  for (const { name, persistentVolumeClaim, ephemeral } of pod.spec?.volumes ?? []) {
    if (persistentVolumeClaim) (names ??= []).push(persistentVolumeClaim.claimName);
    else if (ephemeral) (names ??= []).push(`${pod.metadata.name}-${name}`);
  }
  return names ?? none;
}
