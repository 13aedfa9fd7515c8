/** The names of other objects a pod refers to, by resource: what its node must be able to read. */
import type { Container, Pod, Volume } from '@coracle/machinery/api';
import type { Lookup } from '../contracts.ts';

function containersOf(pod: Pod): Container[] {
  const spec = pod.spec;
  if (!spec) return [];
  return [
    ...(spec.initContainers ?? []),
    ...spec.containers,
    ...((spec.ephemeralContainers ?? []) as unknown as Container[]),
  ];
}

const named = (list: (string | undefined)[]): Set<string> =>
  new Set(list.filter((name): name is string => name !== undefined && name !== ''));

function secretsOfVolume(volume: Volume): (string | undefined)[] {
  return [
    volume.secret?.secretName,
    ...(volume.projected?.sources ?? []).map((source) => source.secret?.name),
    volume.csi?.nodePublishSecretRef?.name,
    volume.cephfs?.secretRef?.name,
    volume.flexVolume?.secretRef?.name,
    volume.iscsi?.secretRef?.name,
    volume.rbd?.secretRef?.name,
    volume.scaleIO?.secretRef?.name,
    volume.storageos?.secretRef?.name,
    volume.azureFile?.secretName,
  ];
}

/** Names of `resource` objects (secrets, configmaps, serviceaccounts, ...) in the pod's namespace the pod refers to. */
export function podReferences(pod: Pod, lookup: Lookup, resource: string): Set<string> {
  const spec = pod.spec;
  if (!spec) return new Set();
  const volumes = spec.volumes ?? [];
  const containers = containersOf(pod);
  const claims = (): Set<string> =>
    named(
      volumes.flatMap((volume) => [
        volume.persistentVolumeClaim?.claimName,
        volume.ephemeral ? `${pod.metadata.name}-${volume.name}` : undefined,
      ]),
    );
  switch (resource) {
    case 'secrets':
      return named([
        ...(spec.imagePullSecrets ?? []).map((ref) => ref.name),
        ...volumes.flatMap(secretsOfVolume),
        ...containers.flatMap((container) => [
          ...(container.envFrom ?? []).map((source) => source.secretRef?.name),
          ...(container.env ?? []).map((variable) => variable.valueFrom?.secretKeyRef?.name),
        ]),
      ]);
    case 'configmaps':
      return named([
        ...volumes.flatMap((volume) => [
          volume.configMap?.name,
          ...(volume.projected?.sources ?? []).map((source) => source.configMap?.name),
        ]),
        ...containers.flatMap((container) => [
          ...(container.envFrom ?? []).map((source) => source.configMapRef?.name),
          ...(container.env ?? []).map((variable) => variable.valueFrom?.configMapKeyRef?.name),
        ]),
      ]);
    case 'serviceaccounts':
      return named([spec.serviceAccountName]);
    case 'persistentvolumeclaims':
      return claims();
    case 'persistentvolumes':
      return named(
        [...claims()].map((name) => {
          const claim = lookup.get('', 'persistentvolumeclaims', pod.metadata.namespace ?? '', name);
          return (claim?.['spec'] as { volumeName?: string } | undefined)?.volumeName;
        }),
      );
    case 'resourceclaims':
      return named([
        ...(spec.resourceClaims ?? []).map((claim) => claim.resourceClaimName),
        ...(pod.status?.resourceClaimStatuses ?? []).map((status) => status.resourceClaimName),
        pod.status?.extendedResourceClaimStatus?.resourceClaimName,
      ]);
    default:
      return new Set();
  }
}
