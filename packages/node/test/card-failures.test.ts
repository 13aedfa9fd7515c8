/**
 * What went wrong with cards elsewhere, as reported against other projects: each a test, under the number of its report.
 */
import { writeFileSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Node, Pod, ResourceClaim, ResourceSlice } from '@coracle/machinery/api';
import { afterEach, describe, expect, test } from 'vitest';
import { type Bench, bench } from './agent-bench.ts';
import { createDeviceManager, fakeGpus } from './node-cards.ts';

const open: Bench[] = [];
const start = async (...args: Parameters<typeof bench>): Promise<Bench> => {
  const made = await bench(...args);
  open.push(made);
  return made;
};
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

const [card0, card1] = fakeGpus(2).map(({ id }) => id);
const container = (name: string, cards = 0, more: object = {}) => ({
  name,
  image: 'host',
  command: [name],
  ...(cards > 0 ? { resources: { limits: { 'nvidia.com/gpu': String(cards) } } } : {}),
  ...more,
});
const job = (...containers: ReturnType<typeof container>[]) => ({
  restartPolicy: 'Always' as const,
  containers,
});
const visible = (b: Bench, name: string): string | undefined =>
  b.runtime.running(name)?.spec.env['NVIDIA_VISIBLE_DEVICES'];
const checkpoint = (b: Bench): string => join(b.folder, 'devices.json');
const restarted = async (b: Bench, gpus = 2): Promise<Bench> => {
  await b.agent.stop();
  return start({ before: b, gpus });
};
/** A restart of the machine: no container is left. */
const rebooted = async (b: Bench, gpus = 2): Promise<Bench> => {
  b.runtime.containers.length = 0;
  return restarted(b, gpus);
};
const share = (milli: number, index?: number) => ({
  annotations: {
    'alibabacloud.com/gpu-milli': String(milli),
    ...(index === undefined ? {} : { 'alibabacloud.com/gpu-index': String(index) }),
  },
});

async function putClaim(
  b: Bench,
  name: string,
  cards: readonly { card: number; share?: number; driver?: string }[],
  pod: Pod | undefined,
): Promise<ResourceClaim> {
  const results = cards.map(({ card, share: part, driver = 'gpu.coracle.dev' }) => ({
    request: 'r',
    driver,
    pool: 'n1',
    device: `gpu-${card}`,
    ...(part === undefined ? {} : { shareID: `s-${name}`, consumedCapacity: { share: String(part) } }),
  }));
  const reservedFor = pod ? [{ resource: 'pods', name: pod.metadata.name, uid: pod.metadata.uid }] : [];
  await b.cluster.client.create(
    ResourceClaim,
    {
      metadata: { name, namespace: 'default' },
      spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu.coracle.dev' } }] } },
    },
    { namespace: 'default' },
  );
  const status = { allocation: { devices: { results } }, reservedFor };
  return b.cluster.client.patch(
    ResourceClaim,
    name,
    'merge',
    { status },
    { namespace: 'default', subresource: 'status' },
  );
}

const claiming = (claim: string, ...containers: ReturnType<typeof container>[]) => ({
  restartPolicy: 'Always' as const,
  resourceClaims: [{ name: 'cards', resourceClaimName: claim }],
  containers,
});
const withCards = (name: string) => container(name, 0, { resources: { claims: [{ name: 'cards' }] } });

