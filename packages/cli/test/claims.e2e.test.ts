/** Claims made from templates, on an engine with virtual nodes: allocated, given back when their pods end, taken with broken devices. */
import {
  DeviceClass,
  DeviceTaintRule,
  Node,
  Pod,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
  ServiceAccount,
} from '@coracle/machinery/api';
import { silentLogger } from '@coracle/operator';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startEngine, type Engine } from '../src/engine/engine.ts';

const until = (check: () => Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 20_000, interval: 50 });
const driver = 'card.example.com';
const inDefault = { namespace: 'default' };

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({
    host: '127.0.0.1',
    port: 0,
    virtualNodes: 2,
    nodeName: false,
    logger: silentLogger,
  });
  const { admin } = engine;
  await until(async () => expect((await admin.list(ServiceAccount, inDefault)).items).not.toEqual([]));
  await admin.create(DeviceClass, {
    metadata: { name: 'card' },
    spec: { selectors: [{ cel: { expression: `device.driver == "${driver}"` } }] },
  });
  for (const nodeName of await nodeNames(2)) {
    await admin.create(ResourceSlice, {
      metadata: { name: `${nodeName}-cards` },
      spec: {
        driver,
        nodeName,
        pool: { name: nodeName, generation: 1, resourceSliceCount: 1 },
        devices: [0, 1].map((index) => ({
          name: `card-${index}`,
          attributes: { model: { string: index === 0 ? 'big' : 'small' }, index: { int: index } },
          capacity: { memory: { value: index === 0 ? '80Gi' : '24Gi' } },
        })),
      },
    });
  }
  await admin.create(
    ResourceClaimTemplate,
    {
      metadata: { name: 'big-card' },
      spec: {
        spec: {
          devices: {
            requests: [
              {
                name: 'card',
                exactly: {
                  deviceClassName: 'card',
                  selectors: [
                    {
                      cel: {
                        expression: `device.capacity["${driver}"].memory.isGreaterThan(quantity("40Gi"))`,
                      },
                    },
                  ],
                },
              },
            ],
          },
        },
      },
    },
    inDefault,
  );
}, 30_000);
afterAll(() => engine?.close());

async function nodeNames(count: number): Promise<string[]> {
  let names: string[] = [];
  await until(async () => {
    names = (await engine.admin.list(Node)).items.map(({ metadata }) => metadata.name);
    expect(names).toHaveLength(count);
  });
  return names;
}

const makePod = (name: string): Promise<Pod> =>
  engine.admin.create(
    Pod,
    {
      metadata: { name },
      spec: {
        resourceClaims: [{ name: 'card', resourceClaimTemplateName: 'big-card' }],
        containers: [{ name: 'main', image: 'none', resources: { claims: [{ name: 'card' }] } }],
      },
    },
    inDefault,
  );
const podNow = (name: string): Promise<Pod> => engine.admin.get(Pod, name, inDefault);
const claimsNow = async (): Promise<ResourceClaim[]> =>
  (await engine.admin.list(ResourceClaim, inDefault)).items;

describe('a pod with a claim from a template', () => {
  test('gets a device that its selector wants, and gives it back when it is gone', async () => {
    await makePod('first');
    await makePod('second');
    await makePod('third');
    // Two big cards, one on each node: the third pod waits.
    await until(async () => {
      const bound = await Promise.all(['first', 'second', 'third'].map(podNow));
      expect(bound.filter(({ spec }) => spec?.nodeName).length).toBe(2);
    });
    const claims = await claimsNow();
    expect(claims).toHaveLength(3);
    const given = claims.flatMap(({ status }) => status?.allocation?.devices?.results ?? []);
    expect(given.map(({ device }) => device)).toEqual(['card-0', 'card-0']);
    expect(new Set(given.map(({ pool }) => pool)).size).toBe(2);

    const bound = (await Promise.all(['first', 'second', 'third'].map(podNow))).find(
      ({ spec }) => spec?.nodeName,
    );
    await engine.admin.delete(Pod, bound?.metadata.name ?? '', inDefault);
    await until(async () => {
      const left = (await engine.admin.list(Pod, inDefault)).items;
      expect(left).toHaveLength(2);
      expect(left.every(({ spec }) => spec?.nodeName)).toBe(true);
      expect(await claimsNow()).toHaveLength(2);
    });
  }, 40_000);

  test('is ended when its device is tainted, and another waits for the taint to go', async () => {
    const [victim] = (await engine.admin.list(Pod, inDefault)).items;
    const name = victim?.metadata.name ?? '';
    const used = (await claimsNow()).find((claim) =>
      claim.status?.reservedFor?.some((user) => user.name === name),
    );
    const pool = used?.status?.allocation?.devices?.results?.[0]?.pool;
    if (pool === undefined) throw new Error('the pod has no device');
    await engine.admin.create(DeviceTaintRule, {
      metadata: { name: 'broken' },
      spec: {
        deviceSelector: { driver, pool, device: 'card-0' },
        taint: { key: 'example.com/broken', effect: 'NoExecute' },
      },
    });
    await until(async () => {
      const pods = (await engine.admin.list(Pod, inDefault)).items;
      expect(pods.map(({ metadata }) => metadata.name)).not.toContain(name);
    });
    await makePod('later');
    await until(async () => {
      const later = await podNow('later');
      expect(later.status?.conditions?.find(({ type }) => type === 'PodScheduled')).toMatchObject({
        status: 'False',
        reason: 'Unschedulable',
      });
    });
    await engine.admin.delete(DeviceTaintRule, 'broken');
    await until(async () => expect((await podNow('later')).spec?.nodeName).toBeTruthy());
  }, 40_000);
});
