/**
 * The roll-out of a Deployment as a function: the next writes to its ReplicaSets. Asked again when they are done and whenever
 * pods become available, until it has none.
 */
import type { Draft } from '@coracle/machinery';
import type { Deployment, ReplicaSet } from '@coracle/machinery/api';
import { isRolling, rolloutLimits, wantedReplicas } from './limits.ts';
import {
  availableOf,
  byAge,
  copiedAnnotations,
  desiredKey,
  findNewSet,
  maxKey,
  newSet,
  replicasOf,
  revisionKey,
  revisionOf,
  sum,
} from './replica-sets.ts';

export interface RolloutView {
  deployment: Deployment;
  /** All sets it owns. */
  sets: readonly ReplicaSet[];
  /** Pods of sets other than the new one that may still run. */
  oldPodsRunning: boolean;
}
interface SetChange {
  set: ReplicaSet;
  replicas: number;
  annotations: Record<string, string>;
}
export interface RolloutPlan {
  create?: Draft<ReplicaSet>;
  change: SetChange[];
  /** Old sets beyond the history kept. */
  remove: ReplicaSet[];
  /** The Deployment's own revision annotation, when it is to change. */
  revision?: string;
}

export function planRollout({ deployment, sets, oldPodsRunning }: RolloutView): RolloutPlan {
  const plan: RolloutPlan = { change: [], remove: [] };
  if (deployment.metadata.deletionTimestamp !== undefined) return plan;
  const fresh = findNewSet(deployment, sets);
  const old = sets.filter((set) => set !== fresh).toSorted(byAge);
  if (deployment.spec?.paused || (isRolling(deployment) && isScaling(deployment, sets))) {
    plan.change = scaleProportionally(deployment, fresh, old);
    return plan;
  }
  // Recreate: nothing new before everything old is gone.
  if (!isRolling(deployment)) {
    plan.change = old.filter((set) => replicasOf(set) > 0).map((set) => scaleTo(deployment, set, 0));
    if (plan.change.length > 0 || oldPodsRunning) return plan;
  }
  const revision = Math.max(0, ...old.map(revisionOf)) + 1;
  if (!fresh) {
    plan.create = newSet(deployment, revision);
    return plan;
  }
  const marked = withRevision(deployment, fresh, revision);
  if (marked) {
    plan.change = [{ set: fresh, replicas: replicasOf(fresh), annotations: marked }];
    return plan;
  }
  const wanted = `${revisionOf(fresh)}`;
  if (deployment.metadata.annotations?.[revisionKey] !== wanted) plan.revision = wanted;
  const next = newReplicas(deployment, fresh, [...old, fresh]);
  if (next !== replicasOf(fresh)) {
    plan.change = [scaleTo(deployment, fresh, next)];
    return plan;
  }
  plan.change = isRolling(deployment) ? scaleDownOld(deployment, fresh, old) : [];
  if (plan.change.length === 0 && isComplete(deployment, fresh, old))
    plan.remove = beyondHistory(deployment, old);
  return plan;
}

/** Has somebody changed spec.replicas since the sets were last scaled? */
function isScaling(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets.some((set) => {
    const desired = set.metadata.annotations?.[desiredKey];
    return replicasOf(set) > 0 && desired !== undefined && Number(desired) !== wantedReplicas(deployment);
  });
}

function sizes(deployment: Deployment): Record<string, string> {
  const replicas = wantedReplicas(deployment);
  return { [desiredKey]: `${replicas}`, [maxKey]: `${replicas + rolloutLimits(deployment).surge}` };
}
function scaleTo(deployment: Deployment, set: ReplicaSet, replicas: number): SetChange {
  return { set, replicas, annotations: { ...set.metadata.annotations, ...sizes(deployment) } };
}

/** Annotations of the new set with its revision and what it takes from the Deployment; undefined: they are right. */
function withRevision(
  deployment: Deployment,
  fresh: ReplicaSet,
  revision: number,
): Record<string, string> | undefined {
  const before = fresh.metadata.annotations ?? {};
  const after: Record<string, string> = { ...before, ...copiedAnnotations(deployment) };
  const known = revisionOf(fresh);
  if (known < revision) {
    after[revisionKey] = `${revision}`;
    if (known > 0) {
      const history = before['deployment.kubernetes.io/revision-history'];
      after['deployment.kubernetes.io/revision-history'] = history ? `${history},${known}` : `${known}`;
    }
  }
  return Object.keys(after).some((key) => after[key] !== before[key]) ? after : undefined;
}

