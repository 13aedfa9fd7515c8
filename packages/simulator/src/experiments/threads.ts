/** Runs of experiments on worker threads, or on this one. */
import { Worker } from 'node:worker_threads';
import { runTask, type Done, type Task } from './task.ts';

/** Beside this file: as it is in the sources, or as scripts/bundle.ts names it. */
const workerFile = new URL(
  import.meta.url.endsWith('.ts') ? './worker.ts' : './simulator-experiments-worker.mjs',
  import.meta.url,
);

/** In the order of the tasks. `finished` is told of each as it is done. */
export async function runTasks(
  tasks: readonly Task[],
  threads: number,
  finished?: (done: Done) => void,
): Promise<Done[]> {
  if (Math.min(threads, tasks.length) <= 1) {
    const results: Done[] = [];
    for (const task of tasks) {
      const done = runTask(task);
      finished?.(done);
      results.push(done);
      // Signals and output have their turn.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return results;
  }
  const results: Done[] = [];
  const todo = tasks.entries();
  const workers = Array.from({ length: Math.min(threads, tasks.length) }, () => new Worker(workerFile));
  const work = (worker: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      let at = -1;
      const give = (): void => {
        const { value } = todo.next();
        if (!value) return resolve();
        at = value[0];
        worker.postMessage(value[1], []);
      };
      worker.on('message', (done: Done | { readonly error: string }) => {
        if ('error' in done) return reject(new Error(done.error));
        results[at] = done;
        finished?.(done);
        give();
      });
      worker.on('error', reject);
      give();
    });
  try {
    await Promise.all(workers.map((worker) => work(worker)));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return results;
}
