/** docs/gpus.md: its examples run, on a node with declared cards. */
import { Pod, ResourceClaim, ResourceSlice, ServiceAccount } from '@coracle/machinery/api';
import { silentLogger } from '@coracle/operator';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startEngine, type Engine } from '../src/engine/engine.ts';
import { parseManifests } from '../src/manifests.ts';

const page = fileURLToPath(new URL('../../../docs/gpus.md', import.meta.url));
const inDefault = { namespace: 'default' };
const until = (check: () => Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 20_000, interval: 50 });

let engine: Engine;
let blocks: string[];
beforeAll(async () => {
  engine = await startEngine({
    host: '127.0.0.1',
    port: 0,
    virtualNodes: 0,
    nodeName: 'here',
    fakeGpus: 4,
    fakeGpuTopology: 'dgx',
    fakeGpuMig: true,
    logger: silentLogger,
  });
  await until(async () => {
    expect((await engine.admin.list(ServiceAccount, inDefault)).items).not.toEqual([]);
    expect((await engine.admin.list(ResourceSlice)).items.length).toBe(2);
  });
  blocks = [...(await readFile(page, 'utf8')).matchAll(/^```yaml\n([^]*?)^```/gm)].map(([, yaml]) => yaml!);
}, 30_000);
afterAll(async () => {
  await engine?.close();
});

const types = { Pod, ResourceClaim };
const create = async (text: string): Promise<void> => {
  for (const { object } of parseManifests(text, 'gpus.md', '/')) {
    await engine.admin.create(types[object.kind as 'Pod'], object as unknown as Pod, inDefault);
  }
};
const podOf = (name: string): Promise<Pod> => engine.admin.get(Pod, name, inDefault);
const logOf = async (name: string): Promise<string> => {
  let log = '';
  for await (const chunk of engine.admin.logs(name, inDefault)) log += Buffer.from(chunk).toString();
  return log.trim();
};

describe('docs/gpus.md', () => {
  test('every pod of the page runs and sees cards', async () => {
    const manifests = blocks.filter((block) => /^kind: (Pod|ResourceClaim)$/m.test(block));
    expect(manifests.length).toBeGreaterThan(3);
    for (const block of manifests) await create(block);
    const names = manifests.flatMap((block) =>
      [...block.matchAll(/^kind: Pod\nmetadata:\n {2}name: (\S+)/gm)].map(([, name]) => name!),
    );
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) {
      await until(async () => expect([name, (await podOf(name)).status?.phase]).toEqual([name, 'Succeeded']));
      expect(await logOf(name)).toMatch(/^(GPU|MIG)-/);
    }
  });

  test('pods that take parts of cards are put on one card, and see it', async () => {
    const part = (name: string, milli: string): Pod =>
      ({
        metadata: { name, annotations: { 'alibabacloud.com/gpu-milli': milli } },
        spec: {
          schedulerName: 'coracle-fgd',
          restartPolicy: 'Never',
          containers: [
            { name: 'main', image: 'none', command: ['sh', '-c', 'echo $NVIDIA_VISIBLE_DEVICES; sleep 60'] },
          ],
        },
      }) as unknown as Pod;
    for (const [name, milli] of [
      ['half', '500'],
      ['other-half', '500'],
      ['third', '300'],
    ] as const) {
      await engine.admin.create(Pod, part(name, milli), inDefault);
      await until(async () => expect((await podOf(name)).status?.phase).toBe('Running'));
    }
    const cards = await Promise.all(
      ['half', 'other-half', 'third'].map(
        async (name) => (await podOf(name)).metadata.annotations?.['alibabacloud.com/gpu-index'],
      ),
    );
    expect(cards[1]).toBe(cards[0]);
    expect(cards[2]).not.toBe(cards[0]);
    await until(async () => expect(await logOf('half')).toBe(await logOf('other-half')));
  });
});
