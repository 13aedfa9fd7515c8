/**
 * Writes a pod's status beside the passes over the pod, never in their way, so that a slow API delays no start. Changes that
 * come while a write is under way become one write after it.
 */
import type { Client } from '@coracle/client';
import { ApiError, isReason } from '@coracle/machinery';
import { Pod, type PodStatus } from '@coracle/machinery/api';
import { type Clock, type Logger, patchStatus } from '@coracle/operator';

export interface StatusWriterDeps {
  client: Client;
  clock: Clock;
  logger: Logger;
}
/** The pod whose status it is. */
export interface StatusSubject {
  readonly pod: Pod;
  /** The API has it no longer. */
  readonly isRemoved: boolean;
  /** As it is now. */
  status(): PodStatus;
  /** A newer version of the pod. */
  learned(pod: Pod): void;
  /** The write was given up: have it tried again later. */
  failed(): void;
}

const mostTries = 5;

export class StatusWriter {
  readonly #deps: StatusWriterDeps;
  readonly #subject: StatusSubject;
  #writing: Promise<void> | undefined;
  #again = false;
  #closed = false;

  constructor(deps: StatusWriterDeps, subject: StatusSubject) {
    this.#deps = deps;
    this.#subject = subject;
  }

  /** The status may have changed. */
  request(): void {
    if (!this.#closed) void this.flush();
  }

  /** Resolves when the status of now has been written, or given up. */
  flush(): Promise<void> {
    this.#again = true;
    this.#writing ??= this.#run().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  close(): void {
    this.#closed = true;
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false;
      await this.#send();
    }
  }

  /** Writes the status if it differs; on a conflict looks at the pod again. */
  async #send(): Promise<void> {
    const { client, clock, logger } = this.#deps;
    const subject = this.#subject;
    const { name, namespace, uid } = subject.pod.metadata;
    for (let tries = 0; tries < mostTries && !subject.isRemoved; tries++) {
      try {
        subject.learned(await patchStatus(client, Pod, subject.pod, subject.status()));
        return;
      } catch (error) {
        if (isReason(error, 'NotFound')) return;
        if (error instanceof ApiError && error.code < 500 && error.reason !== 'Conflict') {
          logger.error({ pod: `${namespace}/${name}`, error: error.message }, 'the pod status was refused');
          return;
        }
        if (isReason(error, 'Conflict')) {
          const fresh = await client.get(Pod, name, { namespace }).catch(() => undefined);
          // Another pod of the same name: ours is gone, and the informer will say so.
          if (fresh !== undefined && fresh.metadata.uid !== uid) return;
          if (fresh !== undefined) {
            subject.learned(fresh);
            continue;
          }
        }
        await new Promise<void>((resolve) => clock.after(200 * 2 ** tries, resolve));
      }
    }
    if (!subject.isRemoved) subject.failed();
  }
}
