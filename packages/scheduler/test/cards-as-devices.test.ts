import { topologyAnnotation } from '@coracle/machinery';
import type { Node, Pod, ResourceClaim, resource_v1 } from '@coracle/machinery/api';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  releaseAll,
  scheduleOne,
  Trial,
  type Snapshot,
} from '../src/core/index.ts';
import { claim, deviceClass, podWith, request, slice } from './dra/objects.ts';
import { node, pod } from './objects.ts';

const driver = 'gpu.coracle.dev';

/** A node whose agent offers `count` cards both ways. Links: cards 2i and 2i+1 are joined, others are far apart. */
function agentNode(name: string, count: number, options: { lost?: number[]; plugin?: boolean } = {}): Node {
  const links: string[] = [];
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) links.push(a % 2 === 0 && b === a + 1 ? 'NV4' : 'SYS');
  }
  const numa = Array.from({ length: count }, (_, i) => i >> 2);
  const allocatable: Record<string, string> = { cpu: '64' };
  if (options.plugin !== false) allocatable['nvidia.com/gpu'] = String(count);
  const made = node(name, { allocatable });
  const text = JSON.stringify({ numa, links, ...(options.lost ? { lost: options.lost } : {}) });
  return { ...made, metadata: { ...made.metadata, annotations: { [topologyAnnotation]: text } } } as Node;
}

function card(i: number): resource_v1.Device {
  return {
    name: `gpu-${i}`,
    allowMultipleAllocations: true,
    capacity: {
      share: {
        value: '1000',
        requestPolicy: { default: '1000', validRange: { min: '1', max: '1000', step: '1' } },
      },
    },
  } as resource_v1.Device;
}

function cluster(nodes: readonly Node[], cards: number) {
  const snapshot = createSnapshot();
  for (const each of nodes) {
    snapshot.setNode(each);
    const { name } = each.metadata;
    const devices = Array.from({ length: cards }, (_, i) => card(i));
    snapshot.devices.setSlice(slice(`${name}-cards`, name, devices, { driver }));
  }
  snapshot.devices.setClass(deviceClass('gpu', [`device.driver == '${driver}'`]));
  const framework = createFramework({ profile: defaultProfile(), snapshot, random: () => 0 });
  const place = (what: Pod) => scheduleOne(framework, snapshot.describe(what));
  const withClaim = (name: string, share?: number): Pod => {
    const exactly = share === undefined ? {} : { capacity: { requests: { share: String(share) } } };
    snapshot.devices.setClaim(claim(name, { requests: [request('r', exactly)] }));
    return podWith(name, [name]);
  };
  return { snapshot, framework, place, withClaim };
}

const whole = (name: string, count = 1): Pod =>
  pod(name, { requests: { cpu: '1', 'nvidia.com/gpu': String(count) } });
const part = (name: string, milli: number): Pod => {
  const made = pod(name, { requests: { cpu: '1' } });
  return {
    ...made,
    metadata: { ...made.metadata, annotations: { 'alibabacloud.com/gpu-milli': String(milli) } },
  } as Pod;
};
const freeOf = ({ cards }: Snapshot): number[] => [...cards.free.subarray(0, cards.count[0])];
const devicesOf = (snapshot: Snapshot, name: string): string[] =>
  (snapshot.devices.ledger.allocation(`default/${name}`)?.devices?.results ?? []).map(({ device }) => device);

