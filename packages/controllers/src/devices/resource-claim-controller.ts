/**
 * Makes the ResourceClaims of pods (and of groups of pods) from their templates, tells the pods which are theirs, and takes claims
 * back from pods that are done. Allocation is the scheduler's.
 */
import { isReason, keyOf } from '@coracle/machinery';
import { Pod, PodGroup, ResourceClaim, ResourceClaimTemplate } from '@coracle/machinery/api';
import type { PodResourceClaim } from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { OwnWrites } from '../lib/own-writes.ts';
import {
  addClaimIndexes,
  byClaim,
  byGroup,
  byOwner,
  byTemplate,
  claimKeysOf,
  groupKeyOf,
} from './claim-indexes.ts';
import {
  claimFrom,
  claimNameAnnotation,
  claimNameOf,
  isDone,
  isShared,
  ownerOf,
} from './generated-claims.ts';
import { ClaimRelease } from './release-claims.ts';

/** Users a claim can have. */
const maxUsers = 256;

export function resourceClaimController(deps: ComponentDeps): Component {
  const { client, recorder } = deps;
  const pods = deps.informers.informer(Pod);
  const groups = deps.informers.informer(PodGroup);
  const claims = deps.informers.informer(ResourceClaim);
  const templates = deps.informers.informer(ResourceClaimTemplate);
  addClaimIndexes(pods, groups, claims);
  const written = new OwnWrites(claims, deps.clock);
  const release = new ClaimRelease(client, pods, groups);

  const controller = createController(deps, {
    name: 'resource-claim-controller',
    workers: 16,
    waitFor: [pods, groups, claims, templates],
    async reconcile(job) {
      const colon = job.indexOf(':');
      const key = job.slice(colon + 1);
      switch (job.slice(0, colon)) {
        case 'pod':
          return syncPod(pods.byKey(key));
        case 'group':
          return syncGroup(groups.byKey(key));
        default: {
          const claim = claims.byKey(key);
          const newest = claim && written.newest(claim);
          if (newest) await release.release(newest);
        }
      }
    },
  });
  const { queue } = controller;

  /** The name of the claim that was made for this entry of the owner. */
  function madeFor({ metadata: { uid } }: Pod | PodGroup, { name }: PodResourceClaim): string | undefined {
    return written
      .list(claims.byIndex(byOwner, uid), uid)
      .find(
        ({ metadata }) =>
          metadata.annotations?.[claimNameAnnotation] === name && metadata.deletionTimestamp === undefined,
      )?.metadata.name;
  }
  /** The same, newly created if there is none. Only called in the owner's own turn: no two of them are made. */
  async function claimFor(owner: Pod | PodGroup, entry: PodResourceClaim): Promise<string> {
    const { namespace = '', uid } = owner.metadata;
    const { name, resourceClaimTemplateName = '' } = entry;
    try {
      const known = madeFor(owner, entry);
      if (known !== undefined) return known;
      const template = templates.get(resourceClaimTemplateName, namespace);
      if (!template)
        throw new Error(
          `resource claim template "${resourceClaimTemplateName}": resourceclaimtemplate.resource.k8s.io "${resourceClaimTemplateName}" not found`,
        );
      const created = await written.create(uid, () =>
        client.create(ResourceClaim, claimFrom(template, owner, name) as ResourceClaim, { namespace }),
      );
      return created.metadata.name;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      recorder.event(
        owner,
        'Warning',
        'FailedResourceClaimCreation',
        `${owner.kind}ResourceClaim ${name}: ${text}`,
      );
      throw error;
    }
  }
  /** The entry's claim is there and was made for this owner (or is a user's). */
  function isThere(pod: Pod, name: string, entry: PodResourceClaim, owner: Pod | PodGroup): boolean {
    const claim = claims.get(name, pod.metadata.namespace);
    if (claim === undefined)
      return written.list([], owner.metadata.uid).some((own) => own.metadata.name === name);
    return !entry.resourceClaimTemplateName || ownerOf(claim)?.uid === owner.metadata.uid;
  }

  async function syncPod(pod: Pod | undefined): Promise<void> {
    if (!pod || pod.metadata.deletionTimestamp !== undefined || isDone(pod)) return;
    const { namespace, name, uid } = pod.metadata;
    const groupKey = groupKeyOf(pod);
    const group = groupKey === undefined ? undefined : groups.byKey(groupKey);
    const statuses = new Map(
      (pod.status?.resourceClaimStatuses ?? []).map((status) => [status.name, status] as const),
    );
    let changed = false;
    for (const entry of pod.spec?.resourceClaims ?? []) {
      if (!entry.resourceClaimTemplateName) continue;
      const owner = group && isShared(group, entry) ? group : pod;
      const named = claimNameOf(pod, entry);
      if (named === '' || (named !== undefined && isThere(pod, named, entry, owner))) continue;
      // What the group shares is made in the group's turn; its status then brings the pod here again.
      const made = owner === group ? madeFor(group, entry) : await claimFor(owner, entry);
      if (made === undefined) queue.add(`group:${groupKey}`);
      if (made === undefined || made === named) continue;
      statuses.set(entry.name, { name: entry.name, resourceClaimName: made });
      changed = true;
    }
    if (changed) {
      try {
        await client.patch(
          Pod,
          name,
          'merge',
          { metadata: { uid }, status: { resourceClaimStatuses: [...statuses.values()] } },
          { namespace, subresource: 'status' },
        );
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
    }
    // Of pods that the scheduler places, it reserves the claims itself.
    if (pod.spec?.nodeName) await reserve(pod);
  }
  /** A pod that was put on its node by hand is a user of claims that are allocated already. */
  async function reserve(pod: Pod): Promise<void> {
    const { namespace = '', name, uid } = pod.metadata;
    for (const key of claimKeysOf(pod)) {
      const cached = claims.byKey(key);
      const claim = cached && written.newest(cached);
      const users = claim?.status?.reservedFor ?? [];
      if (!claim?.status?.allocation || !canReserve(pod, claim)) continue;
      written.wrote(
        await client.update(
          ResourceClaim,
          { ...claim, status: { ...claim.status, reservedFor: [...users, { resource: 'pods', name, uid }] } },
          { namespace, subresource: 'status' },
        ),
      );
    }
  }
  function canReserve(pod: Pod, claim: ResourceClaim): boolean {
    const users = claim.status?.reservedFor ?? [];
    const owner = ownerOf(claim);
    // Another's claim, or a group's: that one is reserved for the group as a whole.
    if (owner && owner.uid !== pod.metadata.uid) return false;
    return users.length < maxUsers && !users.some(({ uid }) => uid === pod.metadata.uid);
  }

  async function syncGroup(group: PodGroup | undefined): Promise<void> {
    if (!group || group.metadata.deletionTimestamp !== undefined) return;
    const { namespace, name, uid } = group.metadata;
    const before = group.status?.resourceClaimStatuses ?? [];
    const statuses = [];
    for (const entry of group.spec.resourceClaims ?? []) {
      if (!entry.resourceClaimTemplateName) continue;
      statuses.push({ name: entry.name, resourceClaimName: await claimFor(group, entry) });
    }
    const isKnown = statuses.every((status) =>
      before.some((old) => old.name === status.name && old.resourceClaimName === status.resourceClaimName),
    );
    if (isKnown) return;
    await client.patch(
      PodGroup,
      name,
      'merge',
      { metadata: { uid }, status: { resourceClaimStatuses: statuses } },
      { namespace, subresource: 'status' },
    );
  }

  const releaseFrom = (pod: Pod): void => {
    for (const key of claimKeysOf(pod)) queue.add(`claim:${key}`);
    // A claim that was made, and not yet told to the pod.
    for (const claim of claims.byIndex(byOwner, pod.metadata.uid)) queue.add(`claim:${keyOf(claim)}`);
  };
  const seePod = (pod: Pod): void => {
    if (!pod.spec?.resourceClaims?.length && !pod.status?.extendedResourceClaimStatus) return;
    if (isDone(pod)) releaseFrom(pod);
    else if (pod.metadata.deletionTimestamp === undefined && needsWork(pod)) queue.add(`pod:${keyOf(pod)}`);
  };
  /** Most events of a pod change nothing about its claims. */
  const needsWork = (pod: Pod): boolean => {
    const groupKey = groupKeyOf(pod);
    const group = groupKey === undefined ? undefined : groups.byKey(groupKey);
    return (pod.spec?.resourceClaims ?? []).some((entry) => {
      const name = claimNameOf(pod, entry);
      if (name === undefined) return true;
      if (name === '') return false;
      const owner = group && isShared(group, entry) ? group : pod;
      if (entry.resourceClaimTemplateName && !isThere(pod, name, entry, owner)) return true;
      const claim = pod.spec?.nodeName ? claims.get(name, pod.metadata.namespace) : undefined;
      return claim?.status?.allocation !== undefined && canReserve(pod, claim);
    });
  };
  const seeUsers = (claim: ResourceClaim): void => {
    for (const pod of pods.byIndex(byClaim, keyOf(claim))) seePod(pod);
  };
  const seeGroup = (group: PodGroup): void => {
    if (!group.spec.resourceClaims?.length) return;
    queue.add(`group:${keyOf(group)}`);
    for (const pod of pods.byIndex(byGroup, keyOf(group))) seePod(pod);
  };

  pods.on({
    add: seePod,
    update: (_, pod) => seePod(pod),
    delete(pod) {
      release.sawDelete(pod.metadata.uid);
      releaseFrom(pod);
    },
  });
  groups.on({
    add: seeGroup,
    update: (_, group) => seeGroup(group),
    delete(group) {
      release.sawDelete(group.metadata.uid);
      for (const claim of claims.byIndex(byOwner, group.metadata.uid)) queue.add(`claim:${keyOf(claim)}`);
    },
  });
  claims.on({
    add(claim) {
      if (release.concerns(claim)) queue.add(`claim:${keyOf(claim)}`);
      seeUsers(claim);
    },
    update(before, claim) {
      if (release.concerns(claim)) queue.add(`claim:${keyOf(claim)}`);
      if (before.status?.allocation !== claim.status?.allocation) seeUsers(claim);
    },
    delete: seeUsers,
  });
  templates.on({
    add(template) {
      const key = keyOf(template);
      for (const pod of pods.byIndex(byTemplate, key)) seePod(pod);
      for (const group of groups.byIndex(byTemplate, key)) seeGroup(group);
    },
  });
  return controller;
}
