import type { Pod, PodDisruptionBudget } from '@coracle/machinery/api';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  findGangPreemption,
  findPreemption,
  placeGang,
  type Preemption,
  type Snapshot,
} from '../src/core/index.ts';
import { node, pod, type PodOptions } from './objects.ts';

function budget(name: string, app: string, disruptionsAllowed: number): PodDisruptionBudget {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, namespace: 'default' },
    spec: { selector: { matchLabels: { app } } },
    status: { disruptionsAllowed },
  } as unknown as PodDisruptionBudget;
}

/** Two-CPU nodes a, b, ... with the pods given on each. */
function cluster(pods: Record<string, Pod[]>): Snapshot {
  const snapshot = createSnapshot();
  for (const [name, list] of Object.entries(pods)) {
    snapshot.setNode(node(name, { allocatable: { cpu: '2' } }));
    for (const p of list) snapshot.addPod(snapshot.describe(p, { placed: true }), name);
  }
  return snapshot;
}

function running(name: string, priority: number, startTime: string, options: PodOptions = {}): Pod {
  const made = pod(name, { priority, nodeName: 'x', ...options });
  return { ...made, status: { ...made.status, startTime } };
}

function preempt(snapshot: Snapshot, preemptor: Pod, budgets: PodDisruptionBudget[] = []): Preemption {
  const framework = createFramework({ profile: defaultProfile(), snapshot, random: () => 0 });
  const info = snapshot.describe(preemptor);
  const decision = framework.schedule(info);
  if (decision.fits) throw new Error('it fits');
  return findPreemption(framework, info, decision.diagnosis, { budgets, random: () => 0 });
}

function victims(result: Preemption): { node: string; pods: string[] } | string {
  if ('message' in result) return result.message;
  return { node: result.victims.nodeName, pods: result.victims.pods.map((p) => p.info.pod.metadata.name) };
}

const t1 = '2026-01-01T00:00:00Z';
const t2 = '2026-01-02T00:00:00Z';
const high = (cpu = '1'): Pod => pod('high', { priority: 100, requests: { cpu } });

describe('preemption', () => {
  test('evicts no more than needed, the least important', () => {
    const snapshot = cluster({ a: [running('p1', 1, t1), running('p5', 5, t1)] });
    expect(victims(preempt(snapshot, high()))).toEqual({ node: 'a', pods: ['p1'] });
    expect(snapshot.podCount).toBe(2);
  });

  test('chooses the node whose most important victim matters least', () => {
    const snapshot = cluster({
      a: [running('p9', 9, t1, { requests: { cpu: '2' } })],
      b: [running('p1', 1, t1), running('p2', 2, t1)],
    });
    expect(victims(preempt(snapshot, high('2')))).toEqual({ node: 'b', pods: ['p2', 'p1'] });
  });

  test('chooses fewer victims among equal priorities, then those that started last', () => {
    const snapshot = cluster({
      a: [running('a1', 1, t1, { requests: { cpu: '2' } })],
      b: [running('b1', 1, t2, { requests: { cpu: '2' } })],
      c: [running('c1', 1, t1), running('c2', 1, t1)],
    });
    expect(victims(preempt(snapshot, high('2')))).toEqual({ node: 'b', pods: ['b1'] });
  });

  test('spares pods whose disruption budget is used up if it can', () => {
    const labels = { app: 'db' };
    const snapshot = cluster({ a: [running('a1', 1, t1, { labels })], b: [running('b1', 5, t1)] });
    const big = high('2');
    expect(victims(preempt(snapshot, big))).toMatchObject({ node: 'a' });
    expect(victims(preempt(snapshot, big, [budget('db', 'db', 0)]))).toMatchObject({ node: 'b' });
    expect(victims(preempt(snapshot, big, [budget('db', 'db', 1)]))).toMatchObject({ node: 'a' });
  });

  test("says in kube-scheduler's words why it does not help", () => {
    const snapshot = cluster({ a: [running('p', 100, t1, { requests: { cpu: '2' } })] });
    snapshot.setNode(node('tiny', { allocatable: { cpu: '500m' } }));
    expect(victims(preempt(snapshot, high()))).toBe(
      'preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, ' +
        '1 Preemption is not helpful for scheduling.',
    );
    const never = pod('never', { priority: 1000, spec: { preemptionPolicy: 'Never' } });
    expect(victims(preempt(snapshot, never))).toBe('preemption: not eligible due to preemptionPolicy=Never.');
  });

  test('waits for victims that are on their way out', () => {
    const snapshot = cluster({ a: [running('p', 1, t1, { requests: { cpu: '2' } })] });
    const leaving = snapshot.pod('pod-p')!.info.pod;
    const metadata = { ...leaving.metadata, deletionTimestamp: t2 };
    const conditions = [{ type: 'DisruptionTarget', status: 'True', reason: 'PreemptionByScheduler' }];
    const status = { ...leaving.status, conditions };
    snapshot.refreshPod({ ...snapshot.pod('pod-p')!.info, pod: { ...leaving, metadata, status } });
    const nominated = { ...high(), status: { nominatedNodeName: 'a' } };
    expect(victims(preempt(snapshot, nominated))).toBe(
      'preemption: not eligible due to a terminating pod on the nominated node.',
    );
  });

  test('keeps the node for the nominated pod against pods of lower priority only', () => {
    const snapshot = cluster({ a: [] });
    const framework = createFramework({ profile: defaultProfile(), snapshot, random: () => 0 });
    framework.nominations.set(snapshot.describe(high('2')), 'a');
    expect(framework.schedule(snapshot.describe(pod('low', { priority: 1 }))).fits).toBe(false);
    expect(framework.schedule(snapshot.describe(pod('higher', { priority: 101 }))).fits).toBe(true);
    expect(framework.schedule(snapshot.describe(high('2'))).fits).toBe(true);
    framework.nominations.delete('pod-high');
    expect(framework.schedule(snapshot.describe(pod('low', { priority: 1 }))).fits).toBe(true);
  });
});

