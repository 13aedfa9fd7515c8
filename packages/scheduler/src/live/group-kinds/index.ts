import { coschedulingGroups } from './coscheduling.ts';
import type { GroupKind } from './kind.ts';
import { kubernetesGroups } from './kubernetes.ts';
import { volcanoGroups } from './volcano.ts';

/** In the order in which a pod that names several groups is taken to mean them. */
export const groupKinds: readonly GroupKind[] = [kubernetesGroups, coschedulingGroups, volcanoGroups];

export * from './kind.ts';
export { disruptedStatus } from './kubernetes.ts';