describe('a card is counted once, whichever way it is asked for', () => {
  test('a resource and a claim never share a card (KAI #1177)', () => {
    const { snapshot, place, withClaim } = cluster([agentNode('n', 2)], 2);
    expect(place(whole('a')).fits).toBe(true);
    expect(place(withClaim('b')).fits).toBe(true);
    expect(freeOf(snapshot)).toEqual([0, 0]);
    expect(devicesOf(snapshot, 'b')).toEqual(['gpu-1']);
    expect(place(whole('c')).fits).toBe(false);
    expect(place(withClaim('d')).fits).toBe(false);
    // Every card of the node's allocatable resource is not held by pods, and yet there is none: the claim has one.
    snapshot.removePod('pod-a');
    expect(place(withClaim('e')).fits).toBe(true);
    expect(place(whole('f')).fits).toBe(false);
  });

  test('parts of cards are counted together, through annotations and through claims', () => {
    const { snapshot, place, withClaim } = cluster([agentNode('n', 1)], 1);
    expect(place(part('a', 300)).fits).toBe(true);
    expect(place(withClaim('b', 500)).fits).toBe(true);
    expect(freeOf(snapshot)).toEqual([200]);
    expect(place(withClaim('c', 300)).fits).toBe(false);
    expect(place(part('d', 201)).fits).toBe(false);
    expect(place(part('e', 200)).fits).toBe(true);
    expect(freeOf(snapshot)).toEqual([0]);
  });

  test('a claim that is known before its node, or is written by somebody else, holds its card', () => {
    const snapshot = createSnapshot();
    const allocated = claim('c') as ResourceClaim & { status: unknown };
    allocated.status = {
      allocation: { devices: { results: [{ request: 'r', driver, pool: 'n', device: 'gpu-1' }] } },
    };
    snapshot.devices.setClaim(allocated);
    snapshot.setNode(agentNode('n', 2));
    expect(freeOf(snapshot)).toEqual([1000, 0]);
    snapshot.devices.removeClaim(allocated);
    expect(freeOf(snapshot)).toEqual([1000, 1000]);
  });

  test('part of a partitioned card keeps the others from all of it', () => {
    const snapshot = createSnapshot();
    snapshot.setNode(agentNode('n', 1));
    const of = (name: string, device: string) =>
      ({
        ...claim(name),
        status: { allocation: { devices: { results: [{ request: 'r', driver, pool: 'n', device }] } } },
      }) as unknown as ResourceClaim;
    const [a, b] = [of('a', 'gpu-0-mig-1g.10gb-0'), of('b', 'gpu-0-mig-1g.10gb-1')];
    snapshot.devices.setClaim(a);
    snapshot.devices.setClaim(b);
    expect(freeOf(snapshot)).toEqual([0]);
    snapshot.devices.removeClaim(a);
    expect(freeOf(snapshot)).toEqual([0]);
    snapshot.devices.removeClaim(b);
    expect(freeOf(snapshot)).toEqual([1000]);
  });

  test('pods whose extended resource is served by devices hold no card twice', () => {
    const { snapshot, place } = cluster([agentNode('n', 2, { plugin: false })], 2);
    snapshot.devices.setClass(
      deviceClass('gpu', [`device.driver == '${driver}'`], { extendedResourceName: 'nvidia.com/gpu' }),
    );
    expect(place(whole('a')).fits).toBe(true);
    expect(freeOf(snapshot).toSorted()).toEqual([0, 1000]);
    expect(place(whole('b')).fits).toBe(true);
    expect(freeOf(snapshot)).toEqual([0, 0]);
    expect(place(whole('c')).fits).toBe(false);
  });

  test('whatever is asked for in whatever way, no card has more than it has, and what is let go is free', () => {
    const step = fc.record({
      what: fc.constantFrom('whole', 'part', 'claim', 'share', 'remove', 'trial'),
      at: fc.nat(12),
      milli: fc.constantFrom(100, 300, 500, 700),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { snapshot, framework, place, withClaim } = cluster([agentNode('n', 3)], 3);
        const placed: { uid: string; undo: () => void; milli: number }[] = [];
        let made = 0;
        for (const { what, at, milli } of steps) {
          const name = `p${made++}`;
          if (what === 'remove') {
            const [gone] = placed.splice(at % Math.max(1, placed.length), 1);
            gone?.undo();
            if (gone) snapshot.removePod(gone.uid);
          } else {
            const mine =
              what === 'whole'
                ? whole(name)
                : what === 'part' || what === 'trial'
                  ? part(name, milli)
                  : withClaim(name, what === 'share' ? milli : undefined);
            if (what === 'trial') {
              const before = freeOf(snapshot);
              const trial = new Trial(snapshot, framework);
              const info = snapshot.describe(mine);
              const found = framework.schedule(info);
              if (found.fits) trial.place(info, found.nodeName);
              trial.rollback();
              expect(freeOf(snapshot)).toEqual(before);
              continue;
            }
            const decision = place(mine);
            const takes = what === 'part' || what === 'share' ? milli : 1000;
            if (decision.fits)
              placed.push({
                uid: `pod-${name}`,
                undo: () => releaseAll(decision.reservations ?? []),
                milli: takes,
              });
          }
          const free = freeOf(snapshot);
          for (const left of free) expect(left).toBeGreaterThanOrEqual(0);
          const held = placed.reduce((sum, each) => sum + each.milli, 0);
          expect(free.reduce((sum, left) => sum + left, 0)).toBe(3000 - held);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('which cards', () => {
  test('several whole cards are those linked best, and their numbers go with the binding', () => {
    const { snapshot, place } = cluster([agentNode('n', 4)], 0);
    snapshot.addPod(
      snapshot.describe({
        ...part('x', 500),
        metadata: {
          ...part('x', 500).metadata,
          annotations: { 'alibabacloud.com/gpu-milli': '500', 'alibabacloud.com/gpu-index': '0' },
        },
      } as Pod),
      'n',
    );
    expect(place(whole('a', 2))).toMatchObject({
      reservations: [{ bindingAnnotations: { 'alibabacloud.com/gpu-index': '2-3' } }],
    });
  });

  test('a node with well linked free cards is preferred', () => {
    const { snapshot, place } = cluster([agentNode('far', 4), agentNode('near', 4)], 0);
    for (const index of ['0', '2']) {
      const holder = whole(`h${index}`);
      const annotations = { 'alibabacloud.com/gpu-index': index };
      const pinned = { ...holder, metadata: { ...holder.metadata, annotations } } as Pod;
      snapshot.addPod(snapshot.describe(pinned), 'far');
    }
    snapshot.addPod(snapshot.describe(pod('other', { requests: { cpu: '2' } })), 'near');
    expect(place(whole('a', 2))).toMatchObject({ nodeName: 'near' });
  });

  test('a card that is lost is given to nobody, and the numbers of the others stay', () => {
    const { place } = cluster([agentNode('n', 2, { lost: [0] })], 0);
    expect(place(part('a', 500))).toMatchObject({
      reservations: [{ bindingAnnotations: { 'alibabacloud.com/gpu-index': '1' } }],
    });
  });
});
