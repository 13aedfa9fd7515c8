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
import { ApiError, isReason, type KubeObject, type ResourceType } from '@coracle/machinery';
import { Namespace, Node, Pod, PodDisruptionBudget, PriorityClass } from '@coracle/machinery/api';
import type { Component, Informer } from '@coracle/operator';
import {
  createFramework,
  createQueue,
  createSnapshot,
  defaultProfile,
  gpuPolicies,
  gpuProfile,
  Hints,
  Nominations,
  type Framework,
  type PlacedPod,
  type PodInfo,
  type QueueCounts,
  type Unit,
} from '../core/index.ts';
import { Bindings } from './bindings.ts';
import { decidingGang } from './decide-gang.ts';
import { decidePod } from './decide-pod.ts';
import { evict } from './evict.ts';
import { explainLive, type ExplainAnswer, type ExplainQuery } from './explain.ts';
import { followSelectors } from './follow-selectors.ts';
import { followDevices } from './follow-devices.ts';
import { followVolumes } from './follow-volumes.ts';
import { followGroups } from './follow-groups.ts';
import { GangRegistry } from './gang-registry.ts';
import { Gate, gatedInformers } from './gate.ts';
import { HeldGangs } from './held-gangs.ts';
import { Intake } from './intake.ts';
import type { SchedulerDeps, Shared } from './shared.ts';
import { StatusWriter } from './status-writer.ts';

/** A scheduler that runs, and what can be asked of it. */
export interface Scheduler extends Component {
  /** Waiting units by state, and pods whose binding the informer has not shown yet. */
  counts(): QueueCounts & { readonly assumed: number };
  /**
   * Why something waits, as things are now; undefined: there is nothing of that name. `visible`: may the asker know of pods of
   * this namespace? Rejects with ApiError ServiceUnavailable before its caches are filled.
   */
  explain(query: ExplainQuery, visible?: (namespace: string) => boolean): Promise<ExplainAnswer | undefined>;
}

/** Most units decided in one slice, whatever the clock says. */
const maxUnitsPerSlice = 512;

/** A scheduler for one API server. Two may run beside each other if their profiles have different names. */
export function createScheduler(deps: SchedulerDeps): Scheduler {
  return new LiveScheduler(deps);
}

class LiveScheduler implements Scheduler {
  readonly name = 'scheduler';
  readonly #deps: SchedulerDeps;
  readonly #shared: Shared;
  readonly #assumed = new Map<string, string>();
  /** Victims that the server has deleted and the informer still shows. */
  readonly #gone = new Set<string>();
  readonly #intake: Intake;
  readonly #hints: Hints;
  readonly #bindings: Bindings;
  readonly #held: HeldGangs;
  readonly #gate = new Gate();
  /** A decision that takes several slices; the gate is closed while there is one. */
  #open: { readonly unit: Unit; readonly steps: Generator<void, void> } | undefined;
  readonly #removers: (() => void)[] = [];
  #budgets: Informer<PodDisruptionBudget> | undefined;
  #priorityClasses: Informer<PriorityClass> | undefined;
  /** Informers are in step and decisions are made. */
  #running = false;
  #stopped = false;
  /** Informers are in step. */
  #filled = false;
  /** When the decision under way began, by the metrics' clock. */
  #began = 0;
  #deciding: Unit | undefined;
  #sliceDue = false;
  #cancelTimer: (() => void) | undefined;

