/**
 * One pod on this node, from its binding to its removal. Level-triggered: everything that may have changed calls `wake`, and
 * one pass at a time looks at the pod, the runtime and the clock and does what follows. A pass can be cut anywhere: the next
 * one, or the next agent, goes on from what the runtime and the API say.
 */
import { isReason } from '@coracle/machinery';
import { type Container, Pod, type PodStatus } from '@coracle/machinery/api';
import type { PreparedClaims } from '../devices/claims.ts';
import { containersOf, isTerminalPhase } from '../pod/containers.ts';
import { type ContainerView, decide, type Decision, type Exited, shouldRestart } from '../pod/decide.ts';
import { ContainerConfigError } from '../pod/environment.ts';
import { isSidecar } from '../pod/resources.ts';
import { podStatus, type Waiting } from '../pod/status.ts';
import { type ContainerHandle, MountError } from '../runtime.ts';
import { type PayloadContext } from '../volumes/payloads.ts';
import { PodVolumes } from '../volumes/pod-volumes.ts';
import { AttemptLife } from './attempt-life.ts';
import { lostContainers } from './lost-containers.ts';
import { readTerminationMessage } from './termination-message.ts';
import { startSpec } from './start-spec.ts';
import { type StatusSubject, StatusWriter } from './status-writer.ts';
import type { WorkerDeps } from './worker-deps.ts';

/** A container the API knows and the runtime does not: what is believed of it. */
export interface Lost {
  attempt: number;
  id: string;
  state: Exited;
}
type Verdict = { phase: 'Failed'; reason: string; message: string };

