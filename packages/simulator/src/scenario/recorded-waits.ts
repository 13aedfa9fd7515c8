import type { Job, RecordedWaits } from '../model/job.ts';
import { distribution } from '../report/distribution.ts';

/** What the jobs waited in truth, where readers say it: recordings in `waitedMs`, SWF logs in `waitSeconds`. Undefined: of none. */
export function recordedWaits(jobs: readonly Job[]): RecordedWaits | undefined {
  const waits = jobs.flatMap(({ about = {} }): number[] => {
    const { waitedMs, waitSeconds } = about;
    if (typeof waitedMs === 'number') return [waitedMs];
    return typeof waitSeconds === 'number' && waitSeconds >= 0 ? [waitSeconds * 1000] : [];
  });
  if (waits.length === 0) return undefined;
  const { count, mean, p95 } = distribution(Float64Array.from(waits));
  return { jobs: count, meanMs: mean, p95Ms: p95 };
}
