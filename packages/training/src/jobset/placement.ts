/**
 * Exclusive placement: all pods of a job in one topology domain (a rack, a node pool), and no other job's pods in it.
 *
 * Two ways, as upstream: with the node selector strategy the nodes were labelled and tainted for each job beforehand.
 * Otherwise by pod affinity; upstream's webhooks give it to a job's first pod and send the others after it, here every pod
 * has it, which a scheduler brings to the same end. Upstream's exclusion among equal priorities only is left out: a pod's
 * priority is not known yet when its template is made.
 */
import type { core_v1 } from '@coracle/machinery/api';
import { jobSetKeys as keys } from './keys.ts';

/** Adds to a pod spec (in place) what its job's annotations ask for. */
export function placeExclusively(
  podSpec: core_v1.PodSpec,
  annotations: Readonly<Record<string, string>>,
  job: { namespace: string; name: string; key: string },
): void {
  const topologyKey = annotations[keys.exclusiveTopology];
  if (topologyKey === undefined) return;
  if (annotations[keys.nodeSelectorStrategy] !== undefined) {
    podSpec.nodeSelector = { ...podSpec.nodeSelector, [keys.namespacedJob]: `${job.namespace}_${job.name}` };
    podSpec.tolerations = [
      ...(podSpec.tolerations ?? []),
      { key: keys.noScheduleTaint, operator: 'Exists', effect: 'NoSchedule' },
    ];
    return;
  }
  const term = (...matchExpressions: { key: string; operator: string; values?: string[] }[]) => ({
    labelSelector: { matchExpressions },
    topologyKey,
    namespaceSelector: {},
  });
  const { affinity } = podSpec;
  podSpec.affinity = {
    ...affinity,
    podAffinity: {
      ...affinity?.podAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: [
        ...(affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
        term({ key: keys.jobKey, operator: 'In', values: [job.key] }),
      ],
    },
    podAntiAffinity: {
      ...affinity?.podAntiAffinity,
      requiredDuringSchedulingIgnoredDuringExecution: [
        ...(affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
        term(
          { key: keys.jobKey, operator: 'Exists' },
          { key: keys.jobKey, operator: 'NotIn', values: [job.key] },
        ),
      ],
    },
  };
}
