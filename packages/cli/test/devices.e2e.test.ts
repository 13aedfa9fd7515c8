/** docs/devices.md: its manifest runs, and every request in it is accepted and can be had, on a node with declared cards. */
import { Pod, ResourceClaim, ResourceClaimTemplate, ServiceAccount } from '@coracle/machinery/api';
import { silentLogger } from '@coracle/operator';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { load as parse } from 'js-yaml';
import { startEngine, type Engine } from '../src/engine/engine.ts';
import { parseManifests } from '../src/manifests.ts';

const page = fileURLToPath(new URL('../../../docs/devices.md', import.meta.url));
const inDefault = { namespace: 'default' };
const until = (check: () => Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 10_000, interval: 50 });
const types = { Pod, ResourceClaimTemplate };

let engine: Engine;
let blocks: string[];
beforeAll(async () => {
  engine = await startEngine({
    host: '127.0.0.1',
    port: 0,
    virtualNodes: 0,
    nodeName: 'here',
    fakeGpus: 8,
    fakeGpuTopology: 'dgx',
    logger: silentLogger,
  });
  await until(async () => expect((await engine.admin.list(ServiceAccount, inDefault)).items).not.toEqual([]));
  blocks = [...(await readFile(page, 'utf8')).matchAll(/^```yaml\n([^]*?)^```/gm)].map(([, yaml]) => yaml!);
}, 30_000);
afterAll(() => engine?.close());

/** How the pod ended, or what it waits for. */
const phase = async (name: string): Promise<string | undefined> => {
  const { status } = await engine.admin.get(Pod, name, inDefault);
  if (status?.phase === 'Succeeded') return status.phase;
  return status?.conditions?.find(({ type }) => type === 'PodScheduled')?.message ?? JSON.stringify(status);
};
const sleeper = (name: string, spec: object): Pod =>
  ({
    metadata: { name },
    spec: {
      restartPolicy: 'Never',
      containers: [{ name: 'main', image: 'none', command: ['true'], ...('resources' in spec ? spec : {}) }],
      ...('resources' in spec ? {} : spec),
    },
  }) as unknown as Pod;

describe('docs/devices.md', () => {
  test('the pod of the example runs with a card of its own', async () => {
    for (const { object } of parseManifests(blocks[0]!, 'devices.md', '/')) {
      await engine.admin.create(types[object.kind as 'Pod'], object as unknown as Pod, inDefault);
    }
    await until(async () => expect(await phase('sees-one-card')).toBe('Succeeded'));
    let log = '';
    for await (const chunk of engine.admin.logs('sees-one-card', inDefault))
      log += Buffer.from(chunk).toString();
    expect(log).toMatch(/^my card: \d$/m);
  });

  test('every request of the page is accepted, and can be had', async () => {
    const fragments = blocks.slice(1);
    expect(fragments.length).toBeGreaterThan(3);
    for (const [i, fragment] of fragments.entries()) {
      const name = `request-${i}`;
      const devices = parse(fragment) as NonNullable<ResourceClaim['spec']['devices']>;
      await engine.admin.create(ResourceClaim, { metadata: { name }, spec: { devices } }, inDefault);
      const resourceClaims = [{ name: 'card', resourceClaimName: name }];
      await engine.admin.create(Pod, sleeper(name, { resourceClaims }), inDefault);
    }
    for (const i of fragments.keys()) {
      await until(async () => expect([i, await phase(`request-${i}`)]).toEqual([i, 'Succeeded']));
    }
  });

  test('a class answers to its resource name', async () => {
    const limits = { 'deviceclass.resource.kubernetes.io/gpu.coracle.dev': '1' };
    await engine.admin.create(Pod, sleeper('by-name', { resources: { limits } }), inDefault);
    await until(async () => expect(await phase('by-name')).toBe('Succeeded'));
    const { status } = await engine.admin.get(Pod, 'by-name', inDefault);
    expect(status?.extendedResourceClaimStatus?.resourceClaimName).toMatch(/^by-name-extended-resources-/);
  });
});
