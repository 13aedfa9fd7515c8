/** What a pod wants of devices: which of its claims have theirs, and what must be allocated on a node for the others. */
import type { ResourceClaim } from '@coracle/machinery/api';
import type { PodInfo } from '../pod-info.ts';
import type { Snapshot } from '../snapshot.ts';
import { AskError } from './ask.ts';
import type { BackedResource, DraState } from './dra-state.ts';
import type { UsedClaim } from './pod-claims.ts';
import type { Shape } from './shape.ts';
import type { AllocationResult } from './types.ts';

/** Users a claim may have (ResourceClaimReservedForMaxSize). */
const maxUsers = 256;

/** What a pod wants of devices, read against what is known of its claims. */
export class Wish {
  readonly state: DraState;
  readonly pod: PodInfo;
  readonly claims: readonly UsedClaim[];
  /** Claims that have devices: the pod must go where these are. */
  readonly allocated: readonly { readonly used: UsedClaim; readonly allocation: AllocationResult }[];
  readonly open: readonly UsedClaim[];
  readonly backed: readonly BackedResource[];
  /** Claim that an earlier attempt made for extended resources: it must go first. */
  readonly leftover: string | undefined;
  /** By the set of backed resources that the node does not offer itself: bit i is `backed[i]`. */
  readonly #shapes = new Map<number, Shape>();

  constructor(
    state: DraState,
    pod: PodInfo,
    claims: readonly UsedClaim[],
    backed: readonly BackedResource[],
  ) {
    this.state = state;
    this.pod = pod;
    this.claims = claims;
    this.backed = backed;
    this.leftover = backed.length > 0 ? state.ledger.extendedClaimOf(pod.uid) : undefined;
    const allocated: { used: UsedClaim; allocation: AllocationResult }[] = [];
    const open: UsedClaim[] = [];
    for (const used of claims) {
      const allocation = state.ledger.allocation(used.key);
      if (allocation) allocated.push({ used, allocation });
      else open.push(used);
    }
    this.allocated = allocated;
    this.open = open;
  }

  get keys(): readonly string[] {
    return [...this.open.map(({ key }) => key), `${this.pod.pod.metadata.namespace}/<extended-resources>`];
  }

  /** Backed resources that the node in the row does not offer itself, as bits. */
  missing(snapshot: Snapshot, row: number): number {
    let mask = 0;
    for (const [i, { dimension }] of this.backed.entries()) {
      if (snapshot.allocatable[dimension]![row] === 0) mask |= 1 << i;
    }
    return mask;
  }

  /** What must be allocated where those resources are missing; undefined: nothing. Throws AskError. */
  shape(mask: number): Shape | undefined {
    if (this.open.length === 0 && mask === 0) return undefined;
    let shape = this.#shapes.get(mask);
    if (!shape) {
      const specs: ResourceClaim['spec']['devices'][] = this.open.map(({ claim }) => claim.spec.devices);
      if (mask !== 0) specs.push(this.extendedAsk(mask).spec);
      this.#shapes.set(mask, (shape = this.state.shape(specs)));
    }
    return shape;
  }

  extendedAsk(mask: number) {
    const resources = this.backed.filter((_, i) => mask & (1 << i)).map((resource) => resource.name);
    return this.state.extendedAsk(this.pod.pod, resources);
  }

  /** The message with the names of the claims in it. */
  worded(reason: string, claim: number): string {
    return reason.replaceAll(/%claim(\d*)/g, (_, index: string) => this.keys[Number(index || claim)] ?? '');
  }
}

/** Undefined: the pod has nothing to do with devices. A text: it cannot be tried, and why. */
export function wishOf(pod: PodInfo, snapshot: Snapshot): Wish | string | undefined {
  const state = snapshot.devices;
  const backed = state.backedResources(pod);
  if (backed.length === 0 && !pod.pod.spec?.resourceClaims?.length) return undefined;
  const claims = state.claimsOf(pod.pod);
  if ('problem' in claims) return claims.problem;
  if (claims.length === 0 && backed.length === 0) return undefined;
  const wish = new Wish(state, pod, claims, backed);
  for (const { used } of wish.allocated) {
    const reserved = used.claim.status?.reservedFor ?? [];
    const users = new Set(reserved.map(({ uid }) => uid));
    if (users.has(used.group?.metadata.uid ?? pod.uid)) continue;
    for (const holder of state.ledger.get(used.key)?.holders ?? []) users.add(holder);
    if (users.size >= maxUsers) return 'resourceclaim in use';
  }
  try {
    wish.shape(0);
  } catch (error) {
    if (error instanceof AskError) return wish.worded(error.message, 0);
    throw error;
  }
  return wish;
}
