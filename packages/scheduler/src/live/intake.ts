/**
 * What the API server says, turned into the snapshot and the queue. Level-triggered: each event is compared with what is
 * known and may come late, twice, or after a restart.
 *
 * A pod of ours is, at any time, in exactly one of these: in the queue (it needs a node), assumed (decided, binding under
 * way), placed (the API server says it has a node), or unknown (finished, deleted, on its way out before it had a node).
 */
import { deepEqual, type KubeObject } from '@coracle/machinery';
import type { Node, Pod, PriorityClass } from '@coracle/machinery/api';
import type { Gate, Nominations, PodInfo, SchedulingQueue, Snapshot, Unit } from '../core/index.ts';
import { nodeMatters, sameHold, sameWish } from './compare.ts';
import { minCountOf, placedCount, type GangRegistry, type GangState } from './gang-registry.ts';
import type { GroupKind } from './group-kinds/index.ts';

export interface IntakeState {
  readonly snapshot: Snapshot;
  readonly queue: SchedulingQueue;
  readonly gangs: GangRegistry;
  readonly nominations: Nominations;
  /** Decided pods whose binding the API server has not shown yet: uid -> node. */
  readonly assumed: Map<string, string>;
}

export interface IntakeOptions {
  /** `spec.schedulerName`s that are ours. */
  readonly schedulerNames: ReadonlySet<string>;
  readonly now: () => number;
  priorityClass(name: string): PriorityClass | undefined;
  /** The class with `globalDefault`. */
  defaultPriorityClass(): PriorityClass | undefined;
  /** A node changed for the better, or a pod left it: pods that fit nowhere may fit there now. */
  rowChanged(row: number): void;
  /** Pods may wait for room on a node that is gone. */
  nodeGone(name: string): void;
  /** A pod has a node now, or other labels. */
  podCame(): void;
  /** A pod that used claims has left its node. */
  volumesFreed(pod: PodInfo): void;
  /** Why the pod need not be tried yet. Undefined: it may be. */
  gate(pod: Pod): Gate | undefined;
  /** There may be something to decide. */
  poke(): void;
  /** The group's pods wait for more members, or for the group itself. */
  gangHeld(key: string): void;
  /** What the group's status counts has changed. */
  gangCounted(gang: GangState): void;
  /** The pod has a node, or needs none any more. */
  settled(uid: string): void;
}

export class Intake {
  readonly #state: IntakeState;
  readonly #options: IntakeOptions;
  /** Unit of each pod in the queue, by uid. */
  readonly #unitOf = new Map<string, string>();
  /** Pods that plugins keep out of the queue, by uid. */
  readonly #gated = new Map<string, { readonly pod: Pod; readonly gate: Gate }>();
  /** Those that wait for a key, by key: uids. */
  readonly #gatedBy = new Map<string, Set<string>>();

  constructor(state: IntakeState, options: IntakeOptions) {
    this.#state = state;
    this.#options = options;
  }

  nodeChanged(before: Node | undefined, node: Node): void {
    if (before && !nodeMatters(before, node)) return;
    this.#options.rowChanged(this.#state.snapshot.setNode(node));
    this.#options.poke();
  }

  nodeRemoved(node: Node): void {
    this.#state.snapshot.removeNode(node.metadata.name);
    this.#options.nodeGone(node.metadata.name);
    this.#options.poke();
  }

