import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ResourceClaim } from '@coracle/machinery/api';
import {
  CannotReserve,
  createFramework,
  createSnapshot,
  defaultProfile,
  findPreemption,
  placeGang,
  releaseAll,
  scheduleOne,
  Trial,
  type Framework,
  type Reservation,
  type Snapshot,
} from '../../src/core/index.ts';
import { node } from '../objects.ts';
import { claim, deviceClass, podWith, request, slice } from './objects.ts';

/** What happens to claims, one after the other; numbers choose among what there is. */
const steps = fc.array(
  fc.oneof(
    fc.record({
      op: fc.constant('place' as const),
      count: fc.integer({ min: 1, max: 3 }),
      shared: fc.boolean(),
    }),
    fc.record({
      op: fc.constant('gang' as const),
      size: fc.integer({ min: 1, max: 4 }),
      count: fc.integer({ min: 1, max: 2 }),
    }),
    fc.record({ op: fc.constant('release' as const), which: fc.nat() }),
    fc.record({ op: fc.constant('write' as const), which: fc.nat(), seen: fc.boolean() }),
    fc.record({ op: fc.constant('settle' as const), which: fc.nat() }),
    fc.record({ op: fc.constant('deallocate' as const), which: fc.nat() }),
    fc.record({ op: fc.constant('preempt' as const), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ op: fc.constant('trial' as const), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ op: fc.constant('slices' as const), which: fc.nat() }),
  ),
  { maxLength: 30 },
);
type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;

const nodeNames = ['a', 'b', 'c'];

class World {
  readonly snapshot: Snapshot = createSnapshot();
  readonly framework: Framework;
  /** Decided pods by name: what they took, and whether they are bound. */
  readonly pods = new Map<string, { reservations: readonly Reservation[]; claims: readonly string[] }>();
  #serial = 0;
  #version = 0;
  #generation = 1;

  constructor() {
    const { snapshot } = this;
    for (const name of nodeNames) {
      snapshot.setNode(node(name, { allocatable: { cpu: '100' } }));
      snapshot.devices.setSlice(slice(`s-${name}`, name, ['0', '1', '2']));
    }
    snapshot.devices.setSlice(slice('net', undefined, ['port0', 'port1'], { spec: { allNodes: true } }));
    snapshot.devices.setClass(deviceClass('gpu'));
    this.set(claim('everybody'));
    this.framework = createFramework({ profile: defaultProfile(), snapshot, random: () => 0.5 });
  }

