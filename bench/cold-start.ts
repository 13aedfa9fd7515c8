/** From starting the process to `/readyz`, and the memory it then needs. */
import { setTimeout as sleep } from 'node:timers/promises';
import { freshFolder, median, removeFolder, report, startBundle } from './support.ts';

export async function coldStart(): Promise<void> {
  const first: number[] = [];
  const again: number[] = [];
  let idle = 0;
  for (let i = 0; i < 7; i += 1) {
    const folder = freshFolder();
    const fresh = await startBundle(folder);
    first.push(fresh.readyMs);
    if (i === 0) {
      await sleep(10_000);
      idle = fresh.residentMiB();
    }
    await fresh.stop();
    const second = await startBundle(folder);
    again.push(second.readyMs);
    await second.stop();
    removeFolder(folder);
  }
  report('cold start to /readyz, new data folder (median of 7)', median(first), 'ms');
  report('cold start to /readyz, existing data folder', median(again), 'ms');
  report('resident memory after 10 s idle', idle, 'MiB');
}
