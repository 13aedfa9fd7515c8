/** A job that does not fit as things are: whether others can be made to leave. */
import type { RunState } from '../run-state.ts';
import type { SimJob } from '../sim-job.ts';
import type { Pass } from './pass.ts';

/** True if the job's pods are placed now. Jobs that had to leave wait in the pass. */
export function makeRoom(state: RunState, job: SimJob, pass: Pass): boolean {
  void state;
  void job;
  void pass;
  return false;
}
