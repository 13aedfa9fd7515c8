/**
 * Writes decided claims to the API before the binding: the finalizer, the allocation, and the pod among those it is reserved
 * for; and takes the pod out again if it is not bound after all.
 */
import { isReason } from '@coracle/machinery';
import { PodGroup, ResourceClaim } from '@coracle/machinery/api';
import type { ReservationIo } from '../reservation.ts';
import { keyOf, sameDevices, type ClaimLedger } from './ledger.ts';

/** Keeps a claim that holds devices from vanishing. */
export const claimFinalizer = 'resource.kubernetes.io/delete-protection';
const maxTries = 5;

type Consumer = NonNullable<NonNullable<ResourceClaim['status']>['reservedFor']>[number];

/** Who uses the claim: the pod, or the group it belongs to. */
export function consumerOf(
  pod: { name: string; uid?: string | undefined },
  group: PodGroup | undefined,
): Consumer {
  if (!group) return { resource: 'pods', name: pod.name, uid: pod.uid ?? '' };
  const { name, uid = '' } = group.metadata;
  return { apiGroup: PodGroup.group, resource: PodGroup.resource, name, uid };
}

/**
 * Sees to it that the claim is allocated and reserved for the consumer. Its allocation is what the ledger has pending, unless
 * it is allocated already. Resolves with the claim as written. Throws where upstream does, in its words.
 */
export async function writeClaim(
  ledger: ClaimLedger,
  key: string,
  consumer: Consumer,
  io: ReservationIo,
): Promise<ResourceClaim> {
  return ledger.exclusively(key, async () => {
    let claim = ledger.claim(key);
    for (let tries = 1; ; tries++) {
      if (!claim) throw new Error(`could not find ResourceClaim "${key}"`);
      try {
        const written = await writeOnce(ledger, claim, consumer, io);
        ledger.assume(written);
        return written;
      } catch (error) {
        if (!isReason(error, 'Conflict') || tries >= maxTries) throw error;
        claim = await fresh(claim, io);
      }
    }
  });
}

async function writeOnce(
  ledger: ClaimLedger,
  before: ResourceClaim,
  consumer: Consumer,
  io: ReservationIo,
): Promise<ResourceClaim> {
  const key = keyOf(before);
  const options = { namespace: before.metadata.namespace, signal: io.signal };
  let claim = before;
  if (claim.metadata.deletionTimestamp) throw new Error(`claim ${key} got deleted in the meantime`);
  const pending = ledger.get(key)?.pending;
  const present = claim.status?.allocation;
  if (!pending && !present) throw new Error(`claim ${key} got deallocated in the meantime`);
  if (pending && present && !sameDevices(pending, present)) {
    throw new Error(`claim ${key} got allocated elsewhere in the meantime`);
  }
  const reservedFor = claim.status?.reservedFor ?? [];
  if (present && reservedFor.some(({ uid }) => uid === consumer.uid)) return claim;
  const doing = present
    ? `add reservation to claim ${key}`
    : `add allocation and reservation to claim ${key}`;
  if (!present && !claim.metadata.finalizers?.includes(claimFinalizer)) {
    const finalizers = [...(claim.metadata.finalizers ?? []), claimFinalizer];
    const next = { ...claim, metadata: { ...claim.metadata, finalizers } };
    claim = await explained(`add finalizer to claim ${key}`, () =>
      io.call(() => io.client.update(ResourceClaim, next, options)),
    );
  }
  const now = new Date(io.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const allocation = { allocationTimestamp: now, ...(present ?? pending!) };
  const next = { ...claim, status: { ...claim.status, allocation, reservedFor: [...reservedFor, consumer] } };
  return explained(doing, () =>
    io.call(() => io.client.update(ResourceClaim, next, { ...options, subresource: 'status' })),
  );
}

/** The consumer does not use the claim after all. */
export async function unreserveClaim(
  ledger: ClaimLedger,
  key: string,
  consumerUid: string,
  io: ReservationIo,
): Promise<void> {
  await ledger.exclusively(key, async () => {
    let claim = ledger.claim(key);
    for (let tries = 1; claim; tries++) {
      const reservedFor = claim.status?.reservedFor ?? [];
      const left = reservedFor.filter(({ uid }) => uid !== consumerUid);
      if (left.length === reservedFor.length) return;
      const next = { ...claim, status: { ...claim.status, reservedFor: left } };
      const options = { namespace: claim.metadata.namespace, subresource: 'status' };
      try {
        ledger.assume(await io.call(() => io.client.update(ResourceClaim, next, options)));
        return;
      } catch (error) {
        if (isReason(error, 'NotFound')) return;
        if (!isReason(error, 'Conflict') || tries >= maxTries) throw error;
        claim = await fresh(claim, io);
      }
    }
  });
}

/** Takes devices from a claim nobody uses, so that it can be allocated elsewhere. */
export async function deallocateClaim(
  ledger: ClaimLedger,
  key: string,
  io: Pick<ReservationIo, 'client'>,
): Promise<void> {
  await ledger.exclusively(key, async () => {
    const claim = ledger.claim(key);
    if (!claim?.status?.allocation) return;
    const next = { ...claim, status: {} };
    const options = { namespace: claim.metadata.namespace, subresource: 'status' };
    ledger.assume(await io.client.update(ResourceClaim, next, options));
  });
}

/** Deletes a claim that the scheduler made, its finalizer first. */
export async function deleteClaim(
  ledger: ClaimLedger,
  key: string,
  io: Pick<ReservationIo, 'client'>,
): Promise<void> {
  await ledger.exclusively(key, async () => {
    const claim = ledger.claim(key);
    if (!claim) return;
    const { name, namespace, uid } = claim.metadata;
    try {
      if (claim.metadata.finalizers?.includes(claimFinalizer)) {
        const found = await io.client.get(ResourceClaim, name, { namespace });
        const finalizers = (found.metadata.finalizers ?? []).filter((f) => f !== claimFinalizer);
        const next = { ...found, metadata: { ...found.metadata, finalizers } };
        await io.client.update(ResourceClaim, next, { namespace });
      }
      await io.client.delete(ResourceClaim, name, { namespace, preconditions: { uid } });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  });
}

async function fresh(claim: ResourceClaim, io: ReservationIo): Promise<ResourceClaim> {
  const { name, namespace, uid } = claim.metadata;
  const key = keyOf(claim);
  const found = await explained(`get updated claim ${key} after conflict`, () =>
    io.call(() => io.client.get(ResourceClaim, name, { namespace, signal: io.signal })),
  );
  if (found.metadata.uid !== uid) throw new Error(`claim ${key} got deleted in the meantime`);
  return found;
}

/** Says what was being done; conflicts go through as they are. */
async function explained<T>(doing: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if (isReason(error, 'Conflict')) throw error;
    throw new Error(`${doing}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
