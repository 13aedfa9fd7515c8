/** Engines for tests: each in a folder of its own, on a free port, gone when the test ends. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@coracle/operator';
import { startEngine } from '../../packages/cli/src/engine/engine.ts';
import type { Engine, EngineOptions } from '../../packages/cli/src/engine/engine.ts';
import { homeOf } from '../../packages/cli/src/engine/home.ts';

export interface TestEngine extends Engine {
  folder: string;
}

/** Starts an engine; `close` ends it and removes its folder. */
export async function testEngine(options: Partial<EngineOptions> = {}): Promise<TestEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-test-'));
  const engine = await startEngine({
    home: homeOf(folder, {}),
    host: '127.0.0.1',
    port: 0,
    fakeGpus: 4,
    virtualNodes: 0,
    nodeName: 'test-node',
    logger: silentLogger,
    ...options,
  });
  return Object.assign(Object.create(engine) as Engine, {
    folder,
    async close() {
      await engine.close();
      await rm(folder, { recursive: true, force: true });
    },
  });
}
