/** The rules of storage once more, slow and plain, for one pod and one node at a time. */
import { parseQuantity } from '@coracle/machinery';
import type {
  CSINode,
  Node,
  NodeSelectorTerm,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  StorageClass,
} from '@coracle/machinery/api';
import type { Cluster } from './reference.ts';

export interface Storage {
  claims: readonly PersistentVolumeClaim[];
  volumes: readonly PersistentVolume[];
  classes: readonly StorageClass[];
  csiNodes: readonly CSINode[];
}

const bytes = (amounts: Record<string, string> | undefined): number =>
  parseQuantity(amounts?.['storage'] ?? '0').value();

const claimsOf = (pod: Pod, storage: Storage): (PersistentVolumeClaim | undefined)[] =>
  (pod.spec!.volumes ?? [])
    .filter((v) => v.persistentVolumeClaim)
    .map((v) =>
      storage.claims.find(
        (c) =>
          c.metadata.namespace === pod.metadata.namespace &&
          c.metadata.name === v.persistentVolumeClaim!.claimName,
      ),
    );

const bound = (c: PersistentVolumeClaim): boolean =>
  !!c.spec!.volumeName && c.metadata.annotations?.['pv.kubernetes.io/bind-completed'] !== undefined;

function reaches(volume: PersistentVolume, node: Node): boolean {
  const terms = volume.spec!.nodeAffinity?.required?.nodeSelectorTerms;
  const holds = (term: NodeSelectorTerm): boolean =>
    (term.matchExpressions ?? []).length > 0 &&
    term.matchExpressions!.every(
      ({ key, values = [] }) =>
        node.metadata.labels?.[key] !== undefined && values.includes(node.metadata.labels[key]),
    );
  return !terms || terms.some(holds);
}

/** Why the pod cannot be tried at all. */
export function storageRejection(pod: Pod, storage: Storage): string | undefined {
  const names = (pod.spec!.volumes ?? []).flatMap((v) => v.persistentVolumeClaim?.claimName ?? []);
  const claims = claimsOf(pod, storage);
  for (const [i, claim] of claims.entries()) {
    if (!claim) return `persistentvolumeclaim "${names[i]}" not found`;
  }
  for (const claim of claims as PersistentVolumeClaim[]) {
    if (claim.status?.phase === 'Lost') {
      return `persistentvolumeclaim "${claim.metadata.name}" bound to non-existent persistentvolume "${claim.spec!.volumeName}"`;
    }
    if (claim.metadata.deletionTimestamp) {
      return `persistentvolumeclaim "${claim.metadata.name}" is being deleted`;
    }
  }
  const waits = (claim: PersistentVolumeClaim): boolean =>
    !claim.spec!.volumeName &&
    storage.classes.some(
      (c) =>
        c.metadata.name === claim.spec!.storageClassName && c.volumeBindingMode === 'WaitForFirstConsumer',
    );
  if ((claims as PersistentVolumeClaim[]).some((claim) => !bound(claim) && !waits(claim))) {
    return 'pod has unbound immediate PersistentVolumeClaims';
  }
  for (const claim of claims as PersistentVolumeClaim[]) {
    const { volumeName } = claim.spec!;
    // VolumeZone's word, where a bound claim's volume is not there.
    if (volumeName && !storage.volumes.some((v) => v.metadata.name === volumeName)) {
      return `persistentvolume "${volumeName}" not found`;
    }
  }
  return undefined;
}

