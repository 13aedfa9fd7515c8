/** Names of the pods of a StatefulSet and of their claims. */
import type { Draft } from '@coracle/machinery';
import { StatefulSet } from '@coracle/machinery/api';
import type { PersistentVolumeClaim, Pod, core_v1 } from '@coracle/machinery/api';
import { controllerReference } from '../../lib/claim.ts';
import { podOfTemplate } from '../../lib/template.ts';
import { revisionLabel } from '../revisions.ts';

/** The pod's number; undefined: its name is not one of this set's. */
export function ordinalOf(set: StatefulSet, pod: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const rest = pod.metadata.name.startsWith(prefix) ? pod.metadata.name.slice(prefix.length) : '';
  return /^\d+$/.test(rest) ? Number(rest) : undefined;
}

export function podOf(
  set: StatefulSet,
  ordinal: number,
  revision: string,
  template: core_v1.PodTemplateSpec,
): Draft<Pod> {
  const name = `${set.metadata.name}-${ordinal}`;
  const { metadata, spec } = podOfTemplate(set, controllerReference(StatefulSet, set), template);
  const { generateName: _, ...rest } = metadata;
  const claims = set.spec?.volumeClaimTemplates ?? [];
  const names = new Set(claims.map((claim) => claim.metadata.name));
  const volumes = [
    ...(spec?.volumes ?? []).filter((volume) => !names.has(volume.name)),
    ...claims.map((claim) => ({
      name: claim.metadata.name,
      persistentVolumeClaim: { claimName: `${claim.metadata.name}-${name}`, readOnly: false },
    })),
  ];
  return {
    metadata: {
      ...rest,
      name,
      labels: {
        ...rest.labels,
        'statefulset.kubernetes.io/pod-name': name,
        'apps.kubernetes.io/pod-index': `${ordinal}`,
        [revisionLabel]: revision,
      },
    },
    spec: {
      containers: [],
      ...spec,
      hostname: name,
      ...(set.spec?.serviceName ? { subdomain: set.spec.serviceName } : {}),
      ...(volumes.length > 0 ? { volumes } : {}),
    },
  };
}

/** The claims of one pod; they outlive it. */
export function claimsOf(set: StatefulSet, ordinal: number): Draft<PersistentVolumeClaim>[] {
  return (set.spec?.volumeClaimTemplates ?? []).map(({ metadata, spec }) => ({
    metadata: {
      name: `${metadata.name}-${set.metadata.name}-${ordinal}`,
      namespace: set.metadata.namespace,
      labels: { ...metadata.labels, ...set.spec?.selector.matchLabels },
      ...(metadata.annotations ? { annotations: metadata.annotations } : {}),
    },
    ...(spec ? { spec } : {}),
  }));
}
