import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createDeviceManager, discoverGpus, fakeGpus } from '../src/index.ts';
import { gpuEnvironment } from '../src/devices/device-manager.ts';
import { gpuLabels, parseGpus } from '../src/devices/gpus.ts';

const folder = mkdtempSync(join(tmpdir(), 'coracle-devices-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let serial = 0;
const path = (): string => join(folder, `${serial++}`, 'checkpoint.json');
const want = (container: string, count: number, init = false) => ({ container, count, init });

describe('discovery', () => {
  test('reads what nvidia-smi prints, in order of index, and nothing else', () => {
    const csv = [
      'GPU-aaa, 1, NVIDIA H200, 143771',
      'GPU-bbb, 0, NVIDIA H200, 143771',
      'Failed to query something',
      'GPU-ccc, 2, NVIDIA GB10, [N/A]',
    ].join('\n');
    const gpus = parseGpus(csv);
    expect(gpus.map((gpu) => [gpu.id, gpu.index])).toEqual([
      ['GPU-bbb', 0],
      ['GPU-aaa', 1],
      ['GPU-ccc', 2],
    ]);
    expect(gpus[0]).toMatchObject({ memoryBytes: 143771 * 2 ** 20, model: 'NVIDIA H200', fake: false });
    expect(gpus[2]?.memoryBytes).toBe(0);
    expect(gpuLabels(gpus)).toEqual({
      'nvidia.com/gpu.present': 'true',
      'nvidia.com/gpu.count': '3',
      'nvidia.com/gpu.product': 'NVIDIA-H200',
      'nvidia.com/gpu.memory': '143771',
    });
  });

  test('finds none where there is no driver', async () => {
    expect(await discoverGpus(() => Promise.reject(new Error('ENOENT')))).toEqual([]);
  });

  test('declared cards have the same ids each time', () => {
    expect(fakeGpus(3)).toEqual(fakeGpus(3));
    expect(new Set(fakeGpus(8).map((gpu) => gpu.id)).size).toBe(8);
  });
});

describe('the device manager', () => {
  test('keeps cards across restarts and re-ordering: ids stay, indices follow', () => {
    const checkpointPath = path();
    const [a, b] = fakeGpus(2);
    if (!a || !b) throw new Error('two cards');
    createDeviceManager({ devices: [a, b], checkpointPath }).allocate('p', [want('c', 1)]);
    const swapped = [
      { ...b, index: 0 },
      { ...a, index: 1 },
    ];
    const later = createDeviceManager({ devices: swapped, checkpointPath });
    expect(gpuEnvironment(later.of('p', 'c'))).toEqual({
      NVIDIA_VISIBLE_DEVICES: a.id,
      CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
      CUDA_VISIBLE_DEVICES: '1',
    });
    expect(later.free).toBe(1);
    expect(later.annotation('p')).toBe(`c=${a.id}`);
  });

  test('gives nothing when too few are free, and says how many there are', () => {
    const manager = createDeviceManager({ devices: fakeGpus(2) });
    expect(() => manager.allocate('p', [want('a', 1), want('b', 2)])).toThrow('Requested: 2, Available: 1');
    expect(manager.free).toBe(2);
  });

  test('lets init containers use the cards of the others', () => {
    const manager = createDeviceManager({ devices: fakeGpus(3) });
    manager.allocate('p', [want('main', 2), want('init', 3, true)]);
    expect(manager.of('p', 'init').slice(0, 2)).toEqual(manager.of('p', 'main'));
    expect(manager.free).toBe(0);
    manager.release('p');
    expect(manager.free).toBe(3);
  });

  test('says that a checkpoint is damaged, and goes on', () => {
    const checkpointPath = path();
    createDeviceManager({ devices: fakeGpus(1), checkpointPath }).allocate('p', [want('c', 1)]);
    writeFileSync(checkpointPath, readFileSync(checkpointPath, 'utf8').replace('"p"', '"q"'));
    const manager = createDeviceManager({ devices: fakeGpus(1), checkpointPath });
    expect(manager.problem).toContain('damaged');
    expect(manager.free).toBe(1);
  });

  test('never gives one card to two pods, whatever is asked and however often it restarts', () => {
    const step = fc.oneof(
      fc.record({ pod: fc.integer({ min: 0, max: 5 }), count: fc.integer({ min: 0, max: 4 }) }),
      fc.record({ release: fc.integer({ min: 0, max: 5 }) }),
      fc.constant('restart' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const checkpointPath = path();
        const devices = fakeGpus(5);
        let manager = createDeviceManager({ devices, checkpointPath });
        for (const each of steps) {
          if (each === 'restart') manager = createDeviceManager({ devices, checkpointPath });
          else if ('release' in each) manager.release(`p${each.release}`);
          else {
            try {
              manager.allocate(`p${each.pod}`, [want('c', each.count), want('d', 1)]);
            } catch {
              // Too few.
            }
          }
          const held = [0, 1, 2, 3, 4, 5].flatMap((pod) => [
            ...manager.of(`p${pod}`, 'c'),
            ...manager.of(`p${pod}`, 'd'),
          ]);
          expect(new Set(held.map((gpu) => gpu.id)).size).toBe(held.length);
          expect(manager.free).toBe(5 - held.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  test('never gives more of a card than there is, in whatever ways it is asked for, and forgets nothing', () => {
    const step = fc.record({
      what: fc.constantFrom('whole', 'share', 'claim', 'release', 'restart'),
      pod: fc.nat(5),
      card: fc.nat(2),
      milli: fc.constantFrom(200, 400, 500, 1000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const checkpointPath = path();
        const devices = fakeGpus(3);
        let manager = createDeviceManager({ devices, checkpointPath });
        /** What each pod was given: thousandths by card. */
        const given = new Map<string, Map<string, number>>();
        const note = (pod: string, id: string, milli: number): void => {
          const cards = given.get(pod) ?? new Map<string, number>();
          cards.set(id, (cards.get(id) ?? 0) + milli);
          given.set(pod, cards);
        };
        for (const { what, pod: number, card, milli } of steps) {
          const pod = `p${number}`;
          const had = manager.has(pod) || given.has(pod);
          try {
            if (what === 'restart') manager = createDeviceManager({ devices, checkpointPath });
            else if (what === 'release') {
              manager.release(pod);
              given.delete(pod);
            } else if (had) continue;
            else if (what === 'whole') {
              manager.allocate(pod, [want('c', 1)]);
              for (const { id } of manager.of(pod, 'c')) note(pod, id, 1000);
            } else if (what === 'share') {
              manager.share(pod, { containers: ['c', 'd'], count: 1, milli, memory: 0 }, [card]);
              note(pod, devices[card]!.id, milli);
            } else {
              manager.claim(`claim-${pod}`, pod, [{ card, request: 'r', milli, memory: 0 }]);
              note(pod, devices[card]!.id, milli);
            }
          } catch {
            // Too little is left.
          }
          for (const { id } of devices) {
            const held = [...given.values()].reduce((sum, cards) => sum + (cards.get(id) ?? 0), 0);
            expect(held).toBeLessThanOrEqual(1000);
          }
          const whole = devices.filter(({ id }) => ![...given.values()].some((cards) => cards.has(id)));
          expect(manager.free).toBe(whole.length);
        }
      }),
      { numRuns: 60 },
    );
  });
});