  constructor(deps: SchedulerDeps) {
    this.#deps = { ...deps, informers: gatedInformers(deps.informers, this.#gate) };
    const { client, clock, logger, random, config = {} } = deps;
    const snapshot = createSnapshot();
    const queue = createQueue(config.queue);
    const gangs = new GangRegistry();
    const nominations = new Nominations();
    const status = new StatusWriter({ client, clock, logger });
    const profiles = config.profiles ?? [
      defaultProfile({ schedulerName: 'default-scheduler' }),
      defaultProfile({ schedulerName: 'coracle' }),
      ...gpuPolicies.map((policy) => gpuProfile(policy)),
    ];
    const frameworks = new Map<string, Framework>();
    for (const profile of profiles) {
      frameworks.set(profile.schedulerName, createFramework({ profile, snapshot, random, nominations }));
    }
    const evicting = new Map<string, number>();
    const assumed = this.#assumed;
    this.#shared = {
      deps,
      snapshot,
      queue,
      gangs,
      nominations,
      status,
      frameworkOf: ({ pod }) => frameworks.get(pod.spec?.schedulerName || 'default-scheduler')!,
      anyFramework: () => frameworks.values().next().value!,
      budgets: () => this.#budgets?.list() ?? [],
      bind: (pod, nodeName, reservations) => {
        this.#measurePlaced(pod);
        this.#bindings.bind(pod, nodeName, reservations);
      },
      evict: (unit, preemptor, nodeName, chosen) => {
        // As they are now: they may have been chosen by what was kept of an earlier search.
        const victims = chosen.map((victim) => snapshot.pod(victim.info.uid) ?? victim);
        evicting.set(unit, (evicting.get(unit) ?? 0) + 1);
        deps.metrics?.preempting(victims.length);
        const leaving = (pod: Pod): void =>
          this.#gate.run(() => {
            // Unless the informer has shown it gone by now.
            if (snapshot.pod(pod.metadata.uid)) this.#intake.podChanged(undefined, pod);
          });
        this.#sayDisrupted(preemptor, victims);
        // Until the informer shows it gone, too, the room it held is not there.
        const gone = (uid: string): void =>
          this.#gate.run(() => {
            if (snapshot.pod(uid)) this.#gone.add(uid);
          });
        void evict({ ...deps, leaving, gone }, preemptor, nodeName, victims).finally(() => {
          const left = evicting.get(unit)! - 1;
          if (left > 0) evicting.set(unit, left);
          else evicting.delete(unit);
          // If some could not be evicted, the preemptor must look again.
          const row = nodeName === undefined ? undefined : snapshot.rowOf(nodeName);
          if (row !== undefined) this.#hints.add(row);
          this.#poke();
        });
      },
      repair: (unit, pod) =>
        this.#shared
          .frameworkOf(pod)
          .repairs(pod)
          .map(({ message, act }) => {
            if (act) {
              act({ client }).catch((error: unknown) => {
                logger.warn({ unit, pod: pod.key, error }, 'what keeps the pod waiting could not be mended');
              });
            }
            return message;
          }),
      evicting: (unit) => evicting.has(unit),
    };
    this.#hints = new Hints(
      queue,
      (pod) => this.#shared.frameworkOf(pod),
      (unit) => evicting.has(unit),
      (uid) => this.#gone.has(uid),
    );
    this.#held = new HeldGangs(this.#shared);
    this.#intake = new Intake(
      { snapshot, queue, gangs, nominations, assumed },
      {
        schedulerNames: new Set(frameworks.keys()),
        now: () => clock.now(),
        priorityClass: (name) => this.#priorityClasses?.get(name),
        defaultPriorityClass: () => this.#priorityClasses?.list().find((c) => c.globalDefault),
        rowChanged: (row) => this.#hints.add(row),
        nodeGone: (name) => this.#hints.nodeGone(name),
        podCame: () => this.#hints.podCame(),
        volumesFreed: ({ volumes }) => {
          const freed = new Set(volumes?.claims.map(({ key }) => key));
          this.#hints.changed(
            'VolumeRestrictions',
            (pod) => pod.volumes?.claims.some(({ key }) => freed.has(key)) ?? false,
          );
        },
        gate: (pod) => this.#shared.frameworkOf({ pod }).gate(pod),
        poke: () => this.#poke(),
        gangHeld: (key) => this.#held.watch(key),
        gangCounted: (gang) => status.counted(gang),
        settled: (uid) => {
          this.#gone.delete(uid);
          status.cancel(uid);
          this.#bindings.settled(uid);
        },
      },
    );
    const poke = (): void => this.#poke();
    this.#bindings = new Bindings({
      deps,
      queue,
      status,
      intake: this.#intake,
      assumed,
      poke,
      gate: this.#gate,
    });
  }

  async start(): Promise<void> {
    const { informers } = this.#deps;
    const intake = this.#intake;
    // What a cluster does not have, or does not show us, it is scheduled without.
    const [budgets, classes, namespaces] = await Promise.all([
      this.#optional(PodDisruptionBudget),
      this.#optional(PriorityClass),
      this.#optional(Namespace),
    ]);
    this.#budgets = budgets;
    this.#priorityClasses = classes;
    const { snapshot } = this.#shared;
    const optional = <T extends KubeObject>(type: ResourceType<T>): Promise<Informer<T> | undefined> =>
      this.#optional(type);
    snapshot.devices.now = () => this.#deps.clock.now();
    const changed = (plugins: readonly string[], helps?: (pod: PodInfo) => boolean): void => {
      for (const plugin of plugins) this.#hints.changed(plugin, helps);
      this.#poke();
    };
    const [selectors, volumes, devices] = await Promise.all([
      followSelectors(optional, snapshot),
      followVolumes(optional, snapshot, changed),
      followDevices(optional, snapshot, {
        changed,
        rowChanged: (row) => {
          this.#hints.add(row);
          this.#poke();
        },
        opened: (key) => {
          intake.opened(key);
          this.#poke();
        },
      }),
    ]);
    this.#removers.push(...selectors, ...volumes, ...devices);
    // Priority classes first: pods are read with them.
    await informers.start();
    this.#removers.push(
      await followGroups({ ...this.#deps, gangs: this.#shared.gangs, intake, gate: this.#gate }),
    );
    if (namespaces) this.#removers.push(this.#followNamespaces(namespaces));
    this.#removers.push(
      await informers.informer(Node).join({
        add: (node) => intake.nodeChanged(undefined, node),
        update: (before, node) => intake.nodeChanged(before, node),
        delete: (node) => intake.nodeRemoved(node),
      }),
      await informers.informer(Pod).join({
        add: (pod) => intake.podChanged(undefined, pod),
        update: (before, pod) => intake.podChanged(before, pod),
        delete: (pod) => intake.podRemoved(pod),
      }),
    );
    await informers.start();
    if (this.#stopped) {
      for (const remove of this.#removers) remove();
      return;
    }
    const { metrics } = this.#deps;
    if (metrics)
      metrics.state = () => ({ ...this.counts(), nodes: snapshot.nodeCount, pods: snapshot.podCount });
    this.#filled = true;
    this.#running = this.#deps.config?.observeOnly !== true;
    this.#poke();
  }

  async stop(): Promise<void> {
    this.#running = false;
    this.#stopped = true;
    this.#deps.metrics?.ended();
    this.#open?.steps.return();
    this.#open = undefined;
    for (const remove of this.#removers) remove();
    this.#removers.length = 0;
    this.#cancelTimer?.();
    this.#held.stop();
    this.#shared.status.stop();
    await this.#bindings.stop();
  }

  counts(): QueueCounts & { readonly assumed: number } {
    return { ...this.#shared.queue.counts(), assumed: this.#assumed.size };
  }

  explain(
    query: ExplainQuery,
    visible: (namespace: string) => boolean = () => true,
  ): Promise<ExplainAnswer | undefined> {
    if (!this.#filled || this.#stopped) {
      return Promise.reject(
        new ApiError('ServiceUnavailable', 'the scheduler is filling its caches: ask again'),
      );
    }
    const { clock, informers, config = {} } = this.#deps;
    const pods = informers.informer(Pod);
    return new Promise((resolve, reject) => {
      // Not in the middle of a decision: a gang's members may stand on the snapshot for a try.
      this.#gate.run(() => {
        try {
          const context = {
            shared: this.#shared,
            now: clock.now(),
            flushMs: config.queue?.maxUnschedulableMs ?? 300_000,
            podOf: (namespace: string, name: string) => pods.get(name, namespace),
            priorityOf: (pod: Pod) => this.#intake.priorityOf(pod),
            decides: config.observeOnly !== true,
            visible,
          };
          resolve(explainLive(context, query));
        } catch (error) {
          reject(error as Error);
        }
      });
    });
  }

  async #optional<T extends KubeObject>(type: ResourceType<T>): Promise<Informer<T> | undefined> {
    try {
      await this.#deps.client.list(type, { limit: 1 });
      return this.#deps.informers.informer(type);
    } catch (error) {
      if (!isReason(error, 'NotFound') && !isReason(error, 'Forbidden')) throw error;
      const { resource } = type;
      this.#deps.logger.warn({ resource, reason: error.reason }, 'scheduling without what cannot be read');
      return undefined;
    }
  }

  #followNamespaces(namespaces: Informer<Namespace>): () => void {
    const { snapshot } = this.#shared;
    const set = ({ metadata }: Namespace): void =>
      snapshot.setNamespace(metadata.name, metadata.labels ?? {});
    return namespaces.on({
      add: set,
      update: (before, after) => {
        if (JSON.stringify(before.metadata.labels) === JSON.stringify(after.metadata.labels)) return;
        set(after);
        this.#hints.podCame();
        this.#poke();
      },
      delete: ({ metadata }) => snapshot.setNamespace(metadata.name, undefined),
    });
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
    const { queue } = this.#shared;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    const start = clock.now();
    const end = start + (config.sliceMs ?? 8);
    const maxPending = config.maxPendingBindings ?? 1000;
    const over = (): boolean => clock.now() >= end;
    // The gate opens when the decision that closed it is made, and lets everything in before the next.
    if ((this.#open && !this.#advance(end)) || !this.#gate.open(over)) {
      this.#poke();
      return;
    }
    this.#hints.apply(start);
    for (let n = 0; n < maxUnitsPerSlice && this.#bindings.pending < maxPending; n++) {
      const now = clock.now();
      const unit = queue.pop(now);
      if (!unit) break;
      this.#decide(unit, now, end);
      if (this.#open || clock.now() >= end) break;
    }
    if (this.#open) {
      this.#poke();
      return;
    }
    // A binding's answer pokes: no need to look again before one comes.
    if (this.#bindings.pending >= maxPending) return;
    const now = clock.now();
    const due = this.#hints.pending ? now : queue.nextDue(now);
    if (due === undefined) return;
    if (due <= now) this.#poke();
    else this.#cancelTimer = clock.after(due - now, () => this.#poke());
  }

  #decide(unit: Unit, now: number, end: number): void {
    const { queue } = this.#shared;
    this.#measureBegin(unit);
    try {
      const [first] = unit.pods.values();
      if (!first) queue.drop(unit.key);
      else if (unit.key.startsWith('gang/')) {
        this.#open = { unit, steps: decidingGang(this.#shared, unit, first, now) };
        this.#advance(end);
      } else {
        decidePod(this.#shared, unit, first, now);
        this.#measureEnd(unit, 'unschedulable');
      }
    } catch (error) {
      this.#decisionFailed(unit, error);
    }
  }

  /** Goes on with the open decision until the slice ends. Answers true if it is made. */
  #advance(end: number): boolean {
    const { unit, steps } = this.#open!;
    try {
      while (!steps.next().done) {
        if (this.#deps.clock.now() < end) continue;
        this.#gate.close();
        return false;
      }
      this.#measureEnd(unit, 'unschedulable');
    } catch (error) {
      this.#decisionFailed(unit, error);
    }
    this.#open = undefined;
    return true;
  }

  #decisionFailed(unit: Unit, error: unknown): void {
    this.#deps.logger.error({ unit: unit.key, error }, 'the decision failed');
    this.#measureEnd(unit, 'error');
    this.#shared.queue.failed(unit, this.#deps.clock.now(), new Set(), true);
  }

  #measureBegin(unit: Unit): void {
    const { metrics } = this.#deps;
    if (!metrics) return;
    this.#began = metrics.elapsed();
    this.#deciding = unit;
  }

  #measurePlaced(pod: PodInfo): void {
    const { metrics, clock } = this.#deps;
    const unit = this.#deciding;
    if (!metrics || !unit) return;
    metrics.placed([pod.uid], {
      profile: pod.pod.spec?.schedulerName || 'default-scheduler',
      began: this.#began,
      queued: metrics.elapsed() - (clock.now() - unit.added),
      attempts: unit.attempts + 1,
    });
  }

  /** Of what is left of the unit after its decision. */
  #measureEnd(unit: Unit, result: 'unschedulable' | 'error'): void {
    const { metrics } = this.#deps;
    const [pod] = unit.pods.values();
    if (!metrics || unit.state === 'gone' || !pod) return;
    const profile = pod.pod.spec?.schedulerName || 'default-scheduler';
    metrics.unplaced(profile, result, this.#began, unit.pods.size);
  }

  /** Groups that are evicted as a whole are told so. */
  #sayDisrupted({ pod }: PodInfo, victims: readonly PlacedPod[]): void {
    const { gangs, status } = this.#shared;
    if (gangs.size === 0) return;
    const told = new Set<string>();
    for (const victim of victims) {
      const key = gangs.keyOf(victim.info.pod);
      const gang = key === undefined || told.has(key) ? undefined : gangs.get(key);
      if (!gang?.spec?.disruptWhole) continue;
      told.add(gang.key);
      const by = pod.spec?.schedulerName || 'default-scheduler';
      status.disrupted(gang, `${by}: preempting to accommodate a higher priority pod group`);
    }
  }
}