describe('a card never serves two pods', () => {
  test('while the pod that had it is being stopped, nobody else gets it (kubernetes #75880)', async () => {
    const b = await start({ gpus: 1 });
    await b.pod('old', job(container('a', 1)));
    expect(visible(b, 'a')).toBe(card0);
    await b.pod('new', { ...job(container('b', 1)), restartPolicy: 'Never' });
    expect(b.runtime.running('b')).toBeUndefined();
    expect(b.get('new')?.status?.phase).toBe('Failed');
  });

  test('eight asked for are eight different ones (HAMi #1741)', () => {
    const devices = createDeviceManager({ devices: fakeGpus(8, { topology: 'dgx' }) });
    devices.allocate('p', [{ container: 'c', count: 8, init: false }], [0, 1, 2, 3, 4, 4, 5, 6]);
    expect(new Set(devices.of('p', 'c').map(({ id }) => id)).size).toBe(8);
  });

  test('parts of a card are at most the card, and no whole card is made of parts', async () => {
    const b = await start({ gpus: 1 });
    await b.pod('a', job(container('a')), share(600, 0));
    await b.pod('b', job(container('b')), share(400, 0));
    await b.pod('c', job(container('c')), share(1, 0));
    await b.pod('d', job(container('d', 1)));
    expect([visible(b, 'a'), visible(b, 'b')]).toEqual([card0, card0]);
    expect(b.get('c')?.status).toMatchObject({ phase: 'Failed', reason: 'UnexpectedAdmissionError' });
    expect(b.get('d')?.status).toMatchObject({ phase: 'Failed', reason: 'UnexpectedAdmissionError' });
  });

  test('a claim and a resource have different cards, and the node offers those that are left (KAI #1177)', async () => {
    const b = await start({ gpus: 2 });
    const node = (): Node | undefined => b.cluster.object<Node>(Node, 'n1');
    const pod = await b.pod('dra', claiming('c', withCards('x')));
    await putClaim(b, 'c', [{ card: 0 }], pod);
    await b.clock.advance(1000);
    await b.until('the claim is prepared', () => visible(b, 'x') === card0);
    await b.clock.advance(100);
    await b.until('the node says so', () => node()?.status?.allocatable?.['nvidia.com/gpu'] === '1');
    expect(node()?.status?.capacity?.['nvidia.com/gpu']).toBe('2');
    await b.pod('whole', job(container('w', 1)));
    expect(visible(b, 'w')).toBe(card1);
    const late = await b.pod('late', claiming('c2', withCards('y')));
    await putClaim(b, 'c2', [{ card: 1 }], late);
    await b.clock.advance(5000);
    await b.settle();
    expect(b.runtime.running('y')).toBeUndefined();
    await b.recorder.flush();
    expect(b.reasons('late')).toContain('FailedPrepareDynamicResources');
    // The pod with the claim ends: its card can be had as a resource again.
    await b.cluster.client.delete(Pod, 'dra', { namespace: 'default', gracePeriodSeconds: 0 });
    await b.until('the account is settled', () => !readFileSync(checkpoint(b), 'utf8').includes('milli'));
    await b.clock.advance(100);
    await b.until('the card is back', () => node()?.status?.allocatable?.['nvidia.com/gpu'] === '2');
  });
});

