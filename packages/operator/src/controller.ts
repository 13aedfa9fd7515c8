import { isReason } from '@coracle/machinery';
import type { Clock, Component, ControllerOptions, Informer, Logger, WorkQueue } from './contracts.ts';
import { createTurns } from './turns.ts';
import { createWorkQueue } from './work-queue.ts';

export interface ControllerDeps {
  clock: Clock;
  logger: Logger;
}

/** A controller, and the queue that its informers' handlers feed. */
export interface Controller extends Component {
  readonly queue: WorkQueue;
}

/**
 * Runs `reconcile` for each key of its queue. `start` waits until the informers in `waitFor` are ready (start their factory
 * first, or at the same time), then starts the workers and resolves. `stop` lets the reconciles under way end, after
 * aborting their signal. Keys may be added from the beginning; a controller once stopped stays so.
 */
export function createController(
  deps: ControllerDeps,
  options: ControllerOptions & {
    waitFor?: readonly Pick<Informer, 'ready'>[];
    /** Back-off of failing keys; client-go's 5 ms to 1000 s unless said. */
    baseDelayMs?: number;
    maxDelayMs?: number;
  },
): Controller {
  const { clock, logger } = deps;
  const queue = createWorkQueue<string>({
    clock,
    ...(options.baseDelayMs === undefined ? {} : { baseDelayMs: options.baseDelayMs }),
    ...(options.maxDelayMs === undefined ? {} : { maxDelayMs: options.maxDelayMs }),
  });
  const stopping = new AbortController();
  const turns = createTurns();
  let workers: Promise<void>[] = [];

  const work = async (key: string): Promise<void> => {
    try {
      const result = await options.reconcile(key, { signal: stopping.signal });
      queue.forget(key);
      if (result?.requeueAfterMs !== undefined) queue.addAfter(key, result.requeueAfterMs);
    } catch (error) {
      if (stopping.signal.aborted) return;
      const fields = { controller: options.name, key, error, retries: queue.retries(key) };
      if (isReason(error, 'Conflict') || isReason(error, 'NotFound')) {
        logger.debug(fields, 'reconcile met a newer state, trying again');
      } else logger.error(fields, 'reconcile failed, trying again');
      queue.addRateLimited(key);
    }
  };
  const worker = async (): Promise<void> => {
    for (let key = await queue.next(); key !== undefined; key = await queue.next()) {
      await work(key);
      queue.done(key);
      await turns.pause();
    }
  };

  return {
    name: options.name,
    queue,
    async start() {
      if (workers.length > 0 || stopping.signal.aborted) return;
      await Promise.all((options.waitFor ?? []).map((informer) => informer.ready()));
      if (stopping.signal.aborted) return;
      workers = Array.from({ length: options.workers ?? 4 }, worker);
    },
    async stop() {
      stopping.abort();
      queue.shutDown();
      await Promise.all(workers);
    },
  };
}
