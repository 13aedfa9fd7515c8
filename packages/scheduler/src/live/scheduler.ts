/**
 * The live scheduler: informers in, bindings out, on any Kubernetes API server.
 *
 *     informers --> Intake --> snapshot, queue --> decide (a slice at a time) --> assume --> Binder --> pods/binding
 *                                   ^                         |
 *                                   +--- hints (row changed)   +--> StatusWriter, events, preemption
 *
 * Decisions are made one after the other on one snapshot and never wait for the network: a decided pod is assumed to be on
 * its node and its binding is sent beside. The loop hands the event loop back after a few milliseconds. Nothing is kept
 * between runs: after a restart the informers say which pods have nodes, and all others are decided anew.
 */
import type { Client } from '@coracle/client';
import { isReason } from '@coracle/machinery';
import { Namespace, Node, Pod, PodDisruptionBudget, PodGroup, PriorityClass } from '@coracle/machinery/api';
import type { Clock, Component, EventRecorder, InformerFactory, Logger } from '@coracle/operator';
import {
  createFramework,
  createQueue,
  createSnapshot,
  defaultProfile,
  dominantMember,
  findGangPreemption,
  findPreemption,
  fitErrorMessage,
  Nominations,
  placeGang,
  victimsLeaving,
  type Framework,
  type Gang,
  type GangDecision,
  type PlacedPod,
  type PodInfo,
  type Profile,
  type QueueCounts,
  type QueueOptions,
  type Unit,
  type UnplacedMember,
} from '../core/index.ts';
import { Binder, type BindResult } from './binder.ts';
import { evict } from './evict.ts';
import { gangKeyOf, GangRegistry, minCountOf, type GangState } from './gang-registry.ts';
import { Hints } from './hints.ts';
import { Intake } from './intake.ts';
import { StatusWriter } from './status-writer.ts';

export interface SchedulerConfig {
  /** One a scheduler name. Default: kube-scheduler's, as `default-scheduler` and as `coracle`. */
  readonly profiles?: readonly Profile[];
  /** Bindings under way at a time; default 64. */
  readonly bindConcurrency?: number;
  /** Bindings decided but not answered at which deciding pauses; default 1000. */
  readonly maxPendingBindings?: number;
  /** How long to decide before other work gets its turn, in milliseconds; default 8. */
  readonly sliceMs?: number;
  /** How long after its binding a pod may stay unseen by the informer before the server is asked; default 30 000 ms. */
  readonly assumeTimeoutMs?: number;
  readonly queue?: QueueOptions;
}

export interface SchedulerDeps {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly recorder: EventRecorder;
  readonly logger: Logger;
  readonly config?: SchedulerConfig;
}

/** A scheduler that runs, and what can be asked of it. */
export interface Scheduler extends Component {
  /** Waiting units by state. */
  counts(): QueueCounts & { readonly assumed: number };
}

/** How long a gang may be incomplete before its status says so. */
const heldNoticeMs = 2_000;
/** Most units decided in one slice, whatever the clock says. */
const maxUnitsPerSlice = 512;

export function createScheduler(deps: SchedulerDeps): Scheduler {
  return new LiveScheduler(deps);
}

class LiveScheduler implements Scheduler {
  readonly name = 'scheduler';
  readonly #deps: SchedulerDeps;
  readonly #snapshot = createSnapshot();
  readonly #queue;
  readonly #gangs = new GangRegistry();
  readonly #nominations = new Nominations();
  readonly #assumed = new Map<string, string>();
  readonly #frameworks = new Map<string, Framework>();
  readonly #intake: Intake;
  readonly #hints: Hints;
  readonly #binder: Binder;
  readonly #status: StatusWriter;
  readonly #removers: (() => void)[] = [];
  readonly #budgets;
  readonly #priorityClasses;
  /** Running: informers are in step and decisions are made. */
  #running = false;
  #sliceDue = false;
  #cancelTimer: (() => void) | undefined;
  readonly #cancelChecks = new Map<string, () => void>();
  /** By gang: the timer after which an incomplete one is told so. */
  readonly #heldTimers = new Map<string, () => void>();

