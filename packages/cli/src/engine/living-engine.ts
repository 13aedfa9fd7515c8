import { lockHolder } from '@coracle/store';
import { runningEngine } from './home.ts';
import type { Home, RunningEngine } from './home.ts';

/**
 * The engine that has this folder's store open, as it wrote itself down; undefined if there is none. Surer than `runningEngine`,
 * and slower to load: after kill -9 the process id in the note may be a zombie's, or by now that of any other process.
 */
export async function livingEngine(home: Home): Promise<RunningEngine | undefined> {
  const engine = await runningEngine(home);
  return engine && lockHolder(home.store) === engine.pid ? engine : undefined;
}
