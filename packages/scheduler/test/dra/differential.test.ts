import fc from 'fast-check';
import type { resource_v1 } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import { createFramework, createSnapshot, defaultProfile, scheduleOne } from '../../src/core/index.ts';
import { node } from '../objects.ts';
import { cel, claim, deviceClass, gpuDriver, podWith, slice } from './objects.ts';
import {
  referenceAllocation,
  type ReferencePick,
  type ReferenceUse,
  type ReferenceWorld,
} from './reference-allocator.ts';

const attribute = `${gpuDriver}/numa`;
const selectors: ReferenceWorld['selectors'] = {
  [`device.attributes['${gpuDriver}'].model == 'x'`]: (d) => d.attributes?.['model']?.string === 'x',
  [`device.attributes['${gpuDriver}'].model != 'x'`]: (d) => d.attributes?.['model']?.string !== 'x',
  [`!('numa' in device.attributes['${gpuDriver}']) || device.attributes['${gpuDriver}'].numa > 0`]: (d) =>
    (d.attributes?.['numa']?.int ?? 1) > 0,
};

const device = fc.record({
  model: fc.constantFrom('x', 'y'),
  numa: fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined }),
  counters: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 3 }),
  taint: fc.option(fc.constantFrom('NoSchedule', 'NoExecute', 'None'), { nil: undefined, freq: 5 }),
  capacity: fc.option(
    fc.record({
      value: fc.integer({ min: 1, max: 8 }),
      policy: fc.option(
        fc.oneof(
          fc.record({
            default: fc.constant('1'),
            validRange: fc.record({
              min: fc.constant('1'),
              step: fc.option(fc.constantFrom('1', '2', '3'), { nil: undefined }),
            }),
          }),
          fc.constant({ default: '1', validValues: ['1', '3', '6'] }),
        ),
        { nil: undefined },
      ),
      shared: fc.boolean(),
    }),
    { nil: undefined, freq: 3 },
  ),
});
const devices = fc.array(device, { minLength: 1, maxLength: 5 }).map((list) =>
  list.map(({ model, numa, counters, taint, capacity }, i): resource_v1.Device => {
    const shared = capacity?.shared === true;
    return {
      name: `d${i}`,
      attributes: { model: { string: model }, ...(numa === undefined ? {} : { numa: { int: numa } }) },
      ...(counters === undefined
        ? {}
        : { consumesCounters: [{ counterSet: 'c', counters: { m: { value: String(counters) } } }] }),
      ...(taint === undefined ? {} : { taints: [{ key: 'k', value: 'v', effect: taint }] }),
      ...(shared ? { allowMultipleAllocations: true } : {}),
      ...(capacity
        ? {
            capacity: {
              memory: {
                value: String(capacity.value),
                ...(shared && capacity.policy
                  ? { requestPolicy: capacity.policy as resource_v1.CapacityRequestPolicy }
                  : {}),
              },
            },
          }
        : {}),
    };
  }),
);

const way = fc
  .record({
    count: fc.integer({ min: 1, max: 3 }),
    selector: fc.option(fc.constantFrom(...Object.keys(selectors)), { nil: undefined }),
    tolerates: fc.boolean(),
    memory: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined, freq: 3 }),
  })
  .map(({ count, selector, tolerates, memory }) => ({
    deviceClassName: 'gpu',
    allocationMode: 'ExactCount',
    count,
    ...(selector === undefined ? {} : { selectors: [cel(selector)] }),
    ...(tolerates ? { tolerations: [{ key: 'k', operator: 'Exists' }] } : {}),
    ...(memory === undefined ? {} : { capacity: { requests: { memory: String(memory) } } }),
  }));
const request = fc.oneof(
  fc
    .record({ exactly: way, mode: fc.constantFrom('ExactCount', 'ExactCount', 'All', 'admin') })
    .map(({ exactly, mode }) => ({
      exactly: {
        ...exactly,
        ...(mode === 'All' ? { allocationMode: 'All' } : {}),
        ...(mode === 'admin' ? { adminAccess: true } : {}),
      },
    })),
  fc
    .array(way, { minLength: 1, maxLength: 3 })
    .map((list) => ({ firstAvailable: list.map((one, i) => ({ name: `s${i}`, ...one })) })),
);
const claims = fc.array(
  fc
    .record({
      requests: fc.array(request, { minLength: 1, maxLength: 2 }),
      constraint: fc.option(fc.constantFrom('matchAttribute', 'distinctAttribute'), { nil: undefined }),
      only: fc.boolean(),
    })
    .map(({ requests, constraint, only }): resource_v1.DeviceClaim => {
      const named = requests.map((one, i) => ({ name: `r${i}`, ...one })) as resource_v1.DeviceRequest[];
      // That a constraint keeps one from having all devices is an error, not a reason to look further.
      const all = named.some(({ exactly }) => exactly?.allocationMode === 'All');
      return {
        requests: named,
        ...(constraint && !all
          ? { constraints: [{ [constraint]: attribute, ...(only ? { requests: ['r0'] } : {}) }] }
          : {}),
      };
    }),
  { minLength: 1, maxLength: 2 },
);

const pods = fc.array(claims, { minLength: 1, maxLength: 4 });
const totals = fc.integer({ min: 0, max: 8 });

/** Places pods one after the other on one node; each must come out as the slow rules say. */
function play(
  list: readonly resource_v1.Device[],
  total: number,
  wishes: readonly resource_v1.DeviceClaim[][],
): void {
  const snapshot = createSnapshot();
  snapshot.setNode(node('n', { allocatable: { cpu: '100' } }));
  const sharedCounters = [{ name: 'c', counters: { m: { value: String(total) } } }];
  snapshot.devices.setSlice(slice('s0', 'n', [], { count: 2, spec: { sharedCounters } }));
  snapshot.devices.setSlice(slice('s1', 'n', list, { count: 2 }));
  snapshot.devices.setClass(deviceClass('gpu'));
  const framework = createFramework({ profile: defaultProfile(), snapshot, random: () => 0 });
  const used: ReferenceUse[] = [];
  for (const [p, specs] of wishes.entries()) {
    const world: ReferenceWorld = {
      devices: list.map((spec) => ({ id: spec.name, spec })),
      counters: { 'c/m': total },
      used: [...used],
      selectors,
    };
    const names = specs.map((spec, c) => {
      snapshot.devices.setClaim(claim(`p${p}-${c}`, spec));
      return `p${p}-${c}`;
    });
    const expected = referenceAllocation(world, specs);
    const decision = scheduleOne(framework, snapshot.describe(podWith(`p${p}`, names)));
    expect(decision.fits).toBe(expected !== undefined);
    if (!decision.fits) continue;
    const picks = names.flatMap((name, c): ReferencePick[] =>
      (snapshot.devices.ledger.allocation(`default/${name}`)?.devices?.results ?? []).map((result) => ({
        claim: c,
        request: result.request,
        device: result.device,
        admin: result.adminAccess === true,
        consumed: result.shareID
          ? Object.fromEntries(
              Object.entries(result.consumedCapacity ?? {}).map(([key, amount]) => [key, Number(amount)]),
            )
          : undefined,
      })),
    );
    expect(picks).toEqual(expected);
    used.push(...picks);
  }
}

describe('device allocation against the slow rules', () => {
  test('every pod gets the devices that the rules prefer, or there are none for it', () => {
    fc.assert(fc.property(devices, totals, pods, play), { numRuns: 300 });
  });
});