  set(one: ResourceClaim): void {
    one.metadata.resourceVersion = String(++this.#version);
    this.snapshot.devices.setClaim(one);
  }

  pod(count: number, shared = false, priority = 0) {
    const name = `p${this.#serial++}`;
    this.set(claim(name, { requests: [request('r', { count })] }));
    const claims = shared ? [name, 'everybody'] : [name];
    return { name, claims, info: this.snapshot.describe(podWith(name, claims, { priority })) };
  }

  do(step: Step): void {
    const { snapshot, framework, pods } = this;
    const { devices } = snapshot;
    const one = (which: number) => [...pods.keys()][which % Math.max(1, pods.size)];
    switch (step.op) {
      case 'place': {
        const { name, claims, info } = this.pod(step.count, step.shared);
        const decision = scheduleOne(framework, info);
        if (decision.fits) pods.set(name, { reservations: decision.reservations ?? [], claims });
        break;
      }
      case 'gang': {
        const members = Array.from({ length: step.size }, () => this.pod(step.count));
        const list = members.map(({ info }) => info);
        const decision = placeGang(framework, { pods: list, minCount: step.size, scheduled: 0 });
        for (const { pod, reservations } of decision.fits ? decision.placed : []) {
          const { name, claims } = members.find(({ info }) => info === pod)!;
          pods.set(name, { reservations, claims });
        }
        break;
      }
      case 'release': {
        const name = one(step.which);
        const found = name === undefined ? undefined : pods.get(name);
        if (!found) break;
        releaseAll(found.reservations);
        snapshot.removePod(`pod-${name}`);
        pods.delete(name!);
        break;
      }
      case 'write': {
        const name = one(step.which);
        for (const key of (name === undefined ? undefined : pods.get(name))?.claims ?? []) {
          this.write(key, `pod-${name}`, step.seen);
        }
        break;
      }
      case 'settle': {
        const name = one(step.which);
        const found = name === undefined ? undefined : pods.get(name);
        if (!found) break;
        for (const key of found.claims) this.write(key, `pod-${name}`, true);
        for (const reservation of found.reservations) reservation.settle?.();
        pods.set(name!, { ...found, reservations: [] });
        break;
      }
      case 'deallocate': {
        const name = one(step.which);
        const found = name === undefined ? undefined : pods.get(name);
        if (!found || found.reservations.length > 0) break;
        snapshot.removePod(`pod-${name}`);
        pods.delete(name!);
        const current = devices.ledger.claim(`default/${name}`);
        if (current) this.set({ ...structuredClone(current), status: {} });
        break;
      }
      case 'preempt': {
        const { info } = this.pod(step.count, false, 10);
        const decision = framework.schedule(info);
        if (!decision.fits)
          findPreemption(framework, info, decision.diagnosis, { budgets: [], random: () => 0 });
        break;
      }
      case 'trial': {
        const trial = new Trial(snapshot, framework);
        const { info } = this.pod(step.count);
        for (const name of nodeNames) {
          try {
            trial.place(info, name);
            break;
          } catch (error) {
            if (!(error instanceof CannotReserve)) throw error;
          }
        }
        for (const placed of snapshot.podsOn(0).slice(0, 2)) trial.remove(placed);
        trial.rollback();
        break;
      }
      case 'slices': {
        const name = nodeNames[step.which % nodeNames.length]!;
        this.#generation++;
        devices.setSlice(slice(`s-${name}`, name, ['2', '1', '0'], { generation: this.#generation }));
        break;
      }
    }
  }

  /** As the claim's writer does it. */
  write(name: string, uid: string, seen: boolean): void {
    const { ledger } = this.snapshot.devices;
    const key = `default/${name}`;
    const current = ledger.claim(key)!;
    const allocation = ledger.allocation(key)!;
    const others = (current.status?.reservedFor ?? []).filter((user) => user.uid !== uid);
    const written = structuredClone({
      ...current,
      status: { allocation, reservedFor: [...others, { resource: 'pods', name: uid, uid }] },
    });
    written.metadata.resourceVersion = String(++this.#version);
    ledger.assume(written);
    if (seen) ledger.set(structuredClone(written));
  }

  /** Every device's use, from the claims themselves. */
  check(): void {
    const { ledger, inventory, left } = this.snapshot.devices;
    const users = new Map<string, number>();
    for (const { key } of ledger.all()) {
      for (const { driver, pool, device } of ledger.allocation(key)?.devices?.results ?? []) {
        const id = `${driver}/${pool}/${device}`;
        users.set(id, (users.get(id) ?? 0) + 1);
      }
    }
    expect([...users.values()].filter((count) => count > 1)).toEqual([]);
    for (const use of inventory.uses.all())
      expect([use.id, use.exclusive]).toEqual([use.id, users.get(use.id) ?? 0]);
    expect(left.size).toBe(0);
    // Who is decided holds what it asked for.
    for (const [name, { claims }] of this.pods) {
      for (const key of claims) expect([name, ledger.allocation(`default/${key}`)]).not.toContain(undefined);
    }
  }
}

describe('devices', () => {
  test('no device is given twice and none is lost, whatever is taken back, written, freed or only imagined', () => {
    fc.assert(
      fc.property(steps, (todo) => {
        const world = new World();
        for (const step of todo) {
          world.do(step);
          world.check();
        }
        for (const { reservations } of world.pods.values()) releaseAll(reservations);
      }),
      { numRuns: 150 },
    );
  });
});
