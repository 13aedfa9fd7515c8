/**
 * Gives claims back: consumers that are gone or done no longer count, and with the last of them the allocation goes, then the
 * finalizer, then (if it was made for a pod that is done) the claim itself.
 */
import type { Client } from '@coracle/client';
import { isReason } from '@coracle/machinery';
import { Pod, PodGroup, ResourceClaim } from '@coracle/machinery/api';
import type { Informer } from '@coracle/operator';
import { removeFinalizer } from '../lib/finalizers.ts';
import { isDone, ownerOf, protectionFinalizer } from './generated-claims.ts';

type Consumer = NonNullable<NonNullable<ResourceClaim['status']>['reservedFor']>[number];

/** How many uids of deleted pods are remembered, so that each need not be asked after. */
const maxDeleted = 1_000;

export class ClaimRelease {
  readonly #client: Client;
  readonly #pods: Informer<Pod>;
  readonly #groups: Informer<PodGroup>;
  /** Uids of pods and groups that the caches have seen go, the oldest first. */
  readonly #deleted = new Set<string>();

  constructor(client: Client, pods: Informer<Pod>, groups: Informer<PodGroup>) {
    this.#client = client;
    this.#pods = pods;
    this.#groups = groups;
  }

  sawDelete(uid: string): void {
    this.#deleted.add(uid);
    if (this.#deleted.size <= maxDeleted) return;
    for (const oldest of this.#deleted) {
      this.#deleted.delete(oldest);
      break;
    }
  }

  /** Whether there may be something to give back, as far as the caches know. */
  concerns(claim: ResourceClaim): boolean {
    const reserved = claim.status?.reservedFor ?? [];
    if (claim.metadata.deletionTimestamp !== undefined) return reserved.length === 0 || this.#hasGone(claim);
    return reserved.length > 0 ? this.#hasGone(claim) : this.#ownerIsDone(claim);
  }
  #hasGone(claim: ResourceClaim): boolean {
    const { namespace = '' } = claim.metadata;
    return (claim.status?.reservedFor ?? []).some((consumer) => this.#known(consumer, namespace) !== true);
  }

  /** Whether it still uses its claims: undefined if the caches cannot tell (perhaps it is newer than they are). */
  #known(consumer: Consumer, namespace: string): boolean | undefined {
    if (this.#deleted.has(consumer.uid)) return false;
    if (isPods(consumer)) {
      const pod = this.#pods.get(consumer.name, namespace);
      return pod && pod.metadata.uid === consumer.uid && !isDone(pod);
    }
    if (!isGroups(consumer)) return true;
    const group = this.#groups.get(consumer.name, namespace);
    return group && group.metadata.uid === consumer.uid;
  }
  async #isUser(consumer: Consumer, namespace: string): Promise<boolean> {
    const known = this.#known(consumer, namespace);
    if (known !== undefined) return known;
    // To take a claim from a pod that is being scheduled would be bad: be sure.
    try {
      const { name, uid } = consumer;
      const live = isPods(consumer)
        ? await this.#client.get(Pod, name, { namespace })
        : await this.#client.get(PodGroup, name, { namespace });
      return live.metadata.uid === uid && !(live.kind === 'Pod' && isDone(live as Pod));
    } catch (error) {
      if (isReason(error, 'NotFound')) return false;
      throw error;
    }
  }
  #ownerIsDone(claim: ResourceClaim): boolean {
    const owner = ownerOf(claim);
    if (owner?.kind !== 'Pod') return false;
    const pod = this.#pods.get(owner.name, claim.metadata.namespace);
    // A pod that is not there is the garbage collector's business: it may only be not there yet.
    return pod !== undefined && (pod.metadata.uid !== owner.uid || isDone(pod));
  }

  async release(claim: ResourceClaim): Promise<void> {
    const { namespace = '', name, uid } = claim.metadata;
    const reserved = claim.status?.reservedFor ?? [];
    const users: Consumer[] = [];
    for (const consumer of reserved) if (await this.#isUser(consumer, namespace)) users.push(consumer);
    let current = claim;
    const isProtected = (): boolean => current.metadata.finalizers?.includes(protectionFinalizer) === true;
    const deleted = claim.metadata.deletionTimestamp !== undefined;
    // A claim that is only allocated, with no user yet, keeps what it has unless it is being deleted.
    if (users.length < reserved.length || (deleted && users.length === 0 && claim.status?.allocation)) {
      const { allocation, reservedFor: _, ...rest } = claim.status ?? {};
      const status = {
        ...rest,
        ...(users.length > 0 ? { reservedFor: users } : {}),
        ...(allocation && (users.length > 0 || !isProtected()) ? { allocation } : {}),
      };
      // An update, so that it fails if the scheduler has written in between.
      current = await this.#client.update(
        ResourceClaim,
        { ...claim, status },
        { namespace, subresource: 'status' },
      );
    }
    if (users.length > 0) return;
    if (isProtected() && !current.status?.allocation && (deleted || reserved.length > 0)) {
      const left = await removeFinalizer(this.#client, ResourceClaim, current, protectionFinalizer);
      if (!left) return;
    }
    if (deleted || !this.#ownerIsDone(claim)) return;
    try {
      await this.#client.delete(ResourceClaim, name, { namespace, preconditions: { uid } });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
}

const isPods = ({ apiGroup, resource }: Consumer): boolean => !apiGroup && resource === 'pods';
const isGroups = ({ apiGroup, resource }: Consumer): boolean =>
  apiGroup === 'scheduling.k8s.io' && resource === 'podgroups';
