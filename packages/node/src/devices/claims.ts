/**
 * Cards that pods have through claims (resource.k8s.io): what a kubelet has DRA drivers do. Preparing means to take the
 * claim's cards in the node's account; it is done before the containers of a pod start, by every agent anew, so that nothing
 * depends on what an agent before it knew.
 */
import {
  cardDriver,
  cardOfDevice,
  memoryCapacity,
  valueOf_,
  shareCapacity,
  wholeCard,
} from '@coracle/machinery';
import type { Container, Pod, ResourceClaim } from '@coracle/machinery/api';
import type { ClaimPart, DeviceManager } from './device-manager.ts';
import type { Gpu } from './gpus.ts';
import { partitionMemory, partitionsOf } from './mig.ts';

/** Uid of the claim by its name in the pod; and containers' requests of the claim for extended resources. */
export interface PreparedClaims {
  readonly byName: ReadonlyMap<string, string>;
  readonly extended:
    | { readonly uid: string; readonly requests: ReadonlyMap<string, readonly string[]> }
    | undefined;
}

export interface ClaimPreparation {
  readonly nodeName: string;
  readonly devices: DeviceManager;
  /** Undefined: there is none. */
  claim(namespace: string, name: string): Promise<ResourceClaim | undefined>;
}

/** Takes the cards of all of the pod's claims. Rejects, in words for an event, if a claim is not (yet) as it must be. */
export async function prepareClaims(pod: Pod, context: ClaimPreparation): Promise<PreparedClaims> {
  const { namespace = '', uid: podUid } = pod.metadata;
  const byName = new Map<string, string>();
  const prepare = async (name: string, own: boolean): Promise<string> => {
    const claim = await context.claim(namespace, name);
    if (!claim)
      throw new Error(
        `failed to fetch ResourceClaim ${name} referenced by pod ${pod.metadata.name}: not found`,
      );
    const owned = claim.metadata.ownerReferences?.some((owner) => owner.uid === podUid) ?? false;
    if (own && !owned) throw new Error(`ResourceClaim ${name} was not created for pod ${pod.metadata.name}`);
    const results = claim.status?.allocation?.devices?.results;
    if (!claim.status?.allocation) throw new Error(`resource claim ${name} is not allocated`);
    const group = pod.spec?.schedulingGroup?.podGroupName;
    const reserved = claim.status.reservedFor?.some(
      (user) =>
        user.uid === podUid || (group !== undefined && user.resource === 'podgroups' && user.name === group),
    );
    if (!reserved) throw new Error(`resource claim ${name} is not reserved for pod ${pod.metadata.name}`);
    const parts = (results ?? []).map((result) => partOf(result, context));
    if (parts.length > 0) context.devices.claim(claim.metadata.uid, podUid, parts);
    return claim.metadata.uid;
  };
  for (const reference of pod.spec?.resourceClaims ?? []) {
    const made = pod.status?.resourceClaimStatuses?.find((status) => status.name === reference.name);
    const name = reference.resourceClaimName ?? made?.resourceClaimName;
    if (name !== undefined)
      byName.set(reference.name, await prepare(name, reference.resourceClaimName === undefined));
    // A status without a name says that no claim is needed.
    else if (!made) throw new Error(`the ResourceClaim for ${reference.name} has not been created yet`);
  }
  const status = pod.status?.extendedResourceClaimStatus;
  if (!status) return { byName, extended: undefined };
  const requests = new Map<string, string[]>();
  for (const { containerName, requestName } of status.requestMappings ?? []) {
    const list = requests.get(containerName) ?? [];
    list.push(requestName);
    requests.set(containerName, list);
  }
  return { byName, extended: { uid: await prepare(status.resourceClaimName, true), requests } };
}

type Result = NonNullable<
  NonNullable<NonNullable<NonNullable<ResourceClaim['status']>['allocation']>['devices']>['results']
>[number];

function partOf(result: Result, { nodeName, devices }: ClaimPreparation): ClaimPart {
  const { driver, pool, device, request, adminAccess, shareID, consumedCapacity } = result;
  if (driver !== cardDriver) throw new Error(`DRA driver ${driver} is not registered on this node`);
  const of = pool === nodeName ? cardOfDevice(device) : undefined;
  const gpu = of && devices.cards[of.card];
  const partition = of?.partition ? partitionsOf(of.card).find((each) => each.device === device) : undefined;
  if (!gpu || (of.partition && (!partition || gpu.mig !== true)))
    throw new Error(`device ${driver}/${pool}/${device} is not on this node`);
  // Whoever administers a card takes nothing of it.
  if (adminAccess) return { card: of.card, request, milli: 0, memory: 0 };
  if (partition) {
    const milli = Math.floor((wholeCard * partition.computeSlices) / 7);
    return { card: of.card, request, milli, memory: partitionMemory(gpu, partition), partition: device };
  }
  const share = consumedCapacity?.[shareCapacity];
  const memory = consumedCapacity?.[memoryCapacity];
  if (shareID === undefined || share === undefined)
    return { card: of.card, request, milli: wholeCard, memory: gpu.memoryBytes };
  return {
    card: of.card,
    request,
    milli: valueOf_(share),
    memory: memory === undefined ? 0 : valueOf_(memory),
  };
}

/** The cards a container sees through the claims it names; others of the pod see nothing of them. */
export function claimedCards(prepared: PreparedClaims, container: Container, devices: DeviceManager): Gpu[] {
  const found = new Map<string, Gpu>();
  const add = (uid: string, request: string | undefined): void => {
    for (const gpu of devices.ofClaim(uid, request)) found.set(gpu.id, gpu);
  };
  for (const { name, request } of container.resources?.claims ?? []) {
    const uid = prepared.byName.get(name);
    if (uid !== undefined) add(uid, request);
  }
  const { extended } = prepared;
  for (const request of extended?.requests.get(container.name) ?? []) add(extended!.uid, request);
  return [...found.values()].toSorted((a, b) => a.index - b.index);
}
