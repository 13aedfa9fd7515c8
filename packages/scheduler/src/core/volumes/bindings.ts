/**
 * Which volumes a pod would get on a node: those its claims are bound to must be reachable from there; for claims that wait
 * for their first consumer, the smallest volume that will do, or one to be made there.
 */
import type {
  NodeSelectorTerm,
  PersistentVolume,
  PersistentVolumeClaim,
  StorageClass,
  TopologySelectorTerm,
} from '@coracle/machinery/api';
import { compileTerms, type RowTest } from '../node-selector.ts';
import type { PodInfo } from '../pod-info.ts';
import type { Snapshot } from '../snapshot.ts';
import {
  selectorFrom,
  storageClassOfClaim,
  isBindingDelayed,
  isClaimBound,
  volumeSuits,
  noProvisioner,
  storageOf,
} from '@coracle/machinery';
import type { VolumeRecord, VolumeState } from './volume-state.ts';

/** Why a node will not do: a set of bits. */
export const objection = { nodeConflict: 1, bindConflict: 2, noSpace: 4, volumeMissing: 8 } as const;

export interface Binding {
  readonly volume: PersistentVolume;
  readonly claim: PersistentVolumeClaim;
}
/** What the pod's claims would get on a node. */
export interface Bindings {
  /** 0: all they need; else a set of bits of `objection`. */
  readonly code: number;
  readonly volumes: readonly Binding[];
  /** Claims whose volumes are to be made there. */
  readonly provisions: readonly PersistentVolumeClaim[];
}

export type PreparedBindings = { readonly rejection: string } | { at(row: number): Bindings };

const nothing: Bindings = { code: 0, volumes: [], provisions: [] };

/** Sorts out the pod's claims. Undefined: it has none. */
export function prepareBindings(pod: PodInfo, snapshot: Snapshot): PreparedBindings | undefined {
  const { volumes: state } = snapshot;
  const used = pod.volumes?.claims ?? [];
  if (used.length === 0) return undefined;
  const bound: PersistentVolumeClaim[] = [];
  const open: PersistentVolumeClaim[] = [];
  let immediate = false;
  for (const { key, name, ephemeral } of used) {
    const claim = state.claim(key);
    if (!claim) {
      return {
        rejection: ephemeral
          ? `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`
          : `persistentvolumeclaim "${name}" not found`,
      };
    }
    if (claim.status?.phase === 'Lost') {
      const volume = claim.spec?.volumeName ?? '';
      return {
        rejection: `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${volume}"`,
      };
    }
    if (claim.metadata.deletionTimestamp !== undefined) {
      return { rejection: `persistentvolumeclaim "${name}" is being deleted` };
    }
    const owner = claim.metadata.ownerReferences?.find(({ controller }) => controller);
    if (ephemeral && owner?.uid !== pod.uid) {
      const { namespace = '' } = claim.metadata;
      return { rejection: `PVC ${namespace}/${name} was not created for pod ${pod.key} (pod is not owner)` };
    }
    if (isClaimBound(claim)) bound.push(claim);
    else if (!claim.spec?.volumeName && isBindingDelayed(state.storageClass(storageClassOfClaim(claim))))
      open.push(claim);
    else immediate = true;
  }
  if (immediate) return { rejection: 'pod has unbound immediate PersistentVolumeClaims' };
  open.sort((a, b) => storageOf(a.spec?.resources?.requests) - storageOf(b.spec?.resources?.requests));
  const reach = bound.map((claim) => {
    const record = state.volume(claim.spec!.volumeName!);
    return record && affinityOf(record.volume, snapshot);
  });
  const matchers = open.map((claim) => new Matcher(claim, snapshot));
  if (open.length === 0 && reach.every((test) => test === undefined)) {
    if (bound.every((claim) => state.volume(claim.spec!.volumeName!))) return { at: () => nothing };
  }
  const alike = matchers.length > 0 && matchers.every((matcher) => isMadeAnywhere(matcher, state));
  const anywhere: Bindings = { code: 0, volumes: [], provisions: matchers.map(({ claim }) => claim) };
  const checkBound = (row: number): number => {
    for (const [i, claim] of bound.entries()) {
      if (!state.volume(claim.spec!.volumeName!)) return objection.volumeMissing;
      if (reach[i] && !holds(reach[i], row)) return objection.nodeConflict;
    }
    return 0;
  };
  return {
    at(row) {
      const code = checkBound(row);
      if (matchers.length === 0) return code === 0 ? nothing : { ...nothing, code };
      const found = alike ? anywhere : bindOpen(matchers, row, snapshot);
      return code === 0 ? found : { ...found, code: found.code | code };
    },
  };
}