  constructor(deps: SchedulerDeps) {
    this.#deps = deps;
    const { client, clock, logger, config = {} } = deps;
    const profiles = config.profiles ?? [
      defaultProfile({ schedulerName: 'default-scheduler' }),
      defaultProfile({ schedulerName: 'coracle' }),
    ];
    this.#queue = createQueue(config.queue);
    for (const profile of profiles) {
      const { random } = deps;
      const framework = createFramework({
        profile,
        snapshot: this.#snapshot,
        random,
        nominations: this.#nominations,
      });
      this.#frameworks.set(profile.schedulerName, framework);
    }
    this.#binder = new Binder(client, config.bindConcurrency ?? 64);
    this.#status = new StatusWriter({ client, clock, logger });
    this.#budgets = deps.informers.informer(PodDisruptionBudget);
    this.#priorityClasses = deps.informers.informer(PriorityClass);
    this.#hints = new Hints(this.#queue, (pod) => this.#frameworkOf(pod));
    this.#intake = new Intake(
      {
        snapshot: this.#snapshot,
        queue: this.#queue,
        gangs: this.#gangs,
        nominations: this.#nominations,
        assumed: this.#assumed,
      },
      {
        schedulerNames: new Set(this.#frameworks.keys()),
        now: () => clock.now(),
        priorityClass: (name) => this.#priorityClasses.get(name),
        defaultPriorityClass: () => this.#priorityClasses.list().find((c) => c.globalDefault),
        rowChanged: (row) => this.#hints.add(row),
        podCame: () => this.#hints.podCame(),
        poke: () => this.#poke(),
        gangHeld: (key) => this.#watchHeld(key),
        settled: (uid) => {
          this.#status.cancel(uid);
          this.#cancelChecks.get(uid)?.();
          this.#cancelChecks.delete(uid);
        },
      },
    );
  }

