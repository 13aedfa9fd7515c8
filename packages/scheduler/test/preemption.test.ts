import type { Pod, PodDisruptionBudget } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  findPreemption,
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
    snapshot.refreshPod({ ...snapshot.pod('pod-p')!.info, pod: { ...leaving, metadata } });
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