/** True if the claim's volume is to be made, on whatever node: most of what provisioners are asked for. */
function isMadeAnywhere({ claim, empty }: Matcher, state: VolumeState): boolean {
  if (!empty || state.nodeOf(claim) !== undefined) return false;
  const storageClass = state.storageClass(storageClassOfClaim(claim));
  if (!storageClass?.provisioner || storageClass.provisioner === noProvisioner) return false;
  return (
    !storageClass.allowedTopologies?.length && !state.driver(storageClass.provisioner)?.spec.storageCapacity
  );
}

function bindOpen(matchers: readonly Matcher[], row: number, snapshot: Snapshot): Bindings {
  const nodeName = snapshot.nameOf(row);
  const { volumes: state } = snapshot;
  const provisions: PersistentVolumeClaim[] = [];
  const toMatch: Matcher[] = [];
  for (const matcher of matchers) {
    const node = state.nodeOf(matcher.claim);
    if (node === undefined) toMatch.push(matcher);
    else if (node === nodeName) provisions.push(matcher.claim);
    else return { ...nothing, code: objection.bindConflict };
  }
  const volumes: Binding[] = [];
  const taken = new Set<string>();
  for (const matcher of toMatch) {
    const volume = matcher.pick(row, taken);
    if (volume) {
      taken.add(volume.metadata.name);
      volumes.push({ volume, claim: matcher.claim });
    } else provisions.push(matcher.claim);
  }
  for (const claim of provisions) {
    const code = provisionObjection(claim, row, snapshot);
    if (code !== 0) return { ...nothing, code };
  }
  return { code: 0, volumes, provisions };
}

/** Why no volume can be made for the claim at the node; 0: it can. */
function provisionObjection(claim: PersistentVolumeClaim, row: number, snapshot: Snapshot): number {
  const { volumes: state } = snapshot;
  const storageClass = state.storageClass(storageClassOfClaim(claim));
  const provisioner = storageClass?.provisioner;
  if (!storageClass || !provisioner || provisioner === noProvisioner) return objection.bindConflict;
  const labels = snapshot.node(row)?.metadata.labels ?? {};
  if (!inTopology(storageClass.allowedTopologies, labels)) return objection.bindConflict;
  return hasCapacity(state, claim, storageClass, labels) ? 0 : objection.noSpace;
}

function inTopology(
  terms: readonly TopologySelectorTerm[] | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (!terms || terms.length === 0) return true;
  return terms.some(({ matchLabelExpressions = [] }) => {
    if (matchLabelExpressions.length === 0) return false;
    return matchLabelExpressions.every(({ key, values }) => {
      const value = labels[key];
      return value !== undefined && values.includes(value);
    });
  });
}

function hasCapacity(
  state: VolumeState,
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  labels: Readonly<Record<string, string>>,
): boolean {
  if (claim.spec?.resources?.requests?.['storage'] === undefined) return true;
  if (!state.driver(storageClass.provisioner)?.spec?.storageCapacity) return true;
  const size = storageOf(claim.spec.resources.requests);
  for (const { storageClassName, capacity, maximumVolumeSize, nodeTopology } of state.capacities()) {
    if (storageClassName !== storageClass.metadata.name || !nodeTopology) continue;
    const limit = maximumVolumeSize ?? capacity;
    if (limit === undefined || storageOf({ storage: limit }) < size) continue;
    if (selectorFrom(nodeTopology).matches(labels)) return true;
  }
  return false;
}

