/** A thread of a sweep: makes the runs it is told to make, one after the other. */
import { parentPort } from 'node:worker_threads';
import { ScenarioError } from '../scenario/scenario-error.ts';
import { InputError } from '../inputs/input-error.ts';
import type { RunResult } from '../model/result.ts';
import { createRunner } from './runner.ts';
import type { FromWorker, ToWorker } from './protocol.ts';

const port = parentPort!;
const runner = createRunner();

port.on('message', ({ index, task }: ToWorker) => {
  try {
    const outcome = runner.run(task, (running) =>
      port.postMessage({ kind: 'progress', index, running } satisfies FromWorker),
    );
    const { result } = outcome;
    port.postMessage({ kind: 'done', index, outcome } satisfies FromWorker, result ? buffersOf(result) : []);
  } catch (error) {
    const user = error instanceof ScenarioError || error instanceof InputError;
    const message = !(error instanceof Error)
      ? String(error)
      : user
        ? error.message
        : (error.stack ?? error.message);
    port.postMessage({ kind: 'error', index, message, user } satisfies FromWorker);
  }
});

/** Columns go over without a copy. */
function buffersOf({ jobs, series, heat, gantt }: RunResult): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  for (const part of [jobs, series, heat, gantt]) {
    for (const value of Object.values(part) as unknown[]) {
      if (ArrayBuffer.isView(value) && value.buffer instanceof ArrayBuffer) found.add(value.buffer);
    }
  }
  return [...found];
}