describe('cards stay with their pods', () => {
  test('a pod does not run without its card after the checkpoint is lost and the machine rebooted (kubernetes #116125)', async () => {
    const b = await start({ gpus: 2 });
    await b.pod('a', job(container('a', 1)));
    rmSync(checkpoint(b));
    const later = await rebooted(b);
    await later.clock.advance(60_000);
    await later.until('it runs again', () => later.runtime.running('a') !== undefined);
    const given = visible(later, 'a');
    expect(given).toMatch(/^GPU-/);
    const told = (): string | undefined => later.get('a')?.metadata.annotations?.['coracle.dev/gpu-ids'];
    await later.until('it says so', () => told() === `a=${given}`);
  });

  test('pods that went on running have the cards they had, and others get others, when the checkpoint is lost (kubernetes #116125)', async () => {
    const b = await start({ gpus: 2 });
    await b.pod('first', { ...job(container('f', 1)), restartPolicy: 'Never' });
    await b.pod('a', job(container('a', 1)));
    expect(visible(b, 'a')).toBe(card1);
    b.runtime.running('f')?.exit(0);
    await b.settle();
    rmSync(checkpoint(b));
    const later = await restarted(b);
    await later.settle();
    await later.pod('b', job(container('b', 1)));
    expect(visible(later, 'b')).toBe(card0);
    later.runtime.running('a')?.exit(1);
    await later.settle();
    await later.clock.advance(20_000);
    await later.until('it runs again', () => later.runtime.running('a') !== undefined);
    expect(visible(later, 'a')).toBe(card1);
  });

  test('an agent with a damaged checkpoint starts, and knows its pods by their annotations (NVIDIA DRA #1100)', async () => {
    const b = await start({ gpus: 2 });
    await b.pod('a', job(container('a', 1)));
    writeFileSync(checkpoint(b), readFileSync(checkpoint(b), 'utf8').slice(0, 40));
    const later = await restarted(b);
    await later.pod('b', job(container('b', 2)));
    expect(later.get('b')?.status).toMatchObject({ phase: 'Failed' });
    await later.pod('c', job(container('c', 1)));
    expect(visible(later, 'c')).toBe(card1);
  });

  test('numbers and pods stay with a card when the driver counts anew after a reboot (AMD #86)', () => {
    const [a, c] = fakeGpus(2);
    const folder = join(
      process.env['TMPDIR'] ?? '/tmp',
      `coracle-cards-${process.pid}-${Math.random().toString(36).slice(2)}`,
    );
    const checkpointPath = join(folder, 'devices.json');
    try {
      const before = createDeviceManager({ devices: [a!, c!], checkpointPath });
      before.share('p', { containers: ['x'], count: 1, milli: 500, memory: 0 }, [0]);
      const swapped = [
        { ...c!, index: 0 },
        { ...a!, index: 1 },
      ];
      const after = createDeviceManager({ devices: swapped, checkpointPath });
      expect(after.cards.map((gpu) => gpu?.id)).toEqual([a!.id, c!.id]);
      expect(after.of('p', 'x')).toMatchObject([{ id: a!.id, index: 1 }]);
      // A card that is gone keeps its number, and nobody gets it.
      const without = createDeviceManager({ devices: [{ ...c!, index: 0 }], checkpointPath });
      expect(without.topology).toMatchObject({ numa: [-1, -1], lost: [0] });
      expect(() => without.share('q', { containers: ['x'], count: 1, milli: 1, memory: 0 }, [0])).toThrow(
        'card 0',
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('devices of claims are prepared again after a reboot (NVIDIA DRA #951)', async () => {
    const b = await start({ gpus: 2 });
    const pod = await b.pod('a', claiming('c', withCards('x')));
    await putClaim(b, 'c', [{ card: 1 }], pod);
    await b.clock.advance(1000);
    await b.until('it runs', () => visible(b, 'x') === card1);
    const later = await rebooted(b);
    await later.clock.advance(60_000);
    await later.until('it runs again', () => visible(later, 'x') === card1);
    // And without the account of the agent before it.
    rmSync(checkpoint(later));
    const last = await rebooted(later);
    await last.clock.advance(120_000);
    await last.until('it runs once more', () => visible(last, 'x') === card1);
    await last.pod('w', job(container('w', 1)));
    expect(visible(last, 'w')).toBe(card0);
  });

  test('a claim whose pod went while no agent ran holds nothing (NVIDIA DRA #1278)', async () => {
    const b = await start({ gpus: 1 });
    const pod = await b.pod('a', claiming('c', withCards('x')));
    await putClaim(b, 'c', [{ card: 0 }], pod);
    await b.clock.advance(1000);
    await b.until('it runs', () => visible(b, 'x') === card0);
    await b.agent.stop();
    b.runtime.containers.length = 0;
    await b.cluster.client.delete(Pod, 'a', { namespace: 'default', gracePeriodSeconds: 0 });
    await b.cluster.client.delete(ResourceClaim, 'c', { namespace: 'default' });
    const later = await start({ before: b, gpus: 1 });
    await later.settle();
    await later.pod('b', job(container('b', 1)));
    expect(visible(later, 'b')).toBe(card0);
  });
});

test('whoever placed a pod, and whatever cards it was to have, the pod says which it has', async () => {
  const b = await start({ gpus: 2 });
  const index = (name: string): string | undefined =>
    b.get(name)?.metadata.annotations?.['alibabacloud.com/gpu-index'];
  await b.pod('a', job(container('a', 1)));
  await b.until('it says so', () => index('a') === '0');
  await b.pod('b', job(container('b', 1)), { annotations: { 'alibabacloud.com/gpu-index': '0' } });
  await b.until('it says so', () => index('b') === '1');
  expect(visible(b, 'b')).toBe(card1);
});

describe('only the container that asks sees the card', () => {
  test('of a pod with several, as a resource (HAMi #2335)', async () => {
    const b = await start({ gpus: 2 });
    await b.pod('a', job(container('first'), container('second', 1), container('third')));
    expect(['first', 'second', 'third'].map((name) => visible(b, name))).toEqual(['void', card0, 'void']);
  });

  test('of a pod with several, through claims (HAMi #2335)', async () => {
    const b = await start({ gpus: 2 });
    const pod = await b.pod('a', claiming('c', container('first'), withCards('second')));
    await putClaim(b, 'c', [{ card: 1 }], pod);
    await b.clock.advance(1000);
    await b.until('it runs', () => visible(b, 'second') !== undefined);
    expect([visible(b, 'first'), visible(b, 'second')]).toEqual(['void', card1]);
  });

  test('two pods share a card through claims with shares', async () => {
    const b = await start({ gpus: 1 });
    for (const name of ['a', 'b']) {
      const pod = await b.pod(name, claiming(`c-${name}`, withCards(name)));
      await putClaim(b, `c-${name}`, [{ card: 0, share: 500 }], pod);
    }
    await b.clock.advance(1000);
    await b.until('both run', () => visible(b, 'a') === card0 && visible(b, 'b') === card0);
  });

  test('a claim of another driver is waited for, and the event says why', async () => {
    const b = await start({ gpus: 1 });
    const pod = await b.pod('a', claiming('c', withCards('x')));
    await putClaim(b, 'c', [{ card: 0, driver: 'nic.example.com' }], pod);
    await b.clock.advance(1000);
    await b.settle();
    expect(b.runtime.running('x')).toBeUndefined();
  });
});

describe('the node offers its cards', () => {
  test('as devices with what selectors and shares need', async () => {
    const b = await start({ devices: createDeviceManager({ devices: fakeGpus(2, { topology: 'pcie' }) }) });
    const slice = (): ResourceSlice | undefined =>
      b.cluster.objects<ResourceSlice>(ResourceSlice).find(({ spec }) => spec.driver === 'gpu.coracle.dev');
    await b.until('the slice is there', () => slice() !== undefined);
    expect(slice()?.spec).toMatchObject({
      nodeName: 'n1',
      pool: { name: 'n1', generation: 1, resourceSliceCount: 1 },
      devices: [
        {
          name: 'gpu-0',
          allowMultipleAllocations: true,
          attributes: {
            uuid: { string: card0 },
            numaNode: { int: 0 },
            'resource.kubernetes.io/pcieRoot': { string: 'pci0000:10' },
          },
          capacity: { share: { value: '1k' }, memory: { value: '16Gi' } },
        },
        { name: 'gpu-1' },
      ],
    });
    const annotations = b.cluster.object<Node>(Node, 'n1')?.metadata.annotations;
    expect(JSON.parse(annotations?.['coracle.dev/gpu-topology'] ?? '')).toEqual({
      numa: [0, 1],
      links: ['PIX'],
    });
  });

  test('and partitions of those that can be partitioned, with the counters that keep them apart', async () => {
    const b = await start({ devices: createDeviceManager({ devices: fakeGpus(5, { mig: true }) }) });
    const slices = (): ResourceSlice[] => b.cluster.objects<ResourceSlice>(ResourceSlice);
    await b.until('the slices are there', () => slices().length === 3);
    const devices = slices().flatMap(({ spec }) => spec.devices ?? []);
    expect(devices).toHaveLength(5 * 15);
    expect(new Set(devices.map(({ name }) => name)).size).toBe(75);
    const counters = slices().flatMap(({ spec }) => spec.sharedCounters ?? []);
    expect(counters.map(({ name }) => name)).toEqual(['gpu-0', 'gpu-1', 'gpu-2', 'gpu-3', 'gpu-4']);
    expect(Object.keys(counters[0]!.counters)).toHaveLength(9);
    expect(devices.find(({ name }) => name === 'gpu-1-mig-2g-20gb-4')).toMatchObject({
      attributes: { type: { string: 'mig' }, profile: { string: '2g.20gb' } },
      consumesCounters: [
        {
          counterSet: 'gpu-1',
          counters: {
            'compute-slices': { value: '2' },
            'memory-slice-4': { value: '1' },
            'memory-slice-5': { value: '1' },
          },
        },
      ],
    });
    expect(slices().every(({ spec }) => spec.pool.resourceSliceCount === 3)).toBe(true);
  });

  test('partitions of a card serve several pods, which see only theirs, and nobody gets the card', async () => {
    const b = await start({ devices: createDeviceManager({ devices: fakeGpus(1, { mig: true }) }) });
    for (const [name, device] of [
      ['a', 'gpu-0-mig-1g-10gb-0'],
      ['b', 'gpu-0-mig-1g-10gb-1'],
    ] as const) {
      const pod = await b.pod(name, claiming(`c-${name}`, withCards(name)));
      await putClaim(b, `c-${name}`, [{ card: 0 }], undefined);
      const status = {
        allocation: {
          devices: { results: [{ request: 'r', driver: 'gpu.coracle.dev', pool: 'n1', device }] },
        },
        reservedFor: [{ resource: 'pods', name, uid: pod.metadata.uid }],
      };
      const where = { namespace: 'default', subresource: 'status' };
      await b.cluster.client.patch(ResourceClaim, `c-${name}`, 'merge', { status }, where);
    }
    await b.clock.advance(5000);
    await b.until('both run', () => visible(b, 'a') !== undefined && visible(b, 'b') !== undefined);
    expect(visible(b, 'a')).toMatch(/^MIG-/);
    expect(visible(b, 'b')).toMatch(/^MIG-/);
    expect(visible(b, 'a')).not.toBe(visible(b, 'b'));
    expect(b.runtime.running('a')?.spec.env['CUDA_VISIBLE_DEVICES']).toBe(visible(b, 'a'));
    await b.pod('part', job(container('p')), share(100, 0));
    expect(b.get('part')?.status).toMatchObject({ phase: 'Failed', reason: 'UnexpectedAdmissionError' });
  });
});