  podChanged(before: Pod | undefined, pod: Pod): void {
    if (before && before.metadata.uid !== pod.metadata.uid) this.podRemoved(before);
    const phase = pod.status?.phase;
    if (phase === 'Succeeded') this.#podSucceeded(pod);
    else if (phase === 'Failed') this.#leave(pod);
    else if (pod.spec?.nodeName) this.#podPlaced(before, pod, pod.spec.nodeName);
    else if (!this.#isOurs(pod)) return;
    else if (pod.metadata.deletionTimestamp) this.podRemoved(pod);
    else if (!this.#state.assumed.has(pod.metadata.uid)) this.#podWaits(before, pod);
    const gone = pod.metadata.deletionTimestamp !== undefined && !pod.spec?.nodeName;
    this.#countMember(pod, gone);
  }

  podRemoved(pod: Pod): void {
    this.#leave(pod);
    this.#countMember(pod, true);
  }

  /** Notes how far the pod has come, for groups whose status says so. */
  #countMember(pod: Pod, gone: boolean): void {
    const { gangs } = this.#state;
    const key = gangs.keyOf(pod);
    const gang = key === undefined || gone ? key && gangs.get(key) : gangs.ofPod(pod);
    if (!gang || !gang.kind.counts) return;
    gang.ours ||= this.#isOurs(pod);
    const { uid, namespace, ownerReferences } = pod.metadata;
    const phase = pod.status?.phase ?? 'Pending';
    const known = gang.members.get(uid);
    if (gone ? known === undefined : known?.phase === phase) return;
    if (gone) gang.members.delete(uid);
    else {
      const owners = (ownerReferences ?? []).map(({ name }) => `${namespace ?? ''}/${name}`);
      gang.members.set(uid, { phase, owners });
    }
    this.#counted(gang);
    gangs.close(gang.key);
  }

  /** The group's status may have changed; if that is ours to say. */
  #counted(gang: GangState): void {
    if (!gang.kind.counts) return;
    if (gang.ours || this.#options.schedulerNames.has(gang.kind.schedulerName))
      this.#options.gangCounted(gang);
  }

  /** The pod needs no node any more. */
  #leave(pod: Pod): void {
    const { snapshot, gangs, assumed, nominations } = this.#state;
    const { uid } = pod.metadata;
    this.#options.settled(uid);
    assumed.delete(uid);
    this.#leaveQueue(uid);
    const nominated = nominations.nodeOf(uid);
    nominations.delete(uid);
    const place = snapshot.removePod(uid);
    const row = place?.row ?? (nominated === undefined ? undefined : snapshot.rowOf(nominated));
    if (row !== undefined && row >= 0) this.#options.rowChanged(row);
    if (place?.info.volumes) this.#options.volumesFreed(place.info);
    const key = gangs.keyOf(pod);
    if (key !== undefined) {
      gangs.get(key)?.scheduled.delete(uid);
      gangs.get(key)?.succeeded.delete(uid);
      this.#refreshGang(key, false);
      gangs.close(key);
    }
    this.#options.poke();
  }

