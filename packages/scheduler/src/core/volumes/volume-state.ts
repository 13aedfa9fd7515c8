/**
 * What the scheduler knows of storage: claims, volumes, classes, what nodes can attach, and who uses which claim where.
 * Objects are put in by whoever follows them; pods by the snapshot, also while it only imagines them somewhere.
 *
 * A decided pod's volumes are *assumed* until the API shows them: a volume taken for a claim, a node chosen for one that
 * is still to be provisioned. Invariant: assumptions are made and dropped by reservations only.
 */
import type {
  CSIDriver,
  CSINode,
  CSIStorageCapacity,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  VolumeAttachment,
} from '@coracle/machinery/api';
import {
  storageClassOfClaim,
  storageClassOfVolume,
  isVolumeFor,
  isClaimBound,
  selectedNodeAnnotation,
  storageOf,
} from '@coracle/machinery';
import type { PodVolumes } from './pod-volumes.ts';

export interface VolumeRecord {
  readonly volume: PersistentVolume;
  /** Bytes. */
  readonly size: number;
}

/** A volume as a driver counts it. */
export interface AttachedVolume {
  readonly driver: string;
  /** Unique among all drivers. */
  readonly id: string;
}

type Named = { readonly metadata: { readonly name: string; readonly namespace?: string | undefined } };
const keyOf = ({ metadata }: Named): string => `${metadata.namespace ?? ''}/${metadata.name}`;

export class VolumeState {
  readonly #claims = new Map<string, PersistentVolumeClaim>();
  readonly #volumes = new Map<string, VolumeRecord>();
  /** Class -> names of volumes. */
  readonly #byClass = new Map<string, Set<string>>();
  /** `namespace/name` of a claim -> names of volumes whose claimRef names it. */
  readonly #byClaimRef = new Map<string, Set<string>>();
  readonly #classes = new Map<string, StorageClass>();
  readonly #drivers = new Map<string, CSIDriver>();
  readonly #capacities = new Map<string, CSIStorageCapacity>();
  /** Node -> driver -> volumes it can attach at a time. */
  readonly #limits = new Map<string, ReadonlyMap<string, number>>();
  /** Node -> name of the attachment -> it. */
  readonly #attachments = new Map<string, Map<string, VolumeAttachment>>();
  /** Claim -> row -> pods there that use it. */
  readonly #users = new Map<string, Map<number, number>>();
  /** Row -> claims used there. */
  readonly #onRow = new Map<number, Set<string>>();
  /** Volume -> key of the claim it is assumed to be for. */
  readonly #assumedVolumes = new Map<string, string>();
  /** Claim -> node its volume is assumed to be made for. */
  readonly #assumedNodes = new Map<string, string>();
  readonly #watchers = new Map<string, Set<() => void>>();

  claim(key: string): PersistentVolumeClaim | undefined {
    return this.#claims.get(key);
  }
  volume(name: string): VolumeRecord | undefined {
    return this.#volumes.get(name);
  }
  storageClass(name: string): StorageClass | undefined {
    return this.#classes.get(name);
  }
  driver(name: string): CSIDriver | undefined {
    return this.#drivers.get(name);
  }
  capacities(): Iterable<CSIStorageCapacity> {
    return this.#capacities.values();
  }
  /** True if some node says how many volumes it can attach. */
  get limited(): boolean {
    return this.#limits.size > 0;
  }
  limits(nodeName: string): ReadonlyMap<string, number> | undefined {
    return this.#limits.get(nodeName);
  }

  /** Volumes of the claim's class, and those that name it. */
  *candidates(claim: PersistentVolumeClaim): Iterable<VolumeRecord> {
    const ofClass = this.#byClass.get(storageClassOfClaim(claim));
    for (const name of ofClass ?? []) yield this.#volumes.get(name)!;
    for (const name of this.#byClaimRef.get(keyOf(claim)) ?? []) {
      if (!ofClass?.has(name)) yield this.#volumes.get(name)!;
    }
  }

