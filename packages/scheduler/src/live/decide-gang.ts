import {
  dominantMember,
  findGangPreemption,
  fitErrorMessage,
  placeGang,
  victimsLeaving,
  type Framework,
  type Gang,
  type GangDecision,
  type PlacedPod,
  type PodInfo,
  type Unit,
  type UnplacedMember,
  type VictimGroup,
} from '../core/index.ts';
import { gangKeyOf, minCountOf, placedCount, topologyOf, type GangState } from './gang-registry.ts';
import type { Shared } from './shared.ts';

/** Decides for a gang: binds all that it needs, makes room for it, or says why it must wait. */
export function decideGang(shared: Shared, unit: Unit, first: PodInfo, now: number): void {
  const { queue, status } = shared;
  const gang = shared.gangs.get(unit.key.slice('gang/'.length));
  const group = gang?.group;
  if (!gang || !group) {
    // Deleted since: the unit is not ready, so this holds it.
    queue.failed(unit, now, new Set());
    return;
  }
  const request: Gang = {
    pods: [...unit.pods.values()].sort((a, b) => b.priority - a.priority || (a.key < b.key ? -1 : 1)),
    minCount: minCountOf(group),
    scheduled: placedCount(gang),
    topology: topologyOf(group),
    nodes: [...gang.scheduled.values()],
  };
  const framework = shared.frameworkOf(first);
  const decision = placeGang(framework, request);
  if (decision.fits) {
    for (const { pod, nodeName, reservations } of decision.placed) {
      unit.pods.delete(pod.uid);
      shared.bind(pod, nodeName, reservations);
    }
    status.group(group, { scheduled: true, reason: 'Scheduled', message: '' });
    unit.urgent = false;
    if (unit.pods.size === 0) queue.drop(unit.key);
    else membersLeft(shared, unit, decision.unplaced, now);
  } else if (request.scheduled >= request.minCount) membersLeft(shared, unit, decision.unplaced, now);
  else gangFailed(shared, unit, gang, decision, makeRoom(shared, unit, framework, request), now);
}

/** The group runs; members beyond its minimum wait like any other pods. */
function membersLeft(shared: Shared, unit: Unit, unplaced: readonly UnplacedMember[], now: number): void {
  const plugins = new Set<string>();
  for (const { pod, diagnosis } of unplaced) {
    for (const plugin of diagnosis.plugins) plugins.add(plugin);
    const message = fitErrorMessage(diagnosis);
    shared.deps.recorder.event(pod.pod, 'Warning', 'FailedScheduling', message);
    shared.status.pod(pod.pod, { reason: 'Unschedulable', message });
  }
  shared.queue.failed(unit, now, plugins);
}

/** Evicts for the gang if that makes room for it. Answers whether room is being made. */
function makeRoom(shared: Shared, unit: Unit, framework: Framework, gang: Gang): boolean {
  const { nominations } = shared;
  if (shared.evicting(unit.key) || victimsLeaving(framework, gang)) return true;
  for (const pod of gang.pods) nominations.delete(pod.uid);
  if (gang.pods.some(({ pod }) => pod.spec?.preemptionPolicy === 'Never')) return false;
  const found = findGangPreemption(framework, gang, {
    budgets: shared.budgets(),
    group: (victim) => groupOf(shared, victim),
  });
  if (!found) return false;
  for (const { pod, nodeName } of found.placed) nominations.set(pod, nodeName);
  shared.evict(unit.key, gang.pods[0]!, undefined, found.victims);
  return true;
}

/** The gang the victim runs with, if it is not to be left with less than it needs. */
function groupOf({ gangs, snapshot }: Shared, victim: PlacedPod): VictimGroup | undefined {
  const key = gangKeyOf(victim.info.pod);
  const gang = key === undefined ? undefined : gangs.get(key);
  if (!gang?.group) return undefined;
  const pods = [...gang.scheduled.keys()].flatMap((uid) => snapshot.pod(uid) ?? []);
  const whole = gang.group.spec.disruptionMode === 'PodGroup';
  const surplus = whole ? 0 : Math.max(0, placedCount(gang) - minCountOf(gang.group));
  return { key: gang.key, pods, surplus };
}

/** One event and one condition for the group, in the words of the reason most of its members wait for. */
function gangFailed(
  shared: Shared,
  unit: Unit,
  gang: GangState,
  decision: GangDecision,
  preempting: boolean,
  now: number,
): void {
  const { queue, status, nominations, deps } = shared;
  const group = gang.group!;
  const member = dominantMember(decision);
  const why = member ? ` ${fitErrorMessage(member.diagnosis)}` : '';
  const found = `${decision.placed.length} of ${unit.pods.size} waiting pods can be placed`;
  const message = preempting
    ? `pod group is waiting for preemption to complete.${why}`
    : `pod group is unschedulable: minCount (${minCountOf(group)}) cannot be satisfied: ` +
      `${placedCount(gang)} scheduled, ${found}.${why}`;
  queue.failed(unit, now, member?.diagnosis.plugins ?? new Set());
  deps.recorder.event(group, 'Warning', 'FailedScheduling', message);
  status.group(group, { scheduled: false, reason: 'Unschedulable', message });
  for (const pod of unit.pods.values()) {
    const nominatedNodeName = nominations.nodeOf(pod.uid) ?? '';
    status.pod(pod.pod, { reason: 'Unschedulable', message, nominatedNodeName });
  }
}
