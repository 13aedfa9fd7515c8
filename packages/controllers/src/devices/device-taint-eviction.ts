/** Deletes pods whose claims have devices with NoExecute taints (of slices, or of rules), each when its tolerations have run out. */
import { deepEqual, formatTime, isReason, keyOf } from '@coracle/machinery';
import { DeviceTaintRule, Pod, ResourceClaim, ResourceSlice } from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { withDisruption } from '../lib/disruption.ts';
import { byClaim, claimKeysOf, ensureClaimIndex } from './claim-indexes.ts';
import { byPool, claimEnd, poolKeyOf, resultsOf, ruleMatches } from './device-taints.ts';
import { isDone } from './generated-claims.ts';

/** Allocated claims by `driver/pool` of their devices. */
const claimsByPool = 'devices/allocated-pool';

export function deviceTaintEvictionController(deps: ComponentDeps): Component {
  const { client, clock, recorder } = deps;
  const pods = deps.informers.informer(Pod);
  const claims = deps.informers.informer(ResourceClaim);
  const slices = deps.informers.informer(ResourceSlice);
  const rules = deps.informers.informer(DeviceTaintRule);
  ensureClaimIndex(pods);
  slices.addIndex(byPool, (slice) => [poolKeyOf(slice)]);
  claims.addIndex(claimsByPool, (claim) => [
    ...new Set(resultsOf(claim).map(({ driver, pool }) => `${driver}/${pool}`)),
  ]);

  const isUsedBy = (claim: ResourceClaim, pod: Pod): boolean =>
    (claim.status?.reservedFor ?? []).some(
      ({ uid, resource, name }) =>
        uid === pod.metadata.uid ||
        (resource === 'podgroups' && name === pod.spec?.schedulingGroup?.podGroupName),
    );
  /** When the pod is to be deleted, in ms since 1970; Infinity: never. */
  const evictionTime = (pod: Pod): number => {
    if (!pod.spec?.nodeName || pod.metadata.deletionTimestamp !== undefined || isDone(pod))
      return Number.POSITIVE_INFINITY;
    const evicting = rules.list().filter(({ spec }) => spec.taint.effect === 'NoExecute');
    const ends = claimKeysOf(pod).map((key) => {
      const claim = claims.byKey(key);
      return claim && isUsedBy(claim, pod)
        ? claimEnd(claim, slices, evicting, clock.now())
        : Number.POSITIVE_INFINITY;
    });
    return Math.min(Number.POSITIVE_INFINITY, ...ends);
  };

  const controller = createController(deps, {
    name: 'device-taint-eviction-controller',
    workers: 8,
    waitFor: [pods, claims, slices, rules],
    async reconcile(key) {
      const pod = pods.byKey(key);
      const at = pod ? evictionTime(pod) : Number.POSITIVE_INFINITY;
      if (!pod || at === Number.POSITIVE_INFINITY) return undefined;
      if (at > clock.now()) return { requeueAfterMs: at - clock.now() };
      const { name, namespace, uid, resourceVersion } = pod.metadata;
      recorder.event(pod, 'Normal', 'DeviceTaintManagerEviction', 'Marking for deletion');
      const conditions = withDisruption(
        pod,
        'DeletionByDeviceTaintManager',
        'Device Taint manager: deleting due to NoExecute taint',
        formatTime(clock.now()),
      );
      try {
        await client.patch(
          Pod,
          name,
          'merge',
          { metadata: { uid, resourceVersion }, status: { conditions } },
          { namespace, subresource: 'status' },
        );
        await client.delete(Pod, name, { namespace, preconditions: { uid } });
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error;
      }
      return undefined;
    },
  });

  const seePod = (pod: Pod): void => {
    if (evictionTime(pod) !== Number.POSITIVE_INFINITY) controller.queue.add(keyOf(pod));
  };
  const seeClaim = (claim: ResourceClaim): void => {
    for (const pod of pods.byIndex(byClaim, keyOf(claim))) seePod(pod);
  };
  const seeSlice = (slice: ResourceSlice): void => {
    if (
      !(slice.spec.devices ?? []).some(({ taints }) => taints?.some(({ effect }) => effect === 'NoExecute'))
    )
      return;
    for (const claim of claims.byIndex(claimsByPool, poolKeyOf(slice))) seeClaim(claim);
  };
  const seeRule = (rule: DeviceTaintRule): void => {
    if (rule.spec.taint.effect !== 'NoExecute') return;
    const { driver, pool } = rule.spec.deviceSelector ?? {};
    const candidates =
      driver !== undefined && pool !== undefined
        ? claims.byIndex(claimsByPool, `${driver}/${pool}`)
        : claims.list();
    for (const claim of candidates)
      if (resultsOf(claim).some((result) => ruleMatches(rule, result))) seeClaim(claim);
  };
  pods.on({
    add: seePod,
    update(before, pod) {
      if (
        before.spec?.nodeName !== pod.spec?.nodeName ||
        before.status?.resourceClaimStatuses !== pod.status?.resourceClaimStatuses
      )
        seePod(pod);
    },
  });
  claims.on({
    add: seeClaim,
    update(before, claim) {
      if (!deepEqual(before.status, claim.status)) seeClaim(claim);
    },
  });
  slices.on({ add: seeSlice, update: (_, slice) => seeSlice(slice) });
  rules.on({ add: seeRule, update: (_, rule) => seeRule(rule) });
  return controller;
}
