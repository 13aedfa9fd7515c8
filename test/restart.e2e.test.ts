/** An engine that is stopped and started again: what ran goes on. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Pod } from '@coracle/machinery/api';
import { silentLogger } from '@coracle/operator';
import { TrainJob } from '@coracle/training';
import { startEngine } from '../packages/cli/src/engine/engine.ts';
import type { Engine } from '../packages/cli/src/engine/engine.ts';
import { homeOf } from '../packages/cli/src/engine/home.ts';
import { until } from './support/until.ts';

test('a TrainJob whose engine is stopped in the middle starts over with the next one, and completes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coracle-restart-'));
  const start = (): Promise<Engine> =>
    startEngine({
      home: homeOf(folder, {}),
      host: '127.0.0.1',
      port: 0,
      fakeGpus: 2,
      virtualNodes: 0,
      nodeName: 'test-node',
      logger: silentLogger,
    });
  const at = { namespace: 'default' };
  const marker = join(folder, 'go');
  const pods = async (engine: Engine): Promise<Pod[]> => (await engine.admin.list(Pod, at)).items;
  let engine = await start();
  try {
    await engine.admin.create(
      TrainJob,
      {
        metadata: { name: 'long', namespace: 'default' },
        spec: {
          runtimeRef: { name: 'plain' },
          trainer: {
            numNodes: 2,
            command: ['sh', '-c', `while [ ! -e '${marker}' ]; do sleep 0.05; done`],
            resourcesPerNode: { limits: { 'nvidia.com/gpu': '1' } },
          },
        },
      },
      at,
    );
    const first = await until('both workers run', async () => {
      const list = await pods(engine);
      return list.length === 2 && list.every((pod) => pod.status?.phase === 'Running') && list;
    });
    await engine.close();

    engine = await start();
    const uids = new Set(first.map((pod) => pod.metadata.uid));
    const second = await until('two other workers run', async () => {
      const list = (await pods(engine)).filter(
        (pod) => pod.status?.phase === 'Running' && !uids.has(pod.metadata.uid),
      );
      return list.length === 2 && list;
    });
    // The cards of the first two are free again.
    const cards = second.map((pod) => pod.metadata.annotations?.['coracle.dev/gpu-ids']);
    expect(new Set(cards).size).toBe(2);

    await writeFile(marker, '');
    await until('the TrainJob completes', async () => {
      const job = await engine.admin.get(TrainJob, 'long', at);
      expect(job.status?.conditions?.some((c) => c.type === 'Failed' && c.status === 'True') ?? false).toBe(
        false,
      );
      return job.status?.conditions?.some((c) => c.type === 'Complete' && c.status === 'True');
    });
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