/** Reasons of the first storage plugin that objects to the node. */
export function storageObjections(pod: Pod, node: Node, cluster: Cluster): string[] {
  const { storage } = cluster;
  if (!storage) return [];
  const claims = claimsOf(pod, storage) as PersistentVolumeClaim[];
  const once = claims.filter((c) => c.spec!.accessModes?.includes('ReadWriteOncePod'));
  const everywhere = cluster.nodes.flatMap((n) => cluster.podsOn(n));
  if (once.some((c) => everywhere.some((p) => claimsOf(p, storage).includes(c)))) {
    return ['node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode'];
  }
  if (tooMany(pod, node, cluster, storage)) return ['node(s) exceed max volume count'];
  const reasons: string[] = [];
  const volumeOf = (c: PersistentVolumeClaim): PersistentVolume =>
    storage.volumes.find((v) => v.metadata.name === c.spec!.volumeName)!;
  if (claims.filter(bound).some((c) => !reaches(volumeOf(c), node))) {
    reasons.push("node(s) didn't match PersistentVolume's node affinity");
  }
  if (!choose(pod, node, storage)) reasons.push("node(s) didn't find available persistent volumes to bind");
  if (reasons.length > 0) return reasons;
  const zone = 'topology.kubernetes.io/zone';
  const here = node.metadata.labels?.[zone];
  const wrong = claims.filter(bound).some((c) => {
    const zones = volumeOf(c).metadata.labels?.[zone]?.split('__');
    return zones !== undefined && here !== undefined && !zones.includes(here);
  });
  return wrong ? ['node(s) had no available volume zone'] : [];
}

/** What the pod's open claims would get on the node: a volume each, or one to be made; undefined: not all get one. */
export function choose(
  pod: Pod,
  node: Node,
  storage: Storage,
): { claim: PersistentVolumeClaim; volume?: PersistentVolume }[] | undefined {
  const open = (claimsOf(pod, storage) as PersistentVolumeClaim[])
    .filter((c) => !bound(c))
    .toSorted((a, b) => bytes(a.spec!.resources?.requests) - bytes(b.spec!.resources?.requests));
  const result: { claim: PersistentVolumeClaim; volume?: PersistentVolume }[] = [];
  for (const claim of open) {
    const on = claim.metadata.annotations?.['volume.kubernetes.io/selected-node'];
    const fits = storage.volumes.filter(
      (v) =>
        on === undefined &&
        !v.spec!.claimRef &&
        v.status?.phase === 'Available' &&
        v.spec!.storageClassName === claim.spec!.storageClassName &&
        bytes(v.spec!.capacity) >= bytes(claim.spec!.resources?.requests) &&
        (claim.spec!.accessModes ?? []).every((mode) => v.spec!.accessModes?.includes(mode)) &&
        reaches(v, node) &&
        !result.some(({ volume }) => volume === v),
    );
    const [volume] = fits.toSorted((a, b) => bytes(a.spec!.capacity) - bytes(b.spec!.capacity));
    if (volume) result.push({ claim, volume });
    else {
      const made = storage.classes.find((c) => c.metadata.name === claim.spec!.storageClassName);
      if (on !== undefined && on !== node.metadata.name) return undefined;
      if (!made || made.provisioner === 'kubernetes.io/no-provisioner') return undefined;
      const topologies = made.allowedTopologies ?? [];
      const allowed = topologies.some((t) =>
        t.matchLabelExpressions!.every(({ key, values }) =>
          values.includes(node.metadata.labels?.[key] ?? ''),
        ),
      );
      if (topologies.length > 0 && !allowed) return undefined;
      result.push({ claim });
    }
  }
  return result;
}

function tooMany(pod: Pod, node: Node, cluster: Cluster, storage: Storage): boolean {
  const csiNode = storage.csiNodes.find((n) => n.metadata.name === node.metadata.name);
  const idsOf = (p: Pod): [string, string][] =>
    claimsOf(p, storage).flatMap((claim): [string, string][] => {
      if (!claim) return [];
      if (claim.spec!.volumeName) {
        const csi = storage.volumes.find((v) => v.metadata.name === claim.spec!.volumeName)?.spec!.csi;
        return csi ? [[csi.volumeHandle, csi.driver]] : [];
      }
      const made = storage.classes.find((c) => c.metadata.name === claim.spec!.storageClassName);
      return made ? [[`claim ${claim.metadata.namespace}/${claim.metadata.name}`, made.provisioner]] : [];
    });
  const wanted = idsOf(pod);
  const present = new Map(cluster.podsOn(node).flatMap(idsOf));
  const all = new Map([...present, ...wanted]);
  return (csiNode?.spec?.drivers ?? []).some(({ name, allocatable }) => {
    if (allocatable?.count === undefined) return false;
    const isNew = wanted.some(([id, driver]) => driver === name && !present.has(id));
    return isNew && [...all.values()].filter((driver) => driver === name).length > allocatable.count;
  });
}
