/** Deletes pods whose claims have devices with NoExecute taints (of slices, or of rules), each when its tolerations have run out. */
import { deepEqual, formatTime, isReason, keyOf } from '@coracle/machinery';
import { DeviceTaintRule, Pod, ResourceClaim, ResourceSlice } from '@coracle/machinery/api';
import { createController } from '@coracle/operator';
import type { Component } from '@coracle/operator';
import type { ComponentDeps } from '../deps.ts';
import { markDisrupted } from '../lib/disruption.ts';
import { byClaim, claimKeysOf, ensureClaimIndex } from './claim-indexes.ts';
import { byPool, claimEnd, poolKeyOf, resultsOf, ruleEnds, ruleMatches } from './device-taints.ts';
import { isDone } from './generated-claims.ts';
import { conditionOf, ruleCondition, rulePeriodMs, type RuleWork } from './rule-status.ts';

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
  /** Names of slices with NoExecute taints: mostly there are none, and then no pod needs a look. */
  const taintedSlices = new Set<string>();
  const isQuiet = (): boolean => taintedSlices.size === 0 && rules.list().length === 0;
  const isTainted = ({ spec }: ResourceSlice): boolean =>
    (spec.devices ?? []).some(({ taints }) => taints?.some(({ effect }) => effect === 'NoExecute'));
  /** When the pod is to be deleted, in ms since 1970; Infinity: never. */
  const evictionTime = (pod: Pod): number => {
    if (isQuiet()) return Number.POSITIVE_INFINITY;
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

  /** Pods evicted because of a rule, by its uid. */
  const evicted = new Map<string, number>();
  const claimsOf = (pod: Pod): ResourceClaim[] =>
    claimKeysOf(pod).flatMap((key) => {
      const claim = claims.byKey(key);
      return claim && isUsedBy(claim, pod) ? [claim] : [];
    });
  const countEvicted = (pod: Pod): void => {
    for (const rule of rules.list()) {
      if (rule.spec.taint.effect !== 'NoExecute' || !claimsOf(pod).some((claim) => ruleEnds(rule, claim)))
        continue;
      const { uid, name } = rule.metadata;
      evicted.set(uid, (evicted.get(uid) ?? 0) + 1);
      controller.queue.addAfter(`rule:${name}`, rulePeriodMs);
    }
  };
  const workOf = (rule: DeviceTaintRule): RuleWork => {
    const users = new Map<string, Pod>();
    let allocated = 0;
    for (const claim of claims.list()) {
      allocated += resultsOf(claim).filter((result) => ruleMatches(rule, result)).length;
      if (!ruleEnds(rule, claim)) continue;
      for (const pod of pods.byIndex(byClaim, keyOf(claim)))
        if (isUsedBy(claim, pod) && !isDone(pod) && pod.metadata.deletionTimestamp === undefined)
          users.set(pod.metadata.uid, pod);
    }
    const published = slices
      .list()
      .reduce(
        (sum, { spec }) =>
          sum +
          (spec.devices ?? []).filter(({ name }) =>
            ruleMatches(rule, { driver: spec.driver, pool: spec.pool.name, device: name, request: '' }),
          ).length,
        0,
      );
    return {
      pods: users.size,
      namespaces: new Set(users.values().map(({ metadata }) => metadata.namespace)).size,
      evicted: evicted.get(rule.metadata.uid) ?? 0,
      published,
      allocated,
    };
  };
  /** Brings the rule's status up to date, at most every ten seconds. */
  async function syncRule(
    rule: DeviceTaintRule | undefined,
  ): Promise<{ requeueAfterMs: number } | undefined> {
    if (!rule || rule.metadata.deletionTimestamp !== undefined) return undefined;
    const before = conditionOf(rule);
    const wait = before ? Date.parse(before.lastTransitionTime) + rulePeriodMs - clock.now() : 0;
    if (wait > 0 && before?.observedGeneration === (rule.metadata.generation ?? 0))
      return { requeueAfterMs: wait };
    const condition = ruleCondition(rule, workOf(rule), formatTime(clock.now()));
    if (condition === before) return undefined;
    const others = (rule.status?.conditions ?? []).filter((one) => one !== before);
    const { name, uid } = rule.metadata;
    try {
      await client.patch(
        DeviceTaintRule,
        name,
        'merge',
        { metadata: { uid }, status: { conditions: [...others, condition] } },
        { subresource: 'status' },
      );
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
    // Pods that are still there are counted again.
    return condition.status === 'True' ? { requeueAfterMs: rulePeriodMs } : undefined;
  }

  const controller = createController(deps, {
    name: 'device-taint-eviction-controller',
    workers: 8,
    waitFor: [pods, claims, slices, rules],
    async reconcile(key) {
      if (key.startsWith('rule:')) return syncRule(rules.byKey(key.slice('rule:'.length)));
      const pod = pods.byKey(key);
      const at = pod ? evictionTime(pod) : Number.POSITIVE_INFINITY;
      if (!pod || at === Number.POSITIVE_INFINITY) return undefined;
      if (at > clock.now()) return { requeueAfterMs: at - clock.now() };
      const { name, namespace, uid } = pod.metadata;
      recorder.event(pod, 'Normal', 'DeviceTaintManagerEviction', 'Marking for deletion');
      try {
        await markDisrupted(
          client,
          pod,
          'DeletionByDeviceTaintManager',
          'Device Taint manager: deleting due to NoExecute taint',
          formatTime(clock.now()),
        );
        countEvicted(pod);
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
    if (!isTainted(slice)) {
      taintedSlices.delete(slice.metadata.name);
      return;
    }
    taintedSlices.add(slice.metadata.name);
    for (const claim of claims.byIndex(claimsByPool, poolKeyOf(slice))) seeClaim(claim);
  };
  const seeRule = (rule: DeviceTaintRule): void => {
    if (conditionOf(rule)?.observedGeneration !== (rule.metadata.generation ?? 0))
      controller.queue.add(`rule:${rule.metadata.name}`);
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
      if (!isQuiet() && !deepEqual(before.status, claim.status)) seeClaim(claim);
    },
  });
  slices.on({
    add: seeSlice,
    update: (_, slice) => seeSlice(slice),
    delete: ({ metadata }) => void taintedSlices.delete(metadata.name),
  });
  rules.on({
    add: seeRule,
    update: (_, rule) => seeRule(rule),
    delete: ({ metadata }) => void evicted.delete(metadata.uid),
  });
  return controller;
}