function newReplicas(deployment: Deployment, fresh: ReplicaSet, all: readonly ReplicaSet[]): number {
  const wanted = wantedReplicas(deployment);
  const now = replicasOf(fresh);
  if (now >= wanted || !isRolling(deployment)) return wanted;
  const room = wanted + rolloutLimits(deployment).surge - sum(all, replicasOf);
  return room <= 0 ? now : now + Math.min(room, wanted - now);
}

/** Old sets give way as the new one's pods become available: pods that do not work first, then the oldest. */
function scaleDownOld(deployment: Deployment, fresh: ReplicaSet, old: readonly ReplicaSet[]): SetChange[] {
  const least = wantedReplicas(deployment) - rolloutLimits(deployment).unavailable;
  const all = [...old, fresh];
  const freshUnavailable = replicasOf(fresh) - availableOf(fresh);
  let room = sum(all, replicasOf) - least - freshUnavailable;
  if (room <= 0) return [];
  const target = new Map(old.map((set) => [set, replicasOf(set)]));
  for (const set of old) {
    const cut = Math.min(room, Math.max(0, replicasOf(set) - availableOf(set)));
    target.set(set, replicasOf(set) - cut);
    room -= cut;
  }
  let spare = sum(all, availableOf) - least;
  for (const set of old) {
    const left = target.get(set) ?? 0;
    const cut = Math.max(0, Math.min(spare, left));
    target.set(set, left - cut);
    spare -= cut;
  }
  return old
    .filter((set) => target.get(set) !== replicasOf(set))
    .map((set) => scaleTo(deployment, set, target.get(set) ?? 0));
}

/** A change of spec.replicas in the middle of a roll-out is shared out among the sets by their size. */
function scaleProportionally(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): SetChange[] {
  const wanted = wantedReplicas(deployment);
  const all = fresh ? [...old, fresh] : [...old];
  const active = all.filter((set) => replicasOf(set) > 0);
  const changed = (list: SetChange[]): SetChange[] =>
    list.filter(
      ({ set, replicas, annotations }) =>
        replicas !== replicasOf(set) ||
        (replicas > 0 && annotations[desiredKey] !== set.metadata.annotations?.[desiredKey]),
    );
  if (active.length <= 1) {
    const only = active[0] ?? fresh ?? old.at(-1);
    return only ? changed([scaleTo(deployment, only, wanted)]) : [];
  }
  const saturated = fresh && replicasOf(fresh) === wanted && availableOf(fresh) === wanted;
  if (saturated && Number(fresh.metadata.annotations?.[desiredKey]) === wanted) {
    return changed(old.filter((set) => replicasOf(set) > 0).map((set) => scaleTo(deployment, set, 0)));
  }
  if (!isRolling(deployment)) return [];
  const allowed = wanted > 0 ? wanted + rolloutLimits(deployment).surge : 0;
  const toAdd = allowed - sum(active, replicasOf);
  const ordered = active.toSorted(
    (a, b) => replicasOf(b) - replicasOf(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b)),
  );
  let added = 0;
  const changes = ordered.map((set) => {
    const share = shareOf(deployment, set, allowed, toAdd, added);
    added += share;
    return scaleTo(deployment, set, replicasOf(set) + share);
  });
  const first = changes[0];
  if (first) first.replicas = Math.max(0, first.replicas + toAdd - added);
  return changed(changes);
}

function shareOf(
  deployment: Deployment,
  set: ReplicaSet,
  allowed: number,
  toAdd: number,
  added: number,
): number {
  if (toAdd === 0 || toAdd === added) return 0;
  const before = Number(set.metadata.annotations?.[maxKey] ?? deployment.status?.replicas ?? 0);
  const size = replicasOf(set);
  const fraction = before > 0 ? Math.round((size * allowed) / before) - size : -size;
  return toAdd > 0 ? Math.min(fraction, toAdd - added) : Math.max(fraction, toAdd - added);
}

/** All pods are of the new template, available, and no old ones are left. */
function isComplete(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): boolean {
  const wanted = wantedReplicas(deployment);
  return (
    fresh !== undefined &&
    (fresh.status?.replicas ?? 0) === wanted &&
    availableOf(fresh) === wanted &&
    old.every((set) => replicasOf(set) === 0 && (set.status?.replicas ?? 0) === 0)
  );
}

function beyondHistory(deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet[] {
  const kept = deployment.spec?.revisionHistoryLimit ?? 10;
  const alive = old.filter((set) => set.metadata.deletionTimestamp === undefined);
  return alive
    .toSorted((a, b) => revisionOf(a) - revisionOf(b))
    .slice(0, Math.max(0, alive.length - kept))
    .filter(
      (set) =>
        (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? set.metadata.generation ?? 0),
    );
}
