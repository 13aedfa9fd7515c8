/**
 * Runs of a sweep on worker threads. What comes back is in the order of the tasks whatever the threads' pace; only figures are
 * kept of a run unless its detail is asked for, so that memory does not grow with the sweep.
 */
import { Worker } from 'node:worker_threads';
import type { RunningRun } from '../report/terminal/progress.ts';
import { ScenarioError } from '../scenario/scenario-error.ts';
import { createInTurn } from './in-turn.ts';
import type { FromWorker, RunOutcome, SweepTask, ToWorker } from './protocol.ts';

/** Told as it happens. */
export interface SweepListener {
  /** So many runs are asked for. */
  started?(runs: number): void;
  /** The runs that are under way. */
  running(runs: readonly RunningRun[]): void;
  finished(outcome: RunOutcome): void;
}

export interface SweepOptions {
  /** 1: all in this thread. */
  readonly threads: number;
  /** When it is aborted the threads end, and what is done is the result. */
  readonly signal: AbortSignal;
  readonly listener?: SweepListener | undefined;
}

/** Runs tasks; may be called several times. */
export interface Sweeper {
  /** By task; undefined: it was not done when the signal came. Throws ScenarioError where a scenario cannot be run. */
  run(tasks: readonly SweepTask[]): Promise<(RunOutcome | undefined)[]>;
  close(): Promise<void>;
}

/** Beside this file: as it is in the sources, or as scripts/bundle.ts names it. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './simulator-worker.mjs',
  import.meta.url,
);

export function createSweeper({ threads, signal, listener }: SweepOptions): Sweeper {
  if (threads <= 1) return createInTurn({ signal, listener });
  const workers: Worker[] = [];
  return {
    async run(tasks) {
      listener?.started?.(tasks.length);
      const outcomes = Array.from<unknown, RunOutcome | undefined>(tasks, () => undefined);
      const running = new Map<number, RunningRun>();
      let next = 0;
      const busy = Math.min(threads, tasks.length);
      while (workers.length < busy) workers.push(new Worker(workerFile));
      await Promise.all(
        workers.slice(0, busy).map(
          (worker) =>
            new Promise<void>((resolve, reject) => {
              const listeners = new AbortController();
              const finish = (error?: Error): void => {
                listeners.abort();
                worker.off('message', onMessage);
                worker.off('error', finish);
                if (error) reject(error);
                else resolve();
              };
              const give = (): void => {
                if (signal.aborted || next >= tasks.length) return finish();
                const index = next++;
                worker.postMessage({ index, task: tasks[index]! } satisfies ToWorker, []);
              };
              const onMessage = (message: FromWorker): void => {
                if (message.kind === 'progress') {
                  running.set(message.index, message.running);
                  return listener?.running([...running.values()]);
                }
                running.delete(message.index);
                if (message.kind === 'error') {
                  return finish(
                    message.user ? new ScenarioError(message.message) : new Error(message.message),
                  );
                }
                outcomes[message.index] = message.outcome;
                listener?.finished(message.outcome);
                give();
              };
              worker.on('message', onMessage);
              worker.on('error', finish);
              signal.addEventListener('abort', () => finish(), { signal: listeners.signal });
              give();
            }),
        ),
      );
      return outcomes;
    },
    async close() {
      await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
    },
  };
}