/** Two-card nodes with running pods, each of one card and some priority. */
const busy = fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 2 }), {
  minLength: 1,
  maxLength: 5,
});

function busyCluster(nodes: readonly (readonly number[])[]): Snapshot {
  const snapshot = createSnapshot();
  const requests = { 'nvidia.com/gpu': '1' };
  nodes.forEach((priorities, n) => {
    snapshot.setNode(node(`n${n}`, { allocatable: { 'nvidia.com/gpu': '2' } }));
    priorities.forEach((priority, i) => {
      snapshot.addPod(snapshot.describe(pod(`r${n}-${i}`, { priority, requests })), `n${n}`);
    });
  });
  return snapshot;
}
const cards = (name: string, count: number, priority: number): Pod =>
  pod(name, { priority, requests: { 'nvidia.com/gpu': String(count) } });

describe('laws of preemption', () => {
  test('with its victims gone the pod fits, with any one of them back it does not; all are of lower priority', () => {
    fc.assert(
      fc.property(
        busy,
        fc.integer({ min: 0, max: 4 }),
        fc.integer({ min: 1, max: 2 }),
        (nodes, priority, count) => {
          const snapshot = busyCluster(nodes);
          const framework = createFramework({ profile: defaultProfile(), snapshot, random: () => 0 });
          const info = snapshot.describe(cards('high', count, priority));
          const decision = framework.schedule(info);
          if (decision.fits) return;
          const result = findPreemption(framework, info, decision.diagnosis, {
            budgets: [],
            random: () => 0,
          });
          const room = nodes.some((on) => 2 - on.filter((p) => p >= priority).length >= count);
          expect('victims' in result).toBe(room);
          if (!('victims' in result)) return;
          const { pods, nodeName } = result.victims;
          const row = snapshot.rowOf(nodeName)!;
          for (const { info: victim } of pods) {
            expect(victim.priority).toBeLessThan(priority);
            snapshot.removePod(victim.uid);
          }
          expect(framework.probe(info).rejection(row)).toBeUndefined();
          for (const { info: victim } of pods) {
            snapshot.addPod(victim, nodeName);
            expect(framework.probe(info).rejection(row)).toBeDefined();
            snapshot.removePod(victim.uid);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test('with its victims gone the gang fits; nobody is evicted for a gang that would not', () => {
    fc.assert(
      fc.property(
        busy,
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 8 }),
        (nodes, priority, size) => {
          const snapshot = busyCluster(nodes);
          const framework = createFramework({ profile: defaultProfile(), snapshot, random: () => 0 });
          const pods = Array.from({ length: size }, (_, i) => snapshot.describe(cards(`g${i}`, 1, priority)));
          const gang = { pods, minCount: size, scheduled: 0 };
          const before = [...snapshot.pods()].map((p) => `${p.info.uid} ${p.nodeName}`).sort();
          const found = findGangPreemption(framework, gang, {
            budgets: [],
            group: () => undefined,
          });
          expect([...snapshot.pods()].map((p) => `${p.info.uid} ${p.nodeName}`).sort()).toEqual(before);
          const free = nodes.reduce((sum, on) => sum + 2 - on.length, 0);
          const evictable = nodes.flat().filter((p) => p < priority).length;
          expect(found !== undefined).toBe(size > free && size <= free + evictable);
          if (!found) return;
          for (const { info } of found.victims) {
            expect(info.priority).toBeLessThan(priority);
            snapshot.removePod(info.uid);
          }
          expect(found.victims).toHaveLength(size - free);
          expect(placeGang(framework, gang).fits).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});
