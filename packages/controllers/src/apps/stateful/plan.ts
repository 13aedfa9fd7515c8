/** A StatefulSet as a function: the pods to make or remove next, one at a time unless it asks for all at once. */
import type { Pod, StatefulSet, apps_v1 } from '@coracle/machinery/api';
import { isReady, isTerminal } from '../../lib/pods.ts';
import { availableAt } from '../replicas.ts';
import { revisionLabel } from '../revisions.ts';
import { ordinalOf } from './identity.ts';

export interface StatefulView {
  set: StatefulSet;
  /** Those it controls. */
  pods: readonly Pod[];
  /** Names of the revisions before and after the update under way; equal when there is none. */
  currentRevision: string;
  updateRevision: string;
  now: number;
}
export interface StatefulPlan {
  create: { ordinal: number; revision: string }[];
  remove: Pod[];
  /** When a pod becomes available by time alone, in ms since 1970. */
  again?: number | undefined;
}

const isDeleting = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;

export function planStatefulSet(view: StatefulView): StatefulPlan {
  const { set, pods, now } = view;
  const plan: StatefulPlan = { create: [], remove: [] };
  if (set.metadata.deletionTimestamp !== undefined) return plan;
  const first = set.spec?.ordinals?.start ?? 0;
  const end = first + (set.spec?.replicas ?? 1);
  const ordered = (set.spec?.podManagementPolicy ?? 'OrderedReady') === 'OrderedReady';
  const partition = set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0;
  const seconds = set.spec?.minReadySeconds ?? 0;
  const byOrdinal = new Map<number, Pod>();
  const beyond: { ordinal: number; pod: Pod }[] = [];
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal === undefined) continue;
    if (ordinal >= first && ordinal < end) byOrdinal.set(ordinal, pod);
    else beyond.push({ ordinal, pod });
  }
  const isHealthy = (pod: Pod | undefined): boolean => {
    if (!pod || isDeleting(pod) || pod.status?.phase !== 'Running' || !isReady(pod)) return false;
    const at = availableAt(pod, seconds) ?? 0;
    if (at > now) plan.again = Math.min(plan.again ?? at, at);
    return at <= now;
  };

  for (let ordinal = first; ordinal < end; ordinal += 1) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) {
      // Below the partition pods stay as they were before the update.
      const old = ordinal - first < partition;
      plan.create.push({ ordinal, revision: old ? view.currentRevision : view.updateRevision });
    } else if (isTerminal(pod) && !isDeleting(pod)) plan.remove.push(pod);
    if (ordered && (plan.create.length + plan.remove.length > 0 || !isHealthy(pod))) return plan;
  }
  // Scaling down: the highest first, and in order only while those that stay are well.
  for (const { pod } of beyond.toSorted((a, b) => b.ordinal - a.ordinal)) {
    if (!isDeleting(pod)) plan.remove.push(pod);
    if (ordered) return plan;
  }
  if (plan.create.length + plan.remove.length > 0) return plan;
  if ((set.spec?.updateStrategy?.type ?? 'RollingUpdate') !== 'RollingUpdate') return plan;
  for (let ordinal = end - 1; ordinal >= first + partition; ordinal -= 1) {
    const pod = byOrdinal.get(ordinal);
    if (!pod) return plan;
    if (pod.metadata.labels?.[revisionLabel] !== view.updateRevision && !isDeleting(pod)) {
      plan.remove.push(pod);
      return plan;
    }
    if (!isHealthy(pod)) return plan;
  }
  return plan;
}

export function statefulStatus(view: StatefulView): apps_v1.StatefulSetStatus {
  const { set, pods, now, currentRevision, updateRevision } = view;
  const counts = {
    replicas: 0,
    readyReplicas: 0,
    availableReplicas: 0,
    currentReplicas: 0,
    updatedReplicas: 0,
  };
  for (const pod of pods) {
    if (ordinalOf(set, pod) === undefined) continue;
    counts.replicas += 1;
    if (pod.status?.phase === 'Running' && isReady(pod)) {
      counts.readyReplicas += 1;
      const at = availableAt(pod, set.spec?.minReadySeconds ?? 0);
      if (at !== undefined && at <= now) counts.availableReplicas += 1;
    }
    if (isDeleting(pod)) continue;
    const revision = pod.metadata.labels?.[revisionLabel];
    if (revision === currentRevision) counts.currentReplicas += 1;
    if (revision === updateRevision) counts.updatedReplicas += 1;
  }
  // An update is over when every pod is of it and ready.
  const { replicas, updatedReplicas, readyReplicas } = counts;
  const over =
    (set.spec?.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate' &&
    updatedReplicas === replicas &&
    readyReplicas === replicas;
  return {
    ...counts,
    ...(over ? { currentReplicas: updatedReplicas } : {}),
    currentRevision: over ? updateRevision : currentRevision,
    updateRevision,
    observedGeneration: set.metadata.generation,
    collisionCount: set.status?.collisionCount ?? 0,
    ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
  };
}
