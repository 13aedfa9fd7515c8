/**
 * Everything the scheduler knows of devices and claims (Dynamic Resource Allocation): slices, classes, claims, and what pods
 * ask for. Part of the snapshot; fed by informers in the live scheduler, by the trace in the simulator.
 */
import type {
  DeviceClass,
  DeviceTaintRule,
  Pod,
  PodGroup,
  ResourceClaim,
  ResourceSlice,
} from '@coracle/machinery/api';
import type { PodInfo } from '../pod-info.ts';
import type { Snapshot } from '../snapshot.ts';
import { AskError, readClaim, type ClaimAsk } from './ask.ts';
import { classesByResource, extendedAsk, type ExtendedAsk } from './extended.ts';
import { Inventory } from './inventory.ts';
import { ClaimLedger } from './ledger.ts';
import { claimsOf, type Missing, type UsedClaim } from './pod-claims.ts';
import { Selectors } from './selectors.ts';
import { Shape } from './shape.ts';

/** Kinds of pods whose verdicts are kept. */
const maxShapes = 64;

/** Resources that devices stand behind, as one pod asks for them. */
export interface BackedResource {
  readonly name: string;
  /** Of the snapshot. */
  readonly dimension: number;
}

export class DraState {
  readonly inventory: Inventory;
  readonly ledger: ClaimLedger;
  /** Milliseconds, for claims whose devices must be made ready in time; the live scheduler sets it. */
  now: () => number = () => 0;

  readonly #snapshot: Snapshot;
  readonly #selectors = new Selectors();
  readonly #classes = new Map<string, DeviceClass>();
  #byResource: ReadonlyMap<string, DeviceClass> = new Map();
  readonly #groups = new Map<string, PodGroup>();
  /** What claims ask for, by their spec as text; or why that cannot be had anywhere. */
  readonly #asks = new Map<string, ClaimAsk | string>();
  /** Text of specs. Claims are frozen: one text an object. */
  readonly #texts = new WeakMap<object, string>();
  readonly #shapes = new Map<string, Shape>();
  /** Pods imagined gone, and the claims they left. */
  readonly left = new Map<string, readonly string[]>();

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.inventory = new Inventory(snapshot);
    this.ledger = new ClaimLedger(this.inventory.uses);
  }

  setSlice(slice: ResourceSlice): void {
    this.inventory.setSlice(slice);
  }
  removeSlice(slice: ResourceSlice): void {
    this.inventory.removeSlice(slice);
  }
  setTaintRule(rule: DeviceTaintRule): void {
    this.inventory.setTaintRule(rule.metadata.name, rule);
  }
  removeTaintRule(rule: DeviceTaintRule): void {
    this.inventory.setTaintRule(rule.metadata.name, undefined);
  }
  setClaim(claim: ResourceClaim): void {
    this.ledger.set(claim);
  }
  removeClaim(claim: ResourceClaim): void {
    this.ledger.delete(claim);
  }
  setClass(deviceClass: DeviceClass): void {
    this.#classes.set(deviceClass.metadata.name, deviceClass);
    this.#classesChanged();
  }
  removeClass(deviceClass: DeviceClass): void {
    this.#classes.delete(deviceClass.metadata.name);
    this.#classesChanged();
  }
  /** Pod groups may have claims that all their pods use. */
  setPodGroup(group: PodGroup): void {
    if (group.spec.resourceClaims?.length) this.#groups.set(groupKey(group.metadata), group);
    else this.#groups.delete(groupKey(group.metadata));
  }
  removePodGroup(group: PodGroup): void {
    this.#groups.delete(groupKey(group.metadata));
  }

  claimsOf(pod: Pod): readonly UsedClaim[] | Missing {
    if (!pod.spec?.resourceClaims?.length) return noClaims;
    const name = pod.spec.schedulingGroup?.podGroupName;
    const group =
      name === undefined ? undefined : this.#groups.get(`${pod.metadata.namespace ?? ''}/${name}`);
    return claimsOf(pod, this.ledger, group);
  }

  /** Equal for pods that equal devices suit equally; '' for pods without claims. */
  kindOf({ pod, uid }: PodInfo): string {
    if (!pod.spec?.resourceClaims?.length) return '';
    const claims = this.claimsOf(pod);
    if ('problem' in claims || claims.some(({ key }) => this.ledger.allocation(key))) return uid;
    return claims.map(({ claim }) => this.#text(claim.spec.devices ?? nothing)).join('\n');
  }

  /** True if a device class stands behind the resource: pods may get it as devices where no plugin offers it. */
  backs(resource: string): boolean {
    return this.#byResource.has(resource);
  }

  /** Resources the pod asks for that devices stand behind. */
  backedResources({ dimensions }: PodInfo): readonly BackedResource[] {
    if (this.#byResource.size === 0) return noResources;
    let result: BackedResource[] | undefined;
    for (const dimension of dimensions) {
      const name = this.#snapshot.resourceName(dimension);
      if (name.includes('/') && this.#byResource.has(name)) (result ??= []).push({ name, dimension });
    }
    return result ?? noResources;
  }

  /** Requests for the devices of these resources. */
  extendedAsk(pod: Pod, resources: readonly string[]): ExtendedAsk {
    return extendedAsk(pod, resources, this.#byResource);
  }

  /** What the specs ask for together. Throws AskError (whose message names claims as `%claim`) if nothing can satisfy one. */
  shape(specs: readonly ResourceClaim['spec']['devices'][]): Shape {
    const texts = specs.map((spec) => this.#text(spec ?? nothing));
    const key = texts.join('\n');
    let shape = this.#shapes.get(key);
    if (shape) {
      this.#shapes.delete(key);
    } else {
      const asks = specs.map((spec, i) => this.#ask(spec ?? nothing, texts[i]!));
      for (const [claim, ask] of asks.entries()) {
        if (typeof ask === 'string') throw new AskError(ask.replace('%claim', `%claim${claim}`));
      }
      shape = new Shape(asks as ClaimAsk[]);
      if (this.#shapes.size >= maxShapes) this.#shapes.delete(this.#shapes.keys().next().value!);
    }
    this.#shapes.set(key, shape);
    return shape;
  }

  #ask(spec: NonNullable<ResourceClaim['spec']['devices']>, text: string): ClaimAsk | string {
    let ask = this.#asks.get(text);
    if (ask === undefined) {
      if (this.#asks.size >= 1_000) this.#asks.clear();
      try {
        ask = readClaim(spec, this.#classes, this.#selectors);
      } catch (error) {
        if (!(error instanceof AskError)) throw error;
        ask = error.message;
      }
      this.#asks.set(text, ask);
    }
    return ask;
  }

  #text(spec: object): string {
    let text = this.#texts.get(spec);
    if (text === undefined) this.#texts.set(spec, (text = JSON.stringify(spec)));
    return text;
  }

  #classesChanged(): void {
    this.#asks.clear();
    this.#shapes.clear();
    const before = this.#byResource;
    this.#byResource = classesByResource(this.#classes.values());
    const same =
      before.size === this.#byResource.size && [...before.keys()].every((k) => this.#byResource.has(k));
    if (!same) this.#snapshot.touchAll();
  }
}

const nothing: ResourceClaim['spec']['devices'] & object = {};
const noClaims: readonly UsedClaim[] = [];
const noResources: readonly BackedResource[] = [];

function groupKey({ namespace = '', name }: { namespace?: string | undefined; name: string }): string {
  return `${namespace}/${name}`;
}
