/**
 * Decided pods on their way to their nodes. From the decision on a pod is assumed to be on its node; the assumption ends
 * when the informer shows the pod there, when the binding fails (the place is free again and the pod back in the queue),
 * or, if neither comes in time, by asking the server.
 */
import { isReason } from '@coracle/machinery';
import { Pod } from '@coracle/machinery/api';
import { releaseAll, type PodInfo, type Reservation, type SchedulingQueue } from '../core/index.ts';
import { Binder, type BindResult } from './binder.ts';
import type { Gate } from './gate.ts';
import type { Intake } from './intake.ts';
import type { SchedulerDeps } from './shared.ts';
import type { StatusWriter } from './status-writer.ts';

export interface BindingsDeps {
  readonly deps: SchedulerDeps;
  readonly queue: SchedulingQueue;
  readonly status: StatusWriter;
  readonly intake: Intake;
  /** uid -> node. */
  readonly assumed: ReadonlyMap<string, string>;
  /** There may be something to decide. */
  poke(): void;
  /** What answers change goes through it. */
  readonly gate: Gate;
}

export class Bindings {
  readonly #context: BindingsDeps;
  readonly #binder: Binder;
  /** Timers of bindings that are answered but not yet seen, by uid. */
  readonly #checks = new Map<string, () => void>();
  #stopped = false;

  constructor(context: BindingsDeps) {
    this.#context = context;
    const { client, clock, logger, recorder, config = {} } = context.deps;
    const concurrency = config.bindConcurrency ?? 64;
    this.#binder = new Binder({ client, clock, logger, recorder, concurrency });
  }

  /** Sent or to be sent, and not answered. */
  get pending(): number {
    return this.#binder.pending;
  }

  bind(pod: PodInfo, nodeName: string, reservations: readonly Reservation[]): void {
    this.#context.intake.assume(pod, nodeName);
    this.#context.status.cancel(pod.uid);
    this.#binder.bind(pod, nodeName, reservations, (result) => {
      if (result.outcome === 'bound') for (const reservation of reservations) reservation.settle?.();
      else releaseAll(reservations);
      this.#context.gate.run(() => this.#answered(pod, nodeName, result));
    });
  }

  /** The informer has shown the pod on its node, or it is gone. */
  settled(uid: string): void {
    this.#checks.get(uid)?.();
    this.#checks.delete(uid);
    this.#binder.cancel(uid);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#checks.values()) cancel();
    this.#checks.clear();
    await this.#binder.stop();
  }

  #answered(pod: PodInfo, nodeName: string, result: BindResult): void {
    const { deps, assumed, poke } = this.#context;
    const { recorder, clock, config = {} } = deps;
    const results = { bound: 'scheduled', failed: 'error', gone: undefined } as const;
    deps.metrics?.bound(pod.uid, results[result.outcome]);
    if (result.outcome === 'bound') {
      recorder.event(pod.pod, 'Normal', 'Scheduled', `Successfully assigned ${pod.key} to ${nodeName}`);
      if (!this.#stopped && assumed.has(pod.uid)) {
        const cancel = clock.after(config.assumeTimeoutMs ?? 30_000, () => void this.#check(pod, nodeName));
        this.#checks.set(pod.uid, cancel);
      }
    } else this.#failed(pod, nodeName, result);
    poke();
  }

  #failed(pod: PodInfo, nodeName: string, result: BindResult): void {
    const { deps, intake, status } = this.#context;
    if (!intake.release(pod) || result.outcome !== 'failed') return;
    deps.logger.warn({ pod: pod.key, node: nodeName, error: result.error }, 'binding failed');
    const text = result.error instanceof Error ? result.error.message : String(result.error);
    const message = result.step === 'write' ? text : `running Bind plugin "DefaultBinder": ${text}`;
    deps.recorder.event(pod.pod, 'Warning', 'FailedScheduling', message);
    status.pod(pod.pod, { reason: 'SchedulerError', message });
    this.#retry(pod, nodeName);
  }

  /** Back into the queue, after a pause. A gang keeps the place of a member for it: others of it may be bound. */
  #retry({ uid, pod }: PodInfo, nodeName: string): void {
    if (this.#stopped) return;
    const { deps, intake, queue } = this.#context;
    const current = deps.informers.informer(Pod).get(pod.metadata.name, pod.metadata.namespace);
    if (current?.metadata.uid !== uid || current.spec?.nodeName || current.metadata.deletionTimestamp) return;
    const unit = intake.enqueue(current, true);
    intake.keepPlace(unit, uid, nodeName);
    if (unit.state === 'active') queue.failed(unit, deps.clock.now(), new Set(), true);
  }

  /** The binding was answered but the informer has not shown it: what does the server say? */
  async #check(pod: PodInfo, nodeName: string): Promise<void> {
    this.#checks.delete(pod.uid);
    const { deps, intake, assumed, poke, gate } = this.#context;
    const { name, namespace } = pod.pod.metadata;
    const over = (): boolean => this.#stopped || !assumed.has(pod.uid);
    if (over()) return;
    try {
      const current = await deps.client.get(Pod, name, { namespace });
      gate.run(() => {
        if (over()) return;
        if (current.metadata.uid !== pod.uid) intake.podRemoved(pod.pod);
        else if (current.spec?.nodeName) intake.podChanged(undefined, current);
        else if (intake.release(pod)) this.#retry(pod, nodeName);
        poke();
      });
    } catch (error) {
      gate.run(() => {
        if (over()) return;
        if (isReason(error, 'NotFound')) intake.podRemoved(pod.pod);
        else this.#failed(pod, nodeName, { outcome: 'failed', step: 'bind', error });
        poke();
      });
    }
  }
}