export class PodWorker implements StatusSubject {
  readonly uid: string;
  readonly volumes: PodVolumes;
  readonly #deps: WorkerDeps;
  readonly #writer: StatusWriter;
  #pod: Pod;
  /** Newest two attempts of each container, newest last. */
  readonly #attempts = new Map<string, ContainerHandle[]>();
  readonly #lives = new Map<string, AttemptLife>();
  readonly #messages = new Map<string, string>();
  readonly #waiting = new Map<string, Waiting>();
  /** Ids of containers being stopped. */
  readonly #stopping = new Set<string>();
  #lost: ReadonlyMap<string, Lost> = new Map();
  #views = new Map<string, ContainerView>();
  #ip: string | undefined;
  #admitted = false;
  /** What its claims gave it; undefined: it has none, or they are not prepared. */
  claims: PreparedClaims | undefined;
  #claimTries = 0;
  #verdict: Verdict | undefined;
  #over = false;
  #removed = false;
  #gone = false;
  #terminating = false;
  #volumesReady = false;
  #refreshing: Promise<void> | undefined;
  #volumeTries = 0;
  #passing = false;
  /** The pass under way, or the last one. */
  #current: Promise<void> | undefined;
  #again = false;
  #closed = false;
  #cancelTimer: (() => void) | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(
    deps: WorkerDeps,
    pod: Pod,
    recovered: { ip?: string | undefined; containers: ContainerHandle[] },
  ) {
    this.#deps = deps;
    this.#pod = pod;
    this.uid = pod.metadata.uid;
    this.volumes = new PodVolumes(this.uid, {
      client: deps.client,
      folder: deps.volumesFolder,
      now: () => new Date(deps.clock.now()),
    });
    this.#writer = new StatusWriter(deps, this);
    this.#ip = recovered.ip;
    for (const handle of recovered.containers.toSorted((a, b) => a.attempt - b.attempt))
      this.#remember(handle);
    this.#lost = lostContainers(pod, this.#attempts, deps.clock.now());
    // What was running or had been begun was admitted before.
    this.#admitted = recovered.containers.length > 0 || this.#lost.size > 0 || isTerminalPhase(pod.status);
    const { phase, reason, message } = pod.status ?? {};
    if (phase === 'Failed' && reason !== undefined) this.#verdict = { phase, reason, message: message ?? '' };
  }

  get pod(): Pod {
    return this.#pod;
  }
  get ip(): string | undefined {
    return this.#pod.spec?.hostNetwork === true && this.#ip !== undefined ? this.#deps.hostIP : this.#ip;
  }
  /** Holds resources of the node. */
  get active(): boolean {
    return this.#admitted && this.#verdict === undefined && !isTerminalPhase(this.#pod.status) && !this.#gone;
  }
  handle(container: string): ContainerHandle | undefined {
    return this.#attempts.get(container)?.at(-1);
  }
  previous(container: string): ContainerHandle | undefined {
    const handles = this.#attempts.get(container) ?? [];
    // While it waits for its next start, the attempt that has just ended is the one before.
    return this.#waiting.has(container) && handles.at(-1)?.state().phase === 'exited'
      ? handles.at(-1)
      : handles.at(-2);
  }
  waitingReason(container: string): string {
    return (
      this.#waiting.get(container)?.reason ??
      ((this.#pod.spec?.initContainers?.length ?? 0) > 0 ? 'PodInitializing' : 'ContainerCreating')
    );
  }

  /** The pod as the API has it now. Older versions than the one known are passed over. */
  update(pod: Pod): void {
    if (Number(pod.metadata.resourceVersion) < Number(this.#pod.metadata.resourceVersion)) return;
    const before = this.#pod.metadata.deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY;
    this.#pod = pod;
    if ((pod.metadata.deletionGracePeriodSeconds ?? before) < before) this.#hurry();
    this.wake();
  }

  /** A newer version of the pod, as the status writer has it from the API. */
  learned(pod: Pod): void {
    if (Number(pod.metadata.resourceVersion) > Number(this.#pod.metadata.resourceVersion)) this.#pod = pod;
  }

  /** The status could not be written. */
  failed(): void {
    this.#wakeAt(this.#deps.clock.now() + 1000);
  }

  get isRemoved(): boolean {
    return this.#removed;
  }

  /** The API has it no longer. */
  removed(): void {
    this.#removed = true;
    this.#hurry();
    this.wake();
  }

  /** A stop is under way and less time is left for it than it was given. */
  #hurry(): void {
    if (!this.#passing) return;
    const graceMs = this.#graceMs();
    for (const handles of this.#attempts.values()) {
      const newest = handles.at(-1);
      if (newest !== undefined && this.#stopping.has(newest.id))
        void this.#deps.runtime.stop(newest.id, graceMs).catch(() => undefined);
    }
  }

  wake(): void {
    if (this.#passing) this.#again = true;
    else if (!this.#closed) this.#current = this.#run();
  }

  /** Stops looking after it; what runs goes on. */
  close(): void {
    this.#closed = true;
    this.#writer.close();
    this.#cancelTimer?.();
    for (const life of this.#lives.values()) life.close();
  }

  /** Resolves when the pass under way, if any, has ended: after that nothing is written for this pod. */
  async settled(): Promise<void> {
    await this.#current;
  }

  async #run(): Promise<void> {
    this.#passing = true;
    do {
      this.#again = false;
      try {
        await this.#pass();
      } catch (error) {
        this.#deps.logger.error({ pod: this.#key, error: String(error) }, 'a pass over a pod failed');
        this.#wakeAt(this.#deps.clock.now() + 1000);
      }
    } while (this.#again && !this.#closed);
    this.#passing = false;
  }

  get #key(): string {
    return `${this.#pod.metadata.namespace}/${this.#pod.metadata.name}`;
  }

  async #pass(): Promise<void> {
    if (this.#gone || this.#closed) return;
    await this.#observe();
    if (this.#removed || this.#pod.metadata.deletionTimestamp !== undefined) return this.#terminate();
    if (this.#verdict !== undefined) return this.#endBadly();
    if (isTerminalPhase(this.#pod.status) && !this.#anyRunning()) return this.#rest();
    if (!this.#admitted && !this.#admit()) return this.#endBadly();
    if (this.#deadlinePassed()) return this.#endBadly();

    if (this.#ip === undefined) {
      this.#ip = (await this.#deps.runtime.createSandbox(this.#pod)).ip;
      this.#deps.addressKnown();
      this.#writer.request();
    }
    if (!(await this.#mountVolumes()) || !(await this.#prepareClaims())) return this.#writer.request();
    const decision = this.#decide();
    if (decision.finished) {
      for (const name of decision.stop) await this.#stop(name, this.#graceMs(), 'Stopping container');
      await this.#observe();
      this.#over = !this.#anyRunning();
      if (this.#over) this.#deps.devices.release(this.uid);
      return this.#writer.request();
    }
    this.#over = false;
    this.#holdBack(decision);
    await this.#restartUnhealthy();
    for (const start of decision.start) await this.#start(start.container, start.kind, start.attempt);
    this.#writer.request();
  }

  /** Takes in what the runtime says, and termination messages of containers that have ended. */
  async #observe(): Promise<void> {
    const views = new Map<string, ContainerView>();
    for (const { container, kind } of containersOf(this.#pod)) {
      const handles = this.#attempts.get(container.name) ?? [];
      const newest = handles.at(-1);
      const lost = this.#lost.get(container.name);
      if (newest === undefined) {
        if (lost !== undefined)
          views.set(container.name, {
            state: lost.state,
            id: lost.id,
            attempt: lost.attempt,
            started: false,
            ready: false,
          });
        continue;
      }
      const state = newest.state();
      const before = handles.at(-2)?.state();
      if (state.phase === 'exited') {
        this.#endLife(newest.id);
        if (!this.#messages.has(newest.id))
          this.#messages.set(
            newest.id,
            await readTerminationMessage(this.#deps, this.uid, container, newest, state),
          );
      } else if (kind !== 'ephemeral') this.#beginLife(container, newest);
      const life = this.#lives.get(newest.id);
      views.set(container.name, {
        state,
        id: newest.id,
        attempt: newest.attempt,
        started: state.phase === 'running' && (life?.started ?? false),
        ready: state.phase === 'running' && (life?.ready ?? false),
        ...(before?.phase === 'exited' ? { last: { state: before, id: handles.at(-2)?.id ?? '' } } : {}),
        ...(before === undefined && lost !== undefined ? { last: { state: lost.state, id: lost.id } } : {}),
      });
    }
    this.#views = views;
  }

  #anyRunning(): boolean {
    return [...this.#attempts.values()].some((handles) => handles.at(-1)?.state().phase === 'running');
  }

  /** Can the node take it? If not it fails at once, as the kubelet rejects pods. */
  #admit(): boolean {
    const refusal = this.#deps.admit(this.#pod);
    if (refusal === undefined) {
      this.#admitted = true;
      const annotation = this.#deps.devices.annotation(this.uid);
      if (annotation !== undefined) void this.#deps.annotate(this.#pod, annotation);
      return true;
    }
    this.#verdict = {
      phase: 'Failed',
      reason: refusal.reason,
      message: `Pod was rejected: ${refusal.message}`,
    };
    this.#deps.recorder.event(this.#pod, 'Warning', refusal.reason, refusal.message);
    return false;
  }

  #deadlinePassed(): boolean {
    const seconds = this.#pod.spec?.activeDeadlineSeconds;
    const begun = this.#pod.status?.startTime;
    if (seconds === undefined || begun === undefined) return false;
    const end = Date.parse(begun) + seconds * 1000;
    if (this.#deps.clock.now() < end) {
      this.#wakeAt(end);
      return false;
    }
    const message = 'Pod was active on the node longer than the specified deadline';
    this.#verdict = { phase: 'Failed', reason: 'DeadlineExceeded', message };
    this.#deps.recorder.event(this.#pod, 'Normal', 'DeadlineExceeded', message);
    return true;
  }

  async #endBadly(): Promise<void> {
    await this.#stopAll(this.#graceMs());
    await this.#observe();
    this.#over = true;
    return this.#rest();
  }

  /** Terminal: the API keeps it, logs stay, everything else is given back. */
  #rest(): void {
    this.#over = true;
    this.#waiting.clear();
    this.#deps.devices.release(this.uid);
    this.#writer.request();
  }

  get facts(): PayloadContext['facts'] {
    const { hostIP, nodeName, allocatable } = this.#deps;
    return { podIP: this.ip ?? '', hostIP, nodeName, allocatable: allocatable() };
  }

  get payloadContext(): PayloadContext {
    return {
      pod: this.#pod,
      facts: this.facts,
      sources: this.#deps.sources,
      token: (audience, seconds) => this.#deps.tokens.token(this.#pod, audience, seconds),
    };
  }

  async #mountVolumes(): Promise<boolean> {
    if (this.#volumesReady) return true;
    try {
      await this.volumes.setUp(this.payloadContext);
      this.#volumesReady = true;
      return true;
    } catch (error) {
      this.#deps.recorder.event(this.#pod, 'Warning', 'FailedMount', (error as Error).message);
      // kubelet's back-off for volumes: half a second, doubling to two minutes.
      this.#wakeAt(this.#deps.clock.now() + Math.min(122_000, 500 * 2 ** this.#volumeTries++));
      return false;
    }
  }

  /** Once by every agent, so that nothing depends on what the one before it had done. */
  async #prepareClaims(): Promise<boolean> {
    const { spec, status } = this.#pod;
    if (this.claims !== undefined) return true;
    if (!spec?.resourceClaims?.length && status?.extendedResourceClaimStatus === undefined) return true;
    try {
      this.claims = await this.#deps.prepareClaims(this.#pod);
      return true;
    } catch (error) {
      const message = `Failed to prepare dynamic resources: ${(error as Error).message}`;
      this.#deps.recorder.event(this.#pod, 'Warning', 'FailedPrepareDynamicResources', message);
      this.#wakeAt(this.#deps.clock.now() + Math.min(122_000, 500 * 2 ** this.#claimTries++));
      return false;
    }
  }

  /** Brings configMap, secret and token volumes up to date; failures are tried again at the next call. */
  async refreshVolumes(): Promise<void> {
    if (!this.#volumesReady || this.#terminating || this.#gone || isTerminalPhase(this.#pod.status)) return;
    this.#refreshing = this.volumes.setUp(this.payloadContext).catch((error: unknown) => {
      this.#deps.logger.debug({ pod: this.#key, error: String(error) }, 'volumes were not refreshed');
    });
    await this.#refreshing;
  }

  #decide(): Decision {
    const { clock, backOff } = this.#deps;
    return decide(this.#pod, this.#views, clock.now(), (name, end) =>
      backOff.until(`${this.uid}/${name}`, end.finishedAt),
    );
  }

  /** CrashLoopBackOff of those that must wait. */
  #holdBack(decision: Decision): void {
    for (const [name, at] of decision.backOff) {
      const seconds = Math.round(this.#deps.backOff.delayOf(`${this.uid}/${name}`) / 1000);
      const shown = `${seconds >= 60 ? `${Math.floor(seconds / 60)}m` : ''}${seconds % 60}s`;
      const end = this.#views.get(name)?.state;
      const failedStart = end?.phase === 'exited' && end.reason === 'StartError';
      const { name: pod, namespace } = this.#pod.metadata;
      if (!this.#waiting.has(name))
        this.#event(
          name,
          'Warning',
          'BackOff',
          `Back-off restarting failed container ${name} in pod ${pod}_${namespace}(${this.uid})`,
        );
      this.#waiting.set(name, {
        reason: failedStart ? 'RunContainerError' : 'CrashLoopBackOff',
        message: failedStart
          ? (end.message ?? '')
          : `back-off ${shown} restarting failed container=${name} pod=${pod}_${namespace}(${this.uid})`,
      });
      this.#wakeAt(at);
    }
  }

  async #start(container: Container, kind: 'init' | 'app' | 'ephemeral', attempt: number): Promise<void> {
    const key = `${this.uid}/${container.name}`;
    const before = this.#views.get(container.name)?.state;
    try {
      const spec = await startSpec(this.#deps, this, container, kind, attempt);
      if (before?.phase === 'exited') this.#deps.backOff.restarted(key, before.startedAt, before.finishedAt);
      const handle = await this.#deps.runtime.start(spec);
      this.#waiting.delete(container.name);
      this.#remember(handle);
      this.#event(container.name, 'Normal', 'Created', `Created container: ${container.name}`);
      const state = handle.state();
      if (state.phase === 'exited' && state.reason === 'StartError') {
        this.#event(container.name, 'Warning', 'Failed', `Error: ${state.message ?? 'cannot start'}`);
        this.#again = true;
      } else this.#event(container.name, 'Normal', 'Started', `Started container ${container.name}`);
    } catch (error) {
      this.#notStarted(container, error);
    }
    await this.#observe();
  }

  #notStarted(container: Container, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof MountError) this.#event(container.name, 'Warning', 'FailedMount', message);
    else this.#event(container.name, 'Warning', 'Failed', `Error: ${message}`);
    if (error instanceof ContainerConfigError)
      this.#waiting.set(container.name, { reason: 'CreateContainerConfigError', message });
    else if (error instanceof MountError)
      this.#waiting.set(container.name, { reason: 'ContainerCreating', message });
    else this.#waiting.set(container.name, { reason: 'CreateContainerError', message });
    this.#wakeAt(this.#deps.clock.now() + this.#deps.retryMs);
  }

  #remember(handle: ContainerHandle): void {
    const handles = [...(this.#attempts.get(handle.name) ?? []), handle];
    this.#attempts.set(handle.name, handles.slice(-2));
    for (const old of handles.slice(0, -2)) {
      this.#messages.delete(old.id);
      void this.#deps.runtime.removeContainer(old.id).catch(() => undefined);
    }
  }

  #beginLife(container: Container, handle: ContainerHandle): void {
    if (this.#lives.has(handle.id)) return;
    const known = [
      ...(this.#pod.status?.initContainerStatuses ?? []),
      ...(this.#pod.status?.containerStatuses ?? []),
    ].find((each) => each.containerID === handle.id);
    const life = new AttemptLife(this.#deps, container, handle, {
      podIP: () => this.ip ?? '127.0.0.1',
      changed: () => this.wake(),
      event: (type, reason, message) => this.#event(container.name, type, reason, message),
      known: known?.started === undefined ? undefined : { started: known.started, ready: known.ready },
    });
    this.#lives.set(handle.id, life);
    life.begin();
  }

  #endLife(id: string): void {
    this.#lives.get(id)?.close();
    this.#lives.delete(id);
  }

  /** Kills containers whose probes or start hook condemned them; they are restarted by the ordinary rules. */
  async #restartUnhealthy(): Promise<void> {
    for (const [name, handles] of this.#attempts) {
      const newest = handles.at(-1);
      const life = newest === undefined ? undefined : this.#lives.get(newest.id);
      if (newest === undefined || life?.condemned === undefined) continue;
      const { why, graceSeconds } = life.condemned;
      await this.#stop(name, (graceSeconds ?? this.#graceMs() / 1000) * 1000, why);
      this.#again = true;
    }
  }

  /** A pod that the API has no longer was deleted by force: kubelet's least, a second. */
  #graceMs(): number {
    if (this.#removed) return 1000;
    const { metadata, spec } = this.#pod;
    const seconds = metadata.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds ?? 30;
    return Math.max(1, seconds) * 1000;
  }

  /** preStop, then the stop signal, then the kill, all within the grace period. */
  async #stop(name: string, graceMs: number, why: string): Promise<void> {
    const handle = this.handle(name);
    if (handle === undefined || handle.state().phase === 'exited') return;
    const text = why.includes(' ') && why !== 'Stopping container' ? why : `${why} ${name}`;
    this.#event(name, 'Normal', 'Killing', text);
    const container = containersOf(this.#pod).find((each) => each.container.name === name)?.container;
    const life = this.#lives.get(handle.id);
    life?.stopProbes();
    const begun = this.#deps.clock.now();
    if (container?.lifecycle?.preStop !== undefined && life !== undefined) await life.preStop(graceMs);
    // A hook that used the time up leaves the least: kubelet gives 2 seconds.
    const left = Math.max(Math.min(2000, graceMs), graceMs - (this.#deps.clock.now() - begun));
    this.#stopping.add(handle.id);
    try {
      await this.#deps.runtime.stop(handle.id, left);
    } finally {
      this.#stopping.delete(handle.id);
    }
  }

  /** All at once, then sidecars one after the other, last first. */
  async #stopAll(graceMs: number): Promise<void> {
    const sidecars = (this.#pod.spec?.initContainers ?? []).filter(isSidecar).map((each) => each.name);
    const others = [...this.#attempts.keys()].filter((name) => !sidecars.includes(name));
    const end = this.#deps.clock.now() + graceMs;
    await Promise.all(others.map((name) => this.#stop(name, graceMs, 'Stopping container')));
    for (const name of sidecars.toReversed())
      await this.#stop(name, Math.max(1000, end - this.#deps.clock.now()), 'Stopping container');
  }

  /** Deletion: end everything, report how it ended, give everything back, then let the API forget it. */
  async #terminate(): Promise<void> {
    if (!this.#terminating) {
      this.#terminating = true;
      this.#cancelTimer?.();
    }
    this.#waiting.clear();
    await this.#stopAll(this.#graceMs());
    await this.#observe();
    this.#over = true;
    if (!this.#removed) await this.#writer.flush();
    for (const id of this.#lives.keys()) this.#endLife(id);
    await this.#deps.runtime.removeSandbox(this.uid);
    // One under way would make again what is removed here.
    await this.#refreshing;
    await this.volumes.tearDown();
    this.#deps.devices.release(this.uid);
    this.#deps.tokens.forget(this.uid);
    for (const { container } of containersOf(this.#pod))
      this.#deps.backOff.forget(`${this.uid}/${container.name}`);
    if (!this.#removed) {
      try {
        const { name, namespace } = this.#pod.metadata;
        await this.#deps.client.delete(Pod, name, {
          namespace,
          gracePeriodSeconds: 0,
          preconditions: { uid: this.uid },
        });
      } catch (error) {
        if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error;
      }
    }
    this.#gone = true;
    this.close();
    this.#deps.gone(this.uid);
  }

  #event(container: string, type: 'Normal' | 'Warning', reason: string, message: string): void {
    const { name, namespace, uid } = this.#pod.metadata;
    const list = containersOf(this.#pod).find((each) => each.container.name === container)?.kind;
    const field =
      list === 'init' ? 'initContainers' : list === 'ephemeral' ? 'ephemeralContainers' : 'containers';
    this.#deps.recorder.event(
      {
        apiVersion: 'v1',
        kind: 'Pod',
        name,
        uid,
        ...(namespace === undefined ? {} : { namespace }),
        fieldPath: `spec.${field}{${container}}`,
      },
      type,
      reason,
      message,
    );
  }

  #wakeAt(at: number): void {
    const { clock } = this.#deps;
    if (at >= this.#timerAt && this.#timerAt > clock.now()) return;
    this.#cancelTimer?.();
    this.#timerAt = at;
    this.#cancelTimer = clock.after(Math.max(0, at - clock.now()), () => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.wake();
    });
  }

  status(): PodStatus {
    return podStatus({
      pod: this.#pod,
      views: this.#views,
      waiting: this.#shownWaiting(),
      messages: this.#messages,
      podIP: this.ip,
      hostIP: this.#deps.hostIP,
      verdict: this.#verdict,
      over: this.#over,
      now: this.#deps.clock.now(),
    });
  }

  /** A container about to be restarted, with no back-off, shows how it ended rather than why it waits. */
  #shownWaiting(): ReadonlyMap<string, Waiting> {
    const shown = new Map<string, Waiting>();
    for (const [name, waiting] of this.#waiting) {
      const state = this.#views.get(name)?.state;
      const container = containersOf(this.#pod).find((each) => each.container.name === name)?.container;
      const final =
        state?.phase === 'exited' && container !== undefined && !shouldRestart(this.#pod, container, state);
      if (state?.phase !== 'running' && !final) shown.set(name, waiting);
    }
    return shown;
  }
}
