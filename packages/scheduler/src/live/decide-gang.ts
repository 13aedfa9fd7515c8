import {
  amounts,
  dominantMember,
  findingGangPreemption,
  findPreemption,
  fitErrorMessage,
  placingGang,
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
import { minCountOf, placedCount, type GangState } from './gang-registry.ts';
import type { Shared } from './shared.ts';

/** Members bound or written about in one step. */
const membersAStep = 8;
/** Members above the minimum that evict for themselves in one decision. */
const maxPreemptors = 32;

/**
 * Decides for a gang: binds all that it needs, makes room for it, or says why it must wait. In steps: a large gang takes
 * several slices, between which nothing else is decided and nothing else changes the snapshot.
 */
export function* decidingGang(
  shared: Shared,
  unit: Unit,
  first: PodInfo,
  now: number,
): Generator<void, void> {
  const { queue, status } = shared;
  const gang = shared.gangs.get(unit.key.slice('gang/'.length));
  if (!gang?.group) {
    // Deleted since: the unit is not ready, so this holds it.
    queue.failed(unit, now, new Set());
    return;
  }
  const other = otherScheduler(unit, first);
  if (other !== undefined) {
    schedulersDiffer(shared, unit, gang, first, other, now);
    return;
  }
  const request = requestOf(shared, gang, unit);
  const framework = shared.frameworkOf(first);
  const decision = yield* placingGang(framework, request);
  if (decision.fits) {
    let count = 0;
    for (const { pod, nodeName, reservations } of decision.placed) {
      unit.pods.delete(pod.uid);
      shared.bind(pod, nodeName, reservations);
      if (++count % membersAStep === 0) yield;
    }
    status.group(gang, { scheduled: true, reason: 'Scheduled', message: '' });
    unit.urgent = false;
    if (unit.pods.size === 0) queue.drop(unit.key);
    else yield* membersLeft(shared, unit, framework, decision.unplaced, now);
  } else if (request.scheduled >= request.minCount) {
    yield* membersLeft(shared, unit, framework, decision.unplaced, now);
  } else {
    const preempting = yield* makingRoom(shared, unit, framework, request);
    yield* gangFailed(shared, unit, gang, decision, preempting, now);
  }
}

/** What the core is asked. */
export function requestOf({ snapshot }: Shared, gang: GangState, unit: Unit): Gang {
  const spec = gang.spec!;
  const { taskOf } = gang.kind;
  const pods = [...unit.pods.values()].sort((a, b) => b.priority - a.priority || (a.key < b.key ? -1 : 1));
  // Part of it runs: what was asked for all at once is no longer to the point.
  const minResources = placedCount(gang) === 0 && spec.minResources ? amounts(spec.minResources) : [];
  return {
    pods,
    minCount: minCountOf(gang),
    scheduled: placedCount(gang),
    topology: spec.topology,
    nodes: [...gang.scheduled.values()],
    fewestNodes: spec.fewestNodes,
    minResources: [...minResources].map(([name, amount]) => [snapshot.dimensionOf(name), amount] as const),
    tasks:
      spec.minTasks && taskOf
        ? { needed: tasksNeeded(snapshot, gang, spec.minTasks, taskOf), of: ({ pod }) => taskOf(pod) }
        : undefined,
  };
}

/** Members each task still lacks. */
function tasksNeeded(
  snapshot: Shared['snapshot'],
  gang: GangState,
  minTasks: ReadonlyMap<string, number>,
  taskOf: NonNullable<GangState['kind']['taskOf']>,
): ReadonlyMap<string, number> {
  const needed = new Map(minTasks);
  for (const uid of gang.scheduled.keys()) {
    const placed = snapshot.pod(uid);
    const task = placed && taskOf(placed.info.pod);
    if (task !== undefined && needed.has(task)) needed.set(task, needed.get(task)! - 1);
  }
  return needed;
}

function otherScheduler(unit: Unit, first: PodInfo): string | undefined {
  const name = schedulerOf(first);
  for (const pod of unit.pods.values()) if (schedulerOf(pod) !== name) return schedulerOf(pod);
  return undefined;
}
function schedulerOf({ pod }: PodInfo): string {
  return pod.spec?.schedulerName || 'default-scheduler';
}

/** Members of two schedulers cannot be placed as one. */
function schedulersDiffer(
  { queue, status }: Shared,
  unit: Unit,
  gang: GangState,
  first: PodInfo,
  other: string,
  now: number,
): void {
  const message =
    'all pods in a single pod group should have the same .spec.schedulerName set, ' +
    `got: "${other}" and "${schedulerOf(first)}"`;
  queue.failed(unit, now, new Set());
  status.group(gang, { scheduled: false, reason: 'SchedulerError', message });
  for (const { pod } of unit.pods.values()) status.pod(pod, { reason: 'SchedulerError', message });
}

/** The group runs; members beyond its minimum wait like any other pods, and evict like them. */
function* membersLeft(
  shared: Shared,
  unit: Unit,
  framework: Framework,
  unplaced: readonly UnplacedMember[],
  now: number,
): Generator<void, void> {
  const { deps, queue, status } = shared;
  const plugins = new Set<string>();
  const busy = shared.evicting(unit.key);
  let count = 0;
  const first = unplaced[0];
  if (first) shared.repair(unit.key, first.pod);
  for (const { pod, diagnosis } of unplaced) {
    for (const plugin of diagnosis.plugins) plugins.add(plugin);
    let postFilter = '';
    if (!busy && count < maxPreemptors) postFilter = makeRoomFor(shared, unit, framework, pod, diagnosis);
    const message = fitErrorMessage(diagnosis, postFilter);
    deps.recorder.event(pod.pod, 'Warning', 'FailedScheduling', message);
    const nominatedNodeName = shared.nominations.nodeOf(pod.uid);
    status.pod(pod.pod, {
      reason: 'Unschedulable',
      message,
      ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }),
    });
    if (++count % membersAStep === 0) yield;
  }
  queue.failed(unit, now, plugins);
}