  #podSucceeded(pod: Pod): void {
    this.#leave(pod);
    const gang = this.#state.gangs.ofPod(pod);
    if (!gang) return;
    gang.succeeded.add(pod.metadata.uid);
    this.#refreshGang(gang.key, true);
  }

  groupChanged(kind: GroupKind, group: KubeObject): void {
    const gang = this.#state.gangs.open(kind, group.metadata.namespace, group.metadata.name);
    const { uid } = group.metadata;
    if (gang.group?.metadata.uid !== uid) gang.verdict = undefined;
    // Our own status writes come back, and change nothing.
    const same =
      gang.group?.metadata.uid === uid &&
      deepEqual(specOf(gang.group), specOf(group)) &&
      deepEqual(gang.group.metadata.annotations, group.metadata.annotations);
    gang.group = group;
    if (same) return;
    gang.spec = kind.read(group);
    const before = gang.priority;
    gang.priority = this.#groupPriority(gang.spec);
    if (gang.priority !== before) this.#readAgain(gang);
    this.#refreshGang(gang.key, true);
    this.#counted(gang);
    this.#options.poke();
  }

  groupRemoved(kind: GroupKind, group: KubeObject): void {
    const gang = this.#state.gangs.open(kind, group.metadata.namespace, group.metadata.name);
    gang.group = undefined;
    gang.spec = undefined;
    gang.verdict = undefined;
    this.#refreshGang(gang.key, false);
    this.#state.gangs.close(gang.key);
  }

  /** The cluster has got the kind, or has none of it after all: pods that name its groups are looked at anew. */
  kindChanged(kind: GroupKind, absent: boolean): void {
    const { gangs, snapshot, queue } = this.#state;
    if (gangs.isAbsent(kind) === absent) return;
    const waiting: Pod[] = [];
    for (const unit of queue.units()) {
      for (const { pod } of unit.pods.values()) if (gangs.kindOf(pod) === kind) waiting.push(pod);
    }
    for (const pod of waiting) this.#leaveQueue(pod.metadata.uid);
    gangs.setAbsent(kind, absent);
    if (!absent) {
      for (const { info, nodeName } of snapshot.pods()) {
        if (gangs.kindOf(info.pod) !== kind) continue;
        gangs.ofPod(info.pod)?.scheduled.set(info.uid, nodeName);
        this.#countMember(info.pod, false);
      }
    }
    for (const pod of waiting) {
      this.#podWaits(undefined, pod);
      this.#countMember(pod, false);
    }
    this.#options.poke();
  }

  #groupPriority({ priority, priorityClassName }: NonNullable<GangState['spec']>): number | undefined {
    if (priority !== undefined || !priorityClassName) return priority;
    return this.#options.priorityClass(priorityClassName)?.value;
  }

  /** The members have another priority now. */
  #readAgain(gang: GangState): void {
    const { queue, snapshot } = this.#state;
    const unit = queue.get(`gang/${gang.key}`);
    for (const [uid, info] of unit?.pods ?? []) {
      unit!.pods.set(uid, { ...info, priority: this.#priorityOf(info.pod) });
    }
    for (const uid of gang.scheduled.keys()) {
      const placed = snapshot.pod(uid);
      if (placed) snapshot.refreshPod({ ...placed.info, priority: this.#priorityOf(placed.info.pod) });
    }
  }

  /** The pod has been decided: it is assumed to be on the node until the API server says so, or `release`. */
  assume(info: PodInfo, nodeName: string): void {
    const { assumed, nominations, gangs } = this.#state;
    assumed.set(info.uid, nodeName);
    this.#options.podCame();
    nominations.delete(info.uid);
    this.#unitOf.delete(info.uid);
    gangs.ofPod(info.pod)?.scheduled.set(info.uid, nodeName);
  }

  /** The assumption failed: the pod's place is free again. Answers true if the pod was still assumed. */
  release(info: PodInfo): boolean {
    const { assumed, snapshot, gangs } = this.#state;
    if (!assumed.delete(info.uid)) return false;
    const place = snapshot.removePod(info.uid);
    if (place && place.row >= 0) this.#options.rowChanged(place.row);
    const key = gangs.keyOf(info.pod);
    if (key !== undefined) {
      gangs.get(key)?.scheduled.delete(info.uid);
      this.#refreshGang(key, false);
    }
    return true;
  }

  /** What pods behind gates of this key wait for may have come. */
  opened(key: string): void {
    const uids = this.#gatedBy.get(key);
    if (!uids) return;
    // A copy: the gates that stay shut take their places anew.
    for (const uid of Array.from(uids)) {
      const { pod } = this.#gated.get(uid)!;
      this.#podWaits(undefined, pod);
    }
  }

  /** Answers true if the pod need not be tried yet; it is then out of the queue. */
  #gate(pod: Pod): boolean {
    const { uid } = pod.metadata;
    this.#ungate(uid);
    const gate = this.#options.gate(pod);
    if (!gate) return false;
    this.#leaveQueue(uid);
    this.#gated.set(uid, { pod, gate });
    if (gate.key !== undefined) {
      let uids = this.#gatedBy.get(gate.key);
      if (!uids) this.#gatedBy.set(gate.key, (uids = new Set()));
      uids.add(uid);
    }
    return true;
  }

  #ungate(uid: string): void {
    const gated = this.#gated.get(uid);
    if (!gated) return;
    this.#gated.delete(uid);
    const { key } = gated.gate;
    if (key === undefined) return;
    const uids = this.#gatedBy.get(key);
    uids?.delete(uid);
    if (uids?.size === 0) this.#gatedBy.delete(key);
  }

  /** Puts a pod that needs a node into its unit. Returns the unit. */
  enqueue(pod: Pod, retry: boolean): Unit {
    const { queue, snapshot } = this.#state;
    const info = snapshot.describe(pod, { priority: this.#priorityOf(pod) });
    const gangKey = this.#state.gangs.keyOf(pod);
    const key = gangKey === undefined ? `pod/${info.uid}` : `gang/${gangKey}`;
    const unit = queue.unit(key);
    unit.pods.set(info.uid, info);
    this.#unitOf.set(info.uid, key);
    if (gangKey !== undefined) this.#refreshGang(gangKey, retry, info);
    else {
      unit.priority = info.priority;
      unit.ready = true;
      queue.changed(unit, this.#options.now(), retry);
    }
    return unit;
  }

  /** The member's binding failed: until it is decided again, pods of no higher priority leave its place alone. */
  keepPlace(unit: Unit, uid: string, nodeName: string): void {
    const info = unit.pods.get(uid);
    if (info && unit.key.startsWith('gang/')) this.#state.nominations.set(info, nodeName);
  }

  #podWaits(before: Pod | undefined, pod: Pod): void {
    if ((pod.spec?.schedulingGates?.length ?? 0) > 0) {
      this.#ungate(pod.metadata.uid);
      this.#leaveQueue(pod.metadata.uid);
      return;
    }
    if (this.#gate(pod)) return;
    const nominated = pod.status?.nominatedNodeName;
    const key = this.#unitOf.get(pod.metadata.uid);
    const known = key === undefined ? undefined : this.#state.queue.get(key)?.pods.get(pod.metadata.uid);
    // Our own status writes come back: they change nothing that a decision depends on.
    const same = known !== undefined && before !== undefined && sameWish(before, pod);
    if (same && key !== undefined) {
      this.#state.queue.get(key)?.pods.set(known.uid, { ...known, pod });
      return;
    }
    const unit = this.enqueue(pod, true);
    const info = unit.pods.get(pod.metadata.uid);
    if (nominated && info) this.#state.nominations.set(info, nominated);
    this.#options.poke();
  }

  #podPlaced(before: Pod | undefined, pod: Pod, nodeName: string): void {
    const { snapshot, gangs, assumed, nominations } = this.#state;
    const { uid } = pod.metadata;
    const place = snapshot.pod(uid);
    // A pod that we placed holds what it was read to want.
    const known =
      place?.nodeName === nodeName && sameHold(place.info.pod, pod) ? { ...place.info, pod } : undefined;
    if (known && before?.spec?.nodeName === nodeName) {
      snapshot.refreshPod(known);
      if (!deepEqual(before.metadata.labels, pod.metadata.labels)) {
        this.#options.podCame();
        this.#options.poke();
      }
      return;
    }
    this.#options.settled(uid);
    this.#leaveQueue(uid);
    nominations.delete(uid);
    const assumedOn = assumed.get(uid);
    assumed.delete(uid);
    const info = known ?? snapshot.describe(pod, { priority: this.#priorityOf(pod), placed: true });
    if (place?.nodeName === nodeName) {
      const { row } = place;
      snapshot.refreshPod(info);
      // Resized in place, perhaps to less.
      if (assumedOn === undefined && row >= 0) {
        this.#options.rowChanged(row);
        this.#options.poke();
      }
    } else {
      snapshot.addPod(info, nodeName);
      this.#options.podCame();
      this.#options.poke();
    }
    if (assumedOn !== undefined && assumedOn !== nodeName) {
      const row = snapshot.rowOf(assumedOn);
      if (row !== undefined) this.#options.rowChanged(row);
    }
    const gang = gangs.ofPod(pod);
    if (gang) {
      gang.scheduled.set(uid, nodeName);
      this.#refreshGang(gang.key, true);
      this.#options.poke();
    }
  }

  #leaveQueue(uid: string): void {
    this.#ungate(uid);
    const key = this.#unitOf.get(uid);
    if (key === undefined) return;
    this.#unitOf.delete(uid);
    const unit = this.#state.queue.get(key);
    if (!unit) return;
    unit.pods.delete(uid);
    if (key.startsWith('gang/')) this.#refreshGang(key.slice('gang/'.length), false);
    else this.#state.queue.changed(unit, this.#options.now(), false);
  }

  /** Brings a gang's unit up to date: is it complete, how important is it, is part of it running? */
  #refreshGang(key: string, retry: boolean, added?: PodInfo): void {
    const { queue, gangs } = this.#state;
    const unit = queue.get(`gang/${key}`);
    if (!unit) return;
    const gang = gangs.get(key);
    const placed = gang ? placedCount(gang) : 0;
    const minCount = gang ? minCountOf(gang) : Number.POSITIVE_INFINITY;
    unit.ready = unit.pods.size + placed >= minCount;
    unit.urgent = placed > 0 && placed < minCount;
    unit.priority = gang?.priority ?? highest(unit, added);
    queue.changed(unit, this.#options.now(), retry);
    if (unit.state === 'held') this.#options.gangHeld(key);
  }

  /** As the pod's own, else its class's, else the default class's. */
  priorityOf(pod: Pod): number {
    return this.#priorityOf(pod);
  }

  #isOurs(pod: Pod): boolean {
    return this.#options.schedulerNames.has(pod.spec?.schedulerName || 'default-scheduler');
  }

  #priorityOf(pod: Pod): number {
    const gang = this.#state.gangs.keyOf(pod);
    const ofGroup = gang === undefined ? undefined : this.#state.gangs.get(gang)?.priority;
    if (ofGroup !== undefined) return ofGroup;
    const { priority, priorityClassName } = pod.spec ?? {};
    if (priority !== undefined) return priority;
    const named = priorityClassName ? this.#options.priorityClass(priorityClassName) : undefined;
    return (named ?? this.#options.defaultPriorityClass())?.value ?? 0;
  }
}

function specOf(object: KubeObject): unknown {
  return (object as { spec?: unknown }).spec;
}

/** The highest priority of the unit's pods. `added`: the one that is new; the unit's priority is that of the others. */
function highest({ pods, priority }: Unit, added: PodInfo | undefined): number {
  if (added && pods.size > 1) return Math.max(priority, added.priority);
  let most = Number.NEGATIVE_INFINITY;
  for (const pod of pods.values()) most = Math.max(most, pod.priority);
  return most;
}
