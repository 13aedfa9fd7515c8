import { Pod, type PodTemplateSpec } from '@coracle/machinery/api';
import { createInformerFactory, manualClock, silentLogger } from '@coracle/operator';
import { fakeCluster } from '@coracle/operator/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { createScheduler, type SchedulerConfig } from '../src/index.ts';
import { node, pod, podGroup } from './objects.ts';

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const it of running.splice(0)) await it.stop();
});

async function start(objects: readonly object[], config: SchedulerConfig = {}) {
  const cluster = fakeCluster({ objects: objects as never });
  const clock = manualClock();
  const { client } = cluster;
  const informers = createInformerFactory({ client, clock, logger: silentLogger });
  const scheduler = createScheduler({
    client,
    informers,
    clock,
    random: () => 0,
    recorder: { event() {} },
    logger: silentLogger,
    config,
  });
  running.push({
    async stop() {
      await scheduler.stop();
      informers.stop();
    },
  });
  await scheduler.start();
  await clock.advance(100);
  return { cluster, clock, scheduler };
}
const namespace = 'default';

describe('the live scheduler, asked why', () => {
  test('a pod waits, says what it lacks and when it is tried again', async () => {
    const { scheduler } = await start([node('a'), pod('p', { requests: { cpu: '5' } })]);
    const answer = await scheduler.explain({ namespace, pod: 'p', trace: true });
    expect(answer?.explanation).toMatchObject({
      state: 'Waiting',
      summary: 'Insufficient cpu on the only node',
      queue: { state: 'unschedulable', attempts: 1 },
    });
    expect(answer?.explanation.queue?.text).toBe(
      'tried once; again when something changes that may help, or in 300 s whatever happens',
    );
    expect(answer?.trace?.nodes).toHaveLength(1);
    expect(await scheduler.explain({ namespace, pod: 'nobody' })).toBeUndefined();
  });

  test('a pod that has its place says so, and its trace leaves its own share out', async () => {
    const { scheduler } = await start([node('a'), pod('p', { requests: { cpu: '4' } })]);
    const answer = await scheduler.explain({ namespace, pod: 'p', trace: true });
    expect(answer?.explanation).toMatchObject({ state: 'Scheduled', node: 'a' });
    expect(answer?.trace?.nodes[0]).toMatchObject({ node: 'a', feasible: true });
  });

  test('a gang waits, says how many of it fit; so does each of its pods', async () => {
    const members = [0, 1, 2].map((i) => pod(`m${i}`, { requests: { cpu: '3' }, group: 'g' }));
    const { scheduler } = await start([node('a'), node('b'), podGroup('g', 3), ...members]);
    const { explanation } = (await scheduler.explain({ namespace, podGroup: { name: 'g' } }))!;
    expect(explanation.gang).toMatchObject({ minCount: 3, waiting: 3, placeable: 2, scheduled: 0 });
    expect(explanation.summary).toContain('only 2 of the 3 members it still needs fit together');
    const one = (await scheduler.explain({ namespace, pod: 'm1' }))!.explanation;
    expect(one.subject).toEqual({ kind: 'Pod', namespace, name: 'm1' });
    expect(one.gang?.group).toBe('g');
    expect(one.notes[0]).toBe(
      'it is a member of PodGroup default/g, whose members get nodes together or not at all',
    );
  });

  test('a pod whose group is not there names the group', async () => {
    const { scheduler } = await start([node('a'), pod('p', { group: 'missing' })]);
    const { explanation } = (await scheduler.explain({ namespace, pod: 'p' }))!;
    expect(explanation).toMatchObject({
      state: 'Gated',
      summary: 'there is no PodGroup missing, which its 1 pods name',
    });
  });

  test('what a pod that does not exist would do', async () => {
    const { scheduler } = await start([node('a')]);
    const template = { spec: pod('x', { requests: { cpu: '2' } }).spec } as PodTemplateSpec;
    const { explanation } = (await scheduler.explain({ namespace, template }))!;
    expect(explanation).toMatchObject({ state: 'Feasible', node: 'a' });
  });

  test("another scheduler's pod is told apart", async () => {
    const { scheduler } = await start([node('a'), pod('p', { spec: { schedulerName: 'other' } })]);
    const { explanation } = (await scheduler.explain({ namespace, pod: 'p' }))!;
    expect(explanation.state).toBe('Foreign');
    expect(explanation.notes[0]).toContain('the pod asks for the scheduler other');
  });

  test('one that only looks on binds nothing, and explains all the same', async () => {
    const { cluster, scheduler } = await start([node('a'), pod('p')], { observeOnly: true });
    const { explanation } = (await scheduler.explain({ namespace, pod: 'p' }))!;
    expect(explanation).toMatchObject({ state: 'Feasible', node: 'a' });
    expect(explanation.queue).toBeUndefined();
    expect(cluster.object<Pod>(Pod, 'p', namespace)?.spec?.nodeName).toBeUndefined();
  });
});