  async start(): Promise<void> {
    const { informers } = this.#deps;
    const intake = this.#intake;
    const withGroups = await this.#serves(PodGroup);
    if (withGroups) {
      this.#removers.push(
        informers.informer(PodGroup).on({
          add: (group) => intake.groupChanged(group),
          update: (_before, group) => intake.groupChanged(group),
          delete: (group) => intake.groupRemoved(group),
        }),
      );
    }
    this.#removers.push(
      informers.informer(Namespace).on({
        add: ({ metadata }) => this.#snapshot.setNamespace(metadata.name, metadata.labels ?? {}),
        update: (before, { metadata }) => {
          if (JSON.stringify(before.metadata.labels) === JSON.stringify(metadata.labels)) return;
          this.#snapshot.setNamespace(metadata.name, metadata.labels ?? {});
          this.#hints.podCame();
          this.#poke();
        },
        delete: ({ metadata }) => this.#snapshot.setNamespace(metadata.name, undefined),
      }),
      informers.informer(Node).on({
        add: (node) => intake.nodeChanged(undefined, node),
        update: (before, node) => intake.nodeChanged(before, node),
        delete: (node) => intake.nodeRemoved(node),
      }),
      informers.informer(Pod).on({
        add: (pod) => intake.podChanged(undefined, pod),
        update: (before, pod) => intake.podChanged(before, pod),
        delete: (pod) => intake.podRemoved(pod),
      }),
    );
    await informers.start();
    this.#running = true;
    this.#poke();
  }

  async stop(): Promise<void> {
    this.#running = false;
    for (const remove of this.#removers) remove();
    this.#removers.length = 0;
    this.#cancelTimer?.();
    for (const cancel of this.#cancelChecks.values()) cancel();
    this.#cancelChecks.clear();
    for (const cancel of this.#heldTimers.values()) cancel();
    this.#heldTimers.clear();
    this.#status.stop();
    await this.#binder.stop();
  }

  counts(): QueueCounts & { readonly assumed: number } {
    return { ...this.#queue.counts(), assumed: this.#assumed.size };
  }

  /** Clusters without the gang API are served all the same; pods there cannot name a group. */
  async #serves(type: typeof PodGroup): Promise<boolean> {
    try {
      await this.#deps.client.list(type, { limit: 1 });
      return true;
    } catch (error) {
      if (!isReason(error, 'NotFound') && !isReason(error, 'Forbidden')) throw error;
      this.#deps.logger.warn({ reason: error.reason }, 'pod groups cannot be read here: no gang scheduling');
      return false;
    }
  }

  /** Sees to it that a slice runs soon. */
  #poke(): void {
    if (!this.#running || this.#sliceDue) return;
    this.#sliceDue = true;
    setImmediate(() => {
      this.#sliceDue = false;
      if (this.#running) this.#slice();
    });
  }

  #slice(): void {
    const { clock, config = {} } = this.#deps;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const start = clock.now();
    const end = start + (config.sliceMs ?? 8);
    const maxPending = config.maxPendingBindings ?? 1000;
    this.#hints.apply(start);
    for (let n = 0; n < maxUnitsPerSlice && this.#binder.pending < maxPending; n++) {
      const now = clock.now();
      const unit = this.#queue.pop(now);
      if (!unit) break;
      try {
        this.#decide(unit, now);
      } catch (error) {
        this.#deps.logger.error({ unit: unit.key, error }, 'the decision failed');
        this.#queue.failed(unit, now, new Set(), true);
      }
      if (clock.now() >= end) break;
    }
    // A binding's answer pokes: no need to look again before one comes.
    if (this.#binder.pending >= maxPending) return;
    const now = clock.now();
    const due = this.#hints.pending ? now : this.#queue.nextDue(now);
    if (due === undefined) return;
    if (due <= now) this.#poke();
    else this.#cancelTimer = clock.after(due - now, () => this.#poke());
  }

  #frameworkOf(pod: PodInfo): Framework {
    return this.#frameworks.get(pod.pod.spec?.schedulerName || 'default-scheduler')!;
  }

  #decide(unit: Unit, now: number): void {
    const [first] = unit.pods.values();
    if (!first) this.#queue.drop(unit.key);
    else if (unit.key.startsWith('gang/')) this.#decideGang(unit, first, now);
    else this.#decidePod(unit, first, now);
  }

  #decidePod(unit: Unit, pod: PodInfo, now: number): void {
    const framework = this.#frameworkOf(pod);
    const decision = framework.schedule(pod);
    if (decision.fits) {
      this.#snapshot.addPod(pod, decision.nodeName);
      this.#queue.drop(unit.key);
      this.#bind(pod, decision.nodeName);
      return;
    }
    const { random } = this.#deps;
    const budgets = this.#budgets.list();
    const preemption = findPreemption(framework, pod, decision.diagnosis, { budgets, random });
    let nominatedNodeName: string | undefined;
    let postFilter = '';
    if ('victims' in preemption) {
      const { nodeName, pods } = preemption.victims;
      nominatedNodeName = nodeName;
      this.#nominations.set(pod, nodeName);
      void evict(this.#deps, pod, nodeName, pods);
    } else {
      postFilter = preemption.message;
      // Nothing more will leave for it: the node it was promised is open to all again.
      if (!postFilter.includes('terminating') && this.#nominations.nodeOf(pod.uid) !== undefined) {
        this.#nominations.delete(pod.uid);
        nominatedNodeName = '';
      }
    }
    const message = fitErrorMessage(decision.diagnosis, postFilter);
    this.#queue.failed(unit, now, decision.diagnosis.plugins);
    this.#deps.recorder.event(pod.pod, 'Warning', 'FailedScheduling', message);
    this.#status.pod(pod.pod, { reason: 'Unschedulable', message, nominatedNodeName });
  }

  #decideGang(unit: Unit, first: PodInfo, now: number): void {
    const gang = this.#gangs.get(unit.key.slice('gang/'.length))!;
    const group = gang.group;
    if (!group) {
      // Deleted since: the unit is not ready, so this holds it.
      this.#queue.failed(unit, now, new Set());
      return;
    }
    const pods = [...unit.pods.values()].sort((a, b) => b.priority - a.priority || (a.key < b.key ? -1 : 1));
    const scheduled = gang.scheduled.size;
    const request: Gang = {
      pods,
      minCount: minCountOf(group),
      scheduled,
      topologyKey: group.spec.schedulingConstraints?.topology?.[0]?.key,
      nodes: [...gang.scheduled.values()],
    };
    const framework = this.#frameworkOf(first);
    const decision = placeGang(framework, request);
    if (!decision.fits && scheduled >= minCountOf(group)) {
      this.#membersLeft(unit, decision.unplaced, now);
      return;
    }
    if (!decision.fits) {
      const preempting = this.#preemptForGang(framework, request);
      this.#gangFailed(unit, gang, decision, preempting, now);
      return;
    }
    for (const { pod, nodeName } of decision.placed) {
      unit.pods.delete(pod.uid);
      this.#bind(pod, nodeName);
    }
    this.#status.group(group, { scheduled: true, reason: 'Scheduled', message: '' });
    unit.urgent = false;
    if (unit.pods.size === 0) this.#queue.drop(unit.key);
    else this.#membersLeft(unit, decision.unplaced, now);
  }

  /** The group runs; members beyond its minimum wait like any other pods. */
  #membersLeft(unit: Unit, unplaced: readonly UnplacedMember[], now: number): void {
    const plugins = new Set<string>();
    for (const { pod, diagnosis } of unplaced) {
      for (const plugin of diagnosis.plugins) plugins.add(plugin);
      const message = fitErrorMessage(diagnosis);
      this.#deps.recorder.event(pod.pod, 'Warning', 'FailedScheduling', message);
      this.#status.pod(pod.pod, { reason: 'Unschedulable', message });
    }
    this.#queue.failed(unit, now, plugins);
  }

  /** Evicts for the gang if that makes room for it. Answers whether room is being made. */
  #preemptForGang(framework: Framework, gang: Gang): boolean {
    if (victimsLeaving(framework, gang)) return true;
    for (const pod of gang.pods) this.#nominations.delete(pod.uid);
    const found = findGangPreemption(framework, gang, {
      budgets: this.#budgets.list(),
      random: this.#deps.random,
      group: (victim) => this.#disruptedWith(victim),
    });
    if (!found) return false;
    for (const { pod, nodeName } of found.placed) this.#nominations.set(pod, nodeName);
    void evict(this.#deps, gang.pods[0]!, undefined, found.victims);
    return true;
  }

  /** The victim, and its whole group if that can only be disrupted as one. */
  #disruptedWith(victim: PlacedPod): readonly PlacedPod[] {
    const key = gangKeyOf(victim.info.pod);
    const gang = key === undefined ? undefined : this.#gangs.get(key);
    if (gang?.group?.spec.disruptionMode !== 'PodGroup') return [victim];
    return [...gang.scheduled.keys()].flatMap((uid) => this.#snapshot.pod(uid) ?? []);
  }

  /** One event and one condition for the group, in the words of the reason most of its members wait for. */
  #gangFailed(unit: Unit, gang: GangState, decision: GangDecision, preempting: boolean, now: number): void {
    const group = gang.group!;
    const minCount = minCountOf(group);
    const member = dominantMember(decision);
    const why = member ? ` ${fitErrorMessage(member.diagnosis)}` : '';
    const counts = `${gang.scheduled.size} scheduled, ${decision.placed.length} of ${unit.pods.size} waiting pods can be placed`;
    const message = preempting
      ? `pod group is waiting for preemption to complete.${why}`
      : `pod group is unschedulable: minCount (${minCount}) cannot be satisfied: ${counts}.${why}`;
    this.#queue.failed(unit, now, member?.diagnosis.plugins ?? new Set());
    this.#deps.recorder.event(group, 'Warning', 'FailedScheduling', message);
    this.#status.group(group, { scheduled: false, reason: 'Unschedulable', message });
    for (const pod of unit.pods.values()) {
      const nominatedNodeName = this.#nominations.nodeOf(pod.uid) ?? '';
      this.#status.pod(pod.pod, { reason: 'Unschedulable', message, nominatedNodeName });
    }
  }

  /** Members come one after the other: only a gang that stays incomplete hears of it. */
  #watchHeld(key: string): void {
    if (this.#heldTimers.has(key)) return;
    const cancel = this.#deps.clock.after(heldNoticeMs, () => {
      this.#heldTimers.delete(key);
      const unit = this.#queue.get(`gang/${key}`);
      if (unit?.state !== 'held') return;
      const group = this.#gangs.get(key)?.group;
      const message = group
        ? 'waiting for minCount pods from a gang to appear in scheduling queue'
        : `waiting for pod's pod group "${key.slice(key.indexOf('/') + 1)}" to appear in scheduling queue`;
      if (group) this.#status.group(group, { scheduled: false, reason: 'Unschedulable', message });
      for (const { pod } of unit.pods.values()) this.#status.pod(pod, { reason: 'Unschedulable', message });
    });
    this.#heldTimers.set(key, cancel);
  }

  #bind(pod: PodInfo, nodeName: string): void {
    this.#intake.assume(pod, nodeName);
    this.#status.cancel(pod.uid);
    this.#binder.bind(pod, nodeName, (result) => this.#bound(pod, nodeName, result));
  }

  #bound(pod: PodInfo, nodeName: string, result: BindResult): void {
    const { recorder, clock, logger, config = {} } = this.#deps;
    if (result.outcome === 'bound') {
      recorder.event(pod.pod, 'Normal', 'Scheduled', `Successfully assigned ${pod.key} to ${nodeName}`);
      if (this.#running && this.#assumed.has(pod.uid)) {
        const cancel = clock.after(config.assumeTimeoutMs ?? 30_000, () => void this.#check(pod, nodeName));
        this.#cancelChecks.set(pod.uid, cancel);
      }
    } else if (this.#intake.release(pod) && result.outcome === 'failed') {
      logger.warn({ pod: pod.key, node: nodeName, error: result.error }, 'binding failed');
      const text = result.error instanceof Error ? result.error.message : String(result.error);
      const message = `running Bind plugin "DefaultBinder": ${text}`;
      recorder.event(pod.pod, 'Warning', 'FailedScheduling', message);
      this.#status.pod(pod.pod, { reason: 'SchedulerError', message });
      this.#retry(pod);
    }
    this.#poke();
  }

  /** Back into the queue, after a pause. */
  #retry(pod: PodInfo): void {
    if (!this.#running) return;
    const current = this.#deps.informers.informer(Pod).get(pod.pod.metadata.name, pod.pod.metadata.namespace);
    if (current?.metadata.uid !== pod.uid || current.spec?.nodeName || current.metadata.deletionTimestamp)
      return;
    const now = this.#deps.clock.now();
    const unit = this.#intake.enqueue(current, true);
    if (unit.state === 'active') this.#queue.failed(unit, now, new Set(), true);
  }

  /** The binding was answered but the informer has not shown it: what does the server say? */
  async #check(pod: PodInfo, nodeName: string): Promise<void> {
    this.#cancelChecks.delete(pod.uid);
    if (!this.#running || !this.#assumed.has(pod.uid)) return;
    const { name, namespace } = pod.pod.metadata;
    try {
      const current = await this.#deps.client.get(Pod, name, { namespace });
      if (!this.#running || !this.#assumed.has(pod.uid)) return;
      if (current.metadata.uid === pod.uid) {
        if (current.spec?.nodeName) this.#intake.podChanged(undefined, current);
        else if (this.#intake.release(pod)) this.#retry(pod);
      } else this.#intake.podRemoved(pod.pod);
    } catch (error) {
      if (isReason(error, 'NotFound')) this.#intake.podRemoved(pod.pod);
      else this.#bound(pod, nodeName, { outcome: 'failed', error });
    }
    this.#poke();
  }
}