/** Evicts for one member. Answers what preemption has to say; '' if it makes room. */
function makeRoomFor(
  shared: Shared,
  unit: Unit,
  framework: Framework,
  pod: PodInfo,
  diagnosis: UnplacedMember['diagnosis'],
): string {
  const { nominations, deps } = shared;
  const found = findPreemption(framework, pod, diagnosis, {
    budgets: shared.budgets(),
    random: deps.random,
    group: (victim) => victimGroup(shared, victim),
  });
  if ('message' in found) {
    if (!found.message.includes('terminating')) nominations.delete(pod.uid);
    return found.message;
  }
  const { nodeName, pods } = found.victims;
  nominations.set(pod, nodeName);
  shared.evict(unit.key, pod, nodeName, pods);
  return '';
}

/** Evicts for the gang if that makes room for it. Answers whether room is being made. */
function* makingRoom(shared: Shared, unit: Unit, framework: Framework, gang: Gang): Generator<void, boolean> {
  const { nominations } = shared;
  if (shared.evicting(unit.key) || victimsLeaving(framework, gang)) return true;
  for (const pod of gang.pods) nominations.delete(pod.uid);
  if (gang.pods.some(({ pod }) => pod.spec?.preemptionPolicy === 'Never') || asksForMore(gang)) return false;
  const found = yield* findingGangPreemption(framework, gang, {
    budgets: shared.budgets(),
    group: (victim) => victimGroup(shared, victim),
  });
  if (!found) return false;
  for (const { pod, nodeName } of found.placed) nominations.set(pod, nodeName);
  if (found.victims.length > 0) shared.evict(unit.key, gang.pods[0]!, undefined, found.victims);
  return true;
}

/** True if `minResources` is more than the members take: making room for them would not let them in. */
function asksForMore({ pods, minResources = [] }: Gang): boolean {
  return minResources.some(([dimension, amount]) => {
    let taken = 0;
    for (const { dimensions, requests } of pods) taken += requests[dimensions.indexOf(dimension)] ?? 0;
    return taken < amount;
  });
}

/** The gang the victim runs with, if it is not to be left with less than it needs. */
export function victimGroup({ gangs, snapshot }: Shared, victim: PlacedPod): VictimGroup | undefined {
  // Asked of every pod of lower priority: mostly there are no groups at all.
  if (gangs.size === 0) return undefined;
  const key = gangs.keyOf(victim.info.pod);
  const gang = key === undefined ? undefined : gangs.get(key);
  if (!gang?.spec) return undefined;
  const { minCount, disruptWhole } = gang.spec;
  if (minCount <= 1 && !disruptWhole) return undefined;
  const pods = [...gang.scheduled.keys()].flatMap((uid) => snapshot.pod(uid) ?? []);
  return {
    key: gang.key,
    pods,
    min: disruptWhole ? Number.POSITIVE_INFINITY : minCount - gang.succeeded.size,
  };
}

/** One event and one condition for the group, in the words of the reason most of its members wait for. */
function* gangFailed(
  shared: Shared,
  unit: Unit,
  gang: GangState,
  decision: GangDecision,
  preempting: boolean,
  now: number,
): Generator<void, void> {
  const { queue, status, nominations, deps } = shared;
  const member = dominantMember(decision);
  const repairs = member && !preempting ? shared.repair(unit.key, member.pod) : [];
  const message = preempting
    ? 'pod group is waiting for preemption to complete'
    : `pod group is unschedulable: minCount (${minCountOf(gang)}) cannot be satisfied: ` +
      `${placedCount(gang)} scheduled, ${decision.placed.length} of ${unit.pods.size} waiting pods can be placed.` +
      [whyOf(decision, member), ...repairs.map((text) => ` ${text}`)].join('');
  queue.failed(unit, now, member?.diagnosis.plugins ?? new Set());
  deps.recorder.event(gang.group!, 'Warning', 'FailedScheduling', message);
  status.group(gang, { scheduled: false, reason: 'Unschedulable', message });
  let count = 0;
  for (const pod of unit.pods.values()) {
    const nominatedNodeName = nominations.nodeOf(pod.uid) ?? '';
    status.pod(pod.pod, { reason: 'Unschedulable', message, nominatedNodeName });
    if (++count % membersAStep === 0) yield;
  }
}

function whyOf({ rejection, domains }: GangDecision, member: UnplacedMember | undefined): string {
  if (rejection !== undefined) return ` ${rejection}.`;
  const why = member ? ` ${fitErrorMessage(member.diagnosis)}` : '';
  if (!domains) return why;
  const { keys, count, most } = domains;
  const key = keys.join(',');
  return count === 0
    ? ` No node has the label ${key}.`
    : ` ${count} domain(s) of ${key}: the largest room is for ${most} pod(s).${why}`;
}