  setClaim(claim: PersistentVolumeClaim, gone = false): void {
    const key = keyOf(claim);
    if (gone) this.#claims.delete(key);
    else this.#claims.set(key, claim);
    for (const changed of this.#watchers.get(key) ?? []) changed();
  }

  setVolume(volume: PersistentVolume, gone = false): void {
    const { name } = volume.metadata;
    const before = this.#volumes.get(name)?.volume;
    if (before) {
      without(this.#byClass, storageClassOfVolume(before), name);
      const ref = before.spec?.claimRef;
      if (ref) without(this.#byClaimRef, `${ref.namespace ?? ''}/${ref.name ?? ''}`, name);
    }
    if (gone) {
      this.#volumes.delete(name);
      return;
    }
    this.#volumes.set(name, { volume, size: storageOf(volume.spec?.capacity) });
    withName(this.#byClass, storageClassOfVolume(volume), name);
    const ref = volume.spec?.claimRef;
    if (ref) withName(this.#byClaimRef, `${ref.namespace ?? ''}/${ref.name ?? ''}`, name);
  }

  setClass(storageClass: StorageClass, gone = false): void {
    set(this.#classes, storageClass.metadata.name, storageClass, gone);
  }
  setDriver(driver: CSIDriver, gone = false): void {
    set(this.#drivers, driver.metadata.name, driver, gone);
  }
  setCapacity(capacity: CSIStorageCapacity, gone = false): void {
    set(this.#capacities, keyOf(capacity), capacity, gone);
  }

  setCsiNode({ metadata, spec }: CSINode, gone = false): void {
    const limits = new Map<string, number>();
    for (const { name, allocatable } of spec?.drivers ?? []) {
      if (allocatable?.count !== undefined) limits.set(name, allocatable.count);
    }
    set(this.#limits, metadata.name, limits, gone || limits.size === 0);
  }

  setAttachment(attachment: VolumeAttachment, gone = false): void {
    const nodeName = attachment.spec?.nodeName ?? '';
    let onNode = this.#attachments.get(nodeName);
    if (!onNode) this.#attachments.set(nodeName, (onNode = new Map()));
    set(onNode, attachment.metadata.name, attachment, gone);
    if (onNode.size === 0) this.#attachments.delete(nodeName);
  }

  /** A pod came to the row (1) or left it (-1). */
  use({ claims }: PodVolumes, row: number, sign: 1 | -1): void {
    for (const { key } of claims) {
      let rows = this.#users.get(key);
      if (!rows) this.#users.set(key, (rows = new Map()));
      const count = (rows.get(row) ?? 0) + sign;
      if (count > 0) {
        rows.set(row, count);
        withNumber(this.#onRow, row, key);
        continue;
      }
      rows.delete(row);
      if (rows.size === 0) this.#users.delete(key);
      const keys = this.#onRow.get(row);
      keys?.delete(key);
      if (keys?.size === 0) this.#onRow.delete(row);
    }
  }

  /** True if some pod on a node uses the claim. */
  inUse(key: string): boolean {
    return this.#users.has(key);
  }

  /** The volume of a claim as its CSI driver counts it; undefined: it has none, or not one of CSI. */
  attachable(key: string): AttachedVolume | undefined {
    const claim = this.#claims.get(key);
    if (!claim) return undefined;
    const name = claim.spec?.volumeName;
    if (name) return csiOf(this.#volumes.get(name)?.volume);
    // To be provisioned: counted by its claim.
    const provisioner = this.#classes.get(storageClassOfClaim(claim))?.provisioner;
    return provisioner ? { driver: provisioner, id: `${provisioner}/claim ${key}` } : undefined;
  }

  /** What CSI drivers have attached to the node, or will for the pods on its row: id -> driver. */
  attachedTo(nodeName: string, row: number): Map<string, string> {
    const result = new Map<string, string>();
    const add = (volume: AttachedVolume | undefined): void => {
      if (volume) result.set(volume.id, volume.driver);
    };
    for (const key of this.#onRow.get(row) ?? []) add(this.attachable(key));
    for (const { spec } of this.#attachments.get(nodeName)?.values() ?? []) {
      add(csiOf(this.#volumes.get(spec?.source?.persistentVolumeName ?? '')?.volume));
    }
    return result;
  }

  /** The node a claim's volume is being made for. */
  nodeOf(claim: PersistentVolumeClaim): string | undefined {
    return this.#assumedNodes.get(keyOf(claim)) ?? claim.metadata.annotations?.[selectedNodeAnnotation];
  }

  /** The claim a volume is for, as far as anybody knows: `mine` this one, `other` another. */
  takenBy(volume: PersistentVolume, claim: PersistentVolumeClaim): 'mine' | 'other' | undefined {
    const assumed = this.#assumedVolumes.get(volume.metadata.name);
    if (assumed !== undefined) return assumed === keyOf(claim) ? 'mine' : 'other';
    if (!volume.spec?.claimRef) return undefined;
    return isVolumeFor(volume, claim) ? 'mine' : 'other';
  }

  /** Takes a volume for a claim. The answer gives it back. */
  assumeVolume(volume: PersistentVolume, claim: PersistentVolumeClaim): () => void {
    return assume(this.#assumedVolumes, volume.metadata.name, keyOf(claim));
  }
  /** Chooses the node a claim's volume will be made for. The answer takes that back. */
  assumeNode(claim: PersistentVolumeClaim, nodeName: string): () => void {
    return assume(this.#assumedNodes, keyOf(claim), nodeName);
  }

  isBound(key: string): boolean {
    const claim = this.#claims.get(key);
    return claim !== undefined && isClaimBound(claim);
  }

  /** Calls `changed` with every change of the claim. Returns how to stop. */
  watch(key: string, changed: () => void): () => void {
    let watchers = this.#watchers.get(key);
    if (!watchers) this.#watchers.set(key, (watchers = new Set()));
    watchers.add(changed);
    return () => {
      watchers.delete(changed);
      if (watchers.size === 0 && this.#watchers.get(key) === watchers) this.#watchers.delete(key);
    };
  }
}

function csiOf(volume: PersistentVolume | undefined): AttachedVolume | undefined {
  const csi = volume?.spec?.csi;
  return csi ? { driver: csi.driver, id: `${csi.driver}/${csi.volumeHandle}` } : undefined;
}

function assume(all: Map<string, string>, key: string, value: string): () => void {
  // Assumed by another pod that uses the same claim: its to drop.
  if (all.has(key)) return () => {};
  all.set(key, value);
  return () => void all.delete(key);
}

function set<T>(all: Map<string, T>, key: string, value: T, gone: boolean): void {
  if (gone) all.delete(key);
  else all.set(key, value);
}

function withName(all: Map<string, Set<string>>, key: string, name: string): void {
  const names = all.get(key);
  if (names) names.add(name);
  else all.set(key, new Set([name]));
}

function withNumber(all: Map<number, Set<string>>, key: number, name: string): void {
  const names = all.get(key);
  if (names) names.add(name);
  else all.set(key, new Set([name]));
}

function without(all: Map<string, Set<string>>, key: string, name: string): void {
  const names = all.get(key);
  names?.delete(name);
  if (names?.size === 0) all.delete(key);
}
