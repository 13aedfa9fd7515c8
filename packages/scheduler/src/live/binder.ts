/**
 * Sends bindings to the API server, so many calls at a time. What a pod has reserved is written first, all of it, then the
 * binding. A binding either takes effect once or not at all: after an error that leaves it open (no answer), the pod itself
 * is asked.
 */
import { ConnectionError, type Client } from '@coracle/client';
import { ApiError, isReason } from '@coracle/machinery';
import { Pod } from '@coracle/machinery/api';
import type { Clock, EventRecorder, Logger } from '@coracle/operator';
import type { PodInfo, Reservation, ReservationIo } from '../core/index.ts';

/** `bound`: the pod is on the node. `gone`: there is no such pod any more. `failed`: it is not bound; try again. */
export type BindResult =
  | { readonly outcome: 'bound' }
  | { readonly outcome: 'gone' }
  /** `write`: what the pod reserved could not be written. */
  | { readonly outcome: 'failed'; readonly step: 'write' | 'bind'; readonly error: unknown };

interface Job {
  readonly pod: PodInfo;
  readonly nodeName: string;
  readonly reservations: readonly Reservation[];
  readonly done: (result: BindResult) => void;
}

export interface BinderDeps {
  readonly client: Client;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly recorder: EventRecorder;
  /** Calls under way at a time. */
  readonly concurrency: number;
}

export class Binder {
  readonly #deps: BinderDeps;
  readonly #stop = new AbortController();
  /** By pod uid: those whose reservations are being written. */
  readonly #writing = new Map<string, AbortController>();
  /** Calls that wait for their turn. */
  readonly #calls: (() => Promise<void>)[] = [];
  #head = 0;
  readonly #idle = new Set<() => void>();
  #running = 0;
  #unfinished = 0;

  constructor(deps: BinderDeps) {
    this.#deps = deps;
  }

  /** Calls under way or due. Reservations that wait for something else than their turn are not among them. */
  get pending(): number {
    return this.#calls.length - this.#head + this.#running;
  }

  bind(
    pod: PodInfo,
    nodeName: string,
    reservations: readonly Reservation[],
    done: (result: BindResult) => void,
  ): void {
    const job: Job = { pod, nodeName, reservations, done };
    this.#unfinished++;
    void this.#run(job).then((result) => {
      this.#unfinished--;
      // Stopped before it was sent: nobody asks any more.
      if (result) done(result);
      if (this.#unfinished > 0) return;
      for (const resolve of this.#idle) resolve();
      this.#idle.clear();
    });
  }

  /** Ends the writing of what the pod reserved: the pod is gone. */
  cancel(uid: string): void {
    this.#writing.get(uid)?.abort();
  }

  /** Drops what has not been sent and resolves when all that was sent has its answer. */
  async stop(): Promise<void> {
    this.#stop.abort();
    for (const writing of this.#writing.values()) writing.abort();
    if (this.#unfinished > 0) await new Promise<void>((resolve) => this.#idle.add(resolve));
  }

  /** Undefined: the scheduler stopped before the binding was sent. */
  async #run(job: Job): Promise<BindResult | undefined> {
    if (job.reservations.some(({ write }) => write !== undefined)) {
      const failed = await this.#write(job);
      if (failed || this.#stop.signal.aborted) return this.#stop.signal.aborted ? undefined : failed;
    }
    const sent = await this.#call(() => (this.#stop.signal.aborted ? undefined : this.#send(job)));
    if (sent && sent.outcome !== 'bound') await this.#undo(job);
    return sent;
  }

  /** Writes what the pod has reserved. Answers what went wrong. */
  async #write(job: Job): Promise<BindResult | undefined> {
    const { uid } = job.pod;
    const abort = new AbortController();
    this.#writing.set(uid, abort);
    try {
      const io = this.#io(job, abort.signal);
      for (const reservation of job.reservations) await reservation.write?.(io);
      return undefined;
    } catch (error) {
      await this.#undo(job);
      if (abort.signal.aborted) return { outcome: 'gone' };
      return { outcome: 'failed', step: 'write', error };
    } finally {
      this.#writing.delete(uid);
    }
  }

  async #undo(job: Job): Promise<void> {
    // When the scheduler stops, the next one finds what was written and goes on from there.
    if (this.#stop.signal.aborted) return;
    const io = this.#io(job, this.#stop.signal);
    for (const reservation of job.reservations.toReversed()) {
      try {
        await reservation.undo?.(io);
      } catch (error) {
        this.#deps.logger.warn({ pod: job.pod.key, error }, 'what was written for the pod is not taken back');
      }
    }
  }

  #io({ pod, nodeName }: Job, signal: AbortSignal): ReservationIo {
    const { client, clock, logger, recorder } = this.#deps;
    return {
      client,
      clock,
      logger,
      recorder,
      signal,
      pod,
      nodeName,
      call: (send) => this.#call(send),
    };
  }

  /** Runs it when it is its turn. */
  #call<T>(send: () => Promise<T> | T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#calls.push(async () => {
        try {
          resolve(await send());
        } catch (error) {
          reject(error as Error);
        }
      });
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#running < this.#deps.concurrency && this.#head < this.#calls.length) {
      const call = this.#calls[this.#head++]!;
      if (this.#head === this.#calls.length) {
        this.#calls.length = 0;
        this.#head = 0;
      }
      this.#running++;
      void call().then(() => {
        this.#running--;
        this.#pump();
      });
    }
  }

  async #send({ pod, nodeName, reservations }: Job): Promise<BindResult> {
    const { name, namespace, uid } = pod.pod.metadata;
    try {
      await this.#deps.client.createSubresource(
        Pod,
        name,
        'binding',
        {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { name, namespace, uid, ...annotationsOf(reservations) },
          target: { apiVersion: 'v1', kind: 'Node', name: nodeName },
        },
        { namespace },
      );
      return { outcome: 'bound' };
    } catch (error) {
      if (isReason(error, 'NotFound')) return { outcome: 'gone' };
      // A conflict says that somebody was first, a server error or silence says nothing: ask.
      const open =
        error instanceof ConnectionError ||
        (error instanceof ApiError && (error.reason === 'Conflict' || error.code >= 500));
      return open ? this.#ask(pod, nodeName, error) : { outcome: 'failed', step: 'bind', error };
    }
  }

  /** What became of a binding whose answer does not say. */
  async #ask(info: PodInfo, nodeName: string, error: unknown): Promise<BindResult> {
    const { name, namespace, uid } = info.pod.metadata;
    try {
      const pod = await this.#deps.client.get(Pod, name, { namespace });
      if (pod.metadata.uid !== uid || pod.metadata.deletionTimestamp) return { outcome: 'gone' };
      if (pod.spec?.nodeName === nodeName) return { outcome: 'bound' };
      // Somebody else bound it: not ours any more, and its event will say where it is.
      return pod.spec?.nodeName ? { outcome: 'gone' } : { outcome: 'failed', step: 'bind', error };
    } catch (asked) {
      return isReason(asked, 'NotFound') ? { outcome: 'gone' } : { outcome: 'failed', step: 'bind', error };
    }
  }
}

/** What reservations put on the pod with the binding. */
function annotationsOf(reservations: readonly Reservation[]): { annotations?: Record<string, string> } {
  let annotations: Record<string, string> | undefined;
  for (const { bindingAnnotations } of reservations) {
    if (bindingAnnotations) annotations = { ...annotations, ...bindingAnnotations };
  }
  return annotations ? { annotations } : {};
}