/** The volumes one claim could have, by the nodes they can be reached from. */
class Matcher {
  readonly claim: PersistentVolumeClaim;
  /** One that names the claim: that one or none. */
  readonly #own: VolumeRecord | undefined;
  readonly #anywhere: VolumeRecord[] = [];
  /** Label key -> value -> volumes that only nodes with it reach. */
  readonly #byLabel = new Map<string, Map<string, VolumeRecord[]>>();
  readonly #others: { readonly record: VolumeRecord; readonly test: RowTest }[] = [];
  readonly #snapshot: Snapshot;

  constructor(claim: PersistentVolumeClaim, snapshot: Snapshot) {
    this.claim = claim;
    this.#snapshot = snapshot;
    const state = snapshot.volumes;
    const fitting: VolumeRecord[] = [];
    for (const record of state.candidates(claim)) {
      const taken = state.takenBy(record.volume, claim);
      if (taken === 'other') continue;
      // Assumed for this claim by another pod that uses it: as good as bound.
      const mine = taken === 'mine';
      if (!mine && !volumeSuits(claim, record.volume)) continue;
      if (mine) {
        if (record.volume.spec?.claimRef && !volumeSuits(claim, record.volume)) continue;
        this.#own = record;
        return;
      }
      fitting.push(record);
    }
    fitting.sort((a, b) => a.size - b.size);
    for (const record of fitting) this.#file(record);
  }

  /** No volume there is will do. */
  get empty(): boolean {
    return !this.#own && this.#anywhere.length + this.#byLabel.size + this.#others.length === 0;
  }

  #file(record: VolumeRecord): void {
    const terms = termsOf(record.volume);
    const only = terms?.length === 1 ? terms[0]! : undefined;
    const [expression, ...more] = only?.matchExpressions ?? [];
    if (!terms) this.#anywhere.push(record);
    else if (expression?.operator === 'In' && more.length === 0 && !only?.matchFields?.length) {
      let values = this.#byLabel.get(expression.key);
      if (!values) this.#byLabel.set(expression.key, (values = new Map()));
      for (const value of expression.values ?? []) {
        const list = values.get(value);
        if (list) list.push(record);
        else values.set(value, [record]);
      }
    } else this.#others.push({ record, test: compileTerms(terms, this.#snapshot) });
  }

  /** The smallest free volume that the node reaches. */
  pick(row: number, taken: ReadonlySet<string>): PersistentVolume | undefined {
    if (this.#own) {
      const test = affinityOf(this.#own.volume, this.#snapshot);
      return (!test || holds(test, row)) && !taken.has(this.#own.volume.metadata.name)
        ? this.#own.volume
        : undefined;
    }
    let best: VolumeRecord | undefined;
    const offer = (list: readonly VolumeRecord[] | undefined): void => {
      const first = list?.find(({ volume }) => !taken.has(volume.metadata.name));
      if (first && (!best || first.size < best.size)) best = first;
    };
    offer(this.#anywhere);
    const labels = this.#snapshot.node(row)?.metadata.labels;
    for (const [key, values] of this.#byLabel) {
      const value = labels?.[key];
      if (value !== undefined) offer(values.get(value));
    }
    for (const { record, test } of this.#others) {
      if (best && best.size <= record.size) break;
      if (!taken.has(record.volume.metadata.name) && holds(test, row)) best = record;
    }
    return best?.volume;
  }
}

function termsOf({ spec }: PersistentVolume): readonly NodeSelectorTerm[] | undefined {
  return spec?.nodeAffinity?.required?.nodeSelectorTerms;
}

/** From which nodes the volume can be reached; undefined: from all. */
export function affinityOf(volume: PersistentVolume, snapshot: Snapshot): RowTest | undefined {
  const terms = termsOf(volume);
  return terms && compileTerms(terms, snapshot);
}

const oneRow = new Int32Array(1);
const oneMatch = new Uint8Array(1);

/** Asks a test about one row. */
export function holds(test: RowTest, row: number): boolean {
  oneRow[0] = row;
  test(oneRow, 1, oneMatch);
  return oneMatch[0] !== 0;
}
