/** A thread of an experiment: makes the runs it is told to make, one after the other. */
import { parentPort } from 'node:worker_threads';
import { runTask, type Task } from './task.ts';

const port = parentPort!;

port.on('message', (task: Task) => {
  try {
    port.postMessage(runTask(task), []);
  } catch (error) {
    port.postMessage({ error: error instanceof Error ? error.message : String(error) }, []);
  }
});
