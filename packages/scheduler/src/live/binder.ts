/**
 * Sends bindings to the API server, so many at a time. A binding either takes effect once or not at all: after an error
 * that leaves it open (no answer), the pod itself is asked.
 */
import { ConnectionError, type Client } from '@coracle/client';
import { ApiError, isReason } from '@coracle/machinery';
import { Pod } from '@coracle/machinery/api';
import type { PodInfo } from '../core/index.ts';

/** `bound`: the pod is on the node. `gone`: there is no such pod any more. `failed`: it is not bound; try again. */
export type BindResult =
  | { readonly outcome: 'bound' }
  | { readonly outcome: 'gone' }
  | { readonly outcome: 'failed'; readonly error: unknown };

interface Job {
  readonly pod: PodInfo;
  readonly nodeName: string;
  readonly done: (result: BindResult) => void;
}

export class Binder {
  readonly #client: Client;
  readonly #concurrency: number;
  readonly #jobs: Job[] = [];
  readonly #idle = new Set<() => void>();
  #running = 0;

  constructor(client: Client, concurrency: number) {
    this.#client = client;
    this.#concurrency = concurrency;
  }

  /** Bindings not finished. */
  get pending(): number {
    return this.#jobs.length + this.#running;
  }

  bind(pod: PodInfo, nodeName: string, done: (result: BindResult) => void): void {
    this.#jobs.push({ pod, nodeName, done });
    this.#pump();
  }

  /** Drops what has not been sent and resolves when all that was sent has its answer. */
  async stop(): Promise<void> {
    this.#jobs.length = 0;
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.add(resolve));
  }

  #pump(): void {
    while (this.#running < this.#concurrency && this.#jobs.length > 0) {
      const job = this.#jobs.shift()!;
      this.#running++;
      void this.#send(job).then((result) => {
        this.#running--;
        job.done(result);
        this.#pump();
        if (this.#running > 0) return;
        for (const resolve of this.#idle) resolve();
        this.#idle.clear();
      });
    }
  }

  async #send({ pod, nodeName }: Job): Promise<BindResult> {
    const { name, namespace, uid } = pod.pod.metadata;
    try {
      await this.#client.createSubresource(
        Pod,
        name,
        'binding',
        {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { name, namespace, uid },
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
      return open ? this.#ask(pod, nodeName, error) : { outcome: 'failed', error };
    }
  }

  /** What became of a binding whose answer does not say. */
  async #ask(info: PodInfo, nodeName: string, error: unknown): Promise<BindResult> {
    const { name, namespace, uid } = info.pod.metadata;
    try {
      const pod = await this.#client.get(Pod, name, { namespace });
      if (pod.metadata.uid !== uid || pod.metadata.deletionTimestamp) return { outcome: 'gone' };
      if (pod.spec?.nodeName === nodeName) return { outcome: 'bound' };
      // Somebody else bound it: not ours any more, and its event will say where it is.
      return pod.spec?.nodeName ? { outcome: 'gone' } : { outcome: 'failed', error };
    } catch (asked) {
      return isReason(asked, 'NotFound') ? { outcome: 'gone' } : { outcome: 'failed', error };
    }
  }
}
