/** NoExecute taints of allocated devices: from which slice or rule, and until when claims put up with them. */
import type { DeviceTaintRule, ResourceClaim, ResourceSlice } from '@coracle/machinery/api';
import type { Informer } from '@coracle/operator';
import { milliseconds } from '../lib/time.ts';

type Results = NonNullable<
  NonNullable<NonNullable<ResourceClaim['status']>['allocation']>['devices']
>['results'];
export type Result = NonNullable<Results>[number];
type Taint = NonNullable<NonNullable<ResourceSlice['spec']['devices']>[number]['taints']>[number];
type Toleration = NonNullable<Result['tolerations']>[number];

/** Slices by `driver/pool`. */
export const byPool = 'devices/pool';

export const poolKeyOf = ({ spec }: ResourceSlice): string => `${spec.driver}/${spec.pool.name}`;
export const resultsOf = (claim: ResourceClaim): readonly Result[] =>
  claim.status?.allocation?.devices?.results ?? [];

/** Whether the rule is about this device; a rule without a selector is about none. */
export function ruleMatches({ spec }: DeviceTaintRule, { driver, pool, device }: Result): boolean {
  const { deviceSelector: wanted } = spec;
  if (!wanted) return false;
  return (
    (wanted.driver === undefined || wanted.driver === driver) &&
    (wanted.pool === undefined || wanted.pool === pool) &&
    (wanted.device === undefined || wanted.device === device)
  );
}

function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  return toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
}

/** When a user of the device has to go because of this taint, in ms since 1970; Infinity: never. */
function endOf(taint: Taint, tolerations: readonly Toleration[] | undefined, now: number): number {
  const since = milliseconds(taint.timeAdded) ?? now;
  const fitting = (tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
  if (fitting.length === 0) return since;
  // Of several that fit, the shortest counts.
  return Math.min(
    ...fitting.map(({ tolerationSeconds }) =>
      tolerationSeconds === undefined
        ? Number.POSITIVE_INFINITY
        : since + Math.max(0, tolerationSeconds) * 1000,
    ),
  );
}

/** The taints of the device that end the pods on it. Slices of a pool's older generations do not count. */
function taintsOf(
  result: Result,
  slices: Informer<ResourceSlice>,
  rules: readonly DeviceTaintRule[],
): Taint[] {
  const pool = slices.byIndex(byPool, `${result.driver}/${result.pool}`);
  const newest = Math.max(...pool.map(({ spec }) => spec.pool.generation));
  const own = pool
    .filter(({ spec }) => spec.pool.generation === newest)
    .flatMap(({ spec }) => (spec.devices ?? []).find(({ name }) => name === result.device)?.taints ?? []);
  const ruled = rules.filter((rule) => ruleMatches(rule, result)).map(({ spec }) => spec.taint);
  return [...own, ...ruled].filter(({ effect }) => effect === 'NoExecute');
}

/** Whether users of the claim have to go, now or later, because of this rule, or would if it had the effect NoExecute. */
export function ruleEnds(rule: DeviceTaintRule, claim: ResourceClaim): boolean {
  const taint = { ...rule.spec.taint, effect: 'NoExecute' };
  return resultsOf(claim).some(
    (result) => ruleMatches(rule, result) && endOf(taint, result.tolerations, 0) !== Number.POSITIVE_INFINITY,
  );
}

/** When the users of the claim have to go, in ms since 1970; Infinity: never. */
export function claimEnd(
  claim: ResourceClaim,
  slices: Informer<ResourceSlice>,
  rules: readonly DeviceTaintRule[],
  now: number,
): number {
  let end = Number.POSITIVE_INFINITY;
  for (const result of resultsOf(claim))
    for (const taint of taintsOf(result, slices, rules))
      end = Math.min(end, endOf(taint, result.tolerations, now));
  return end;
}
