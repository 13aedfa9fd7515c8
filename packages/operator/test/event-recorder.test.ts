import { Event } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import { createEventRecorder, createSpareTime, manualClock, silentLogger } from '../src/index.ts';
import { apiError, fakeCluster } from '../src/testing.ts';

const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'x', uid: 'u1', resourceVersion: '7', creationTimestamp: '' },
};
function setup() {
  const cluster = fakeCluster();
  const clock = manualClock();
  const recorder = createEventRecorder({ client: cluster.client, clock, component: 'kubelet', host: 'n1' });
  return { ...cluster, cluster, clock, recorder, events: () => cluster.objects(Event) };
}

describe('event recorder', () => {
  test('writes an event as kubectl users know it', async () => {
    const { recorder, events } = setup();
    recorder.event(pod, 'Normal', 'Started', 'Started container main');
    await recorder.flush();
    expect(events()).toHaveLength(1);
    expect(events()[0]).toMatchObject({
      metadata: { namespace: 'x', name: expect.stringMatching(/^web\.[0-9a-f]+$/) as string },
      involvedObject: {
        apiVersion: 'v1',
        kind: 'Pod',
        name: 'web',
        namespace: 'x',
        uid: 'u1',
        resourceVersion: '7',
      },
      type: 'Normal',
      reason: 'Started',
      message: 'Started container main',
      count: 1,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      source: { component: 'kubelet', host: 'n1' },
      reportingComponent: 'kubelet',
    });
  });

  test('counts a repeated event, also when its object has changed in between', async () => {
    const { recorder, events, clock } = setup();
    recorder.event(pod, 'Warning', 'BackOff', 'restarting');
    await clock.advance(5000);
    recorder.event(
      { ...pod, metadata: { ...pod.metadata, resourceVersion: '8' } },
      'Warning',
      'BackOff',
      'restarting',
    );
    await recorder.flush();
    expect(events()).toHaveLength(1);
    expect(events()[0]).toMatchObject({
      count: 2,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:05Z',
    });
  });

  test('writes a repeated event anew when the server has dropped it', async () => {
    const { recorder, events, client } = setup();
    recorder.event(pod, 'Warning', 'BackOff', 'restarting');
    await recorder.flush();
    await client.delete(Event, events()[0]!.metadata.name, { namespace: 'x' });
    recorder.event(pod, 'Warning', 'BackOff', 'restarting');
    await recorder.flush();
    expect(events()).toMatchObject([{ count: 1 }]);
  });

  test('combines many events that differ in their message only', async () => {
    const { recorder, events } = setup();
    for (let i = 0; i < 15; i++) recorder.event(pod, 'Warning', 'Failed', `try ${i}`);
    await recorder.flush();
    const combined = events().filter(({ message }) =>
      message?.startsWith('(combined from similar events): '),
    );
    expect(events()).toHaveLength(10);
    expect(combined).toMatchObject([{ count: 6, message: '(combined from similar events): try 14' }]);
  });

  test('lets an object have 25 events at once, then one in five minutes', async () => {
    const { recorder, cluster, clock } = setup();
    for (let i = 0; i < 40; i++) recorder.event(pod, 'Normal', `Tick${i}`, 'tick');
    await recorder.flush();
    expect(cluster.writes()).toHaveLength(25);
    await clock.advance(300_000);
    for (let i = 0; i < 5; i++) recorder.event(pod, 'Normal', 'Tick', 'tick');
    await recorder.flush();
    expect(cluster.writes()).toHaveLength(26);
  });

  test('equal events that still wait are one write', async () => {
    const { recorder, events, cluster, clock } = setup();
    for (let i = 0; i < 5; i++) recorder.event(pod, 'Normal', 'Tick', 'tick');
    await recorder.flush();
    await clock.advance(1000);
    for (let i = 0; i < 5; i++) recorder.event(pod, 'Normal', 'Tick', 'tick');
    await recorder.flush();
    expect(cluster.writes()).toHaveLength(2);
    expect(events()).toMatchObject([
      { count: 10, firstTimestamp: '2026-01-01T00:00:00Z', lastTimestamp: '2026-01-01T00:00:01Z' },
    ]);
  });

  test('waits for spare time, and for none of it when flushed', async () => {
    const { client, cluster, clock } = setup();
    const spareTime = createSpareTime({ clock, busy: () => 1 });
    const recorder = createEventRecorder({ client, clock, component: 'kubelet', spareTime });
    const names = Array.from({ length: 2000 }, (_, i) => `p${i}`);
    for (const name of names)
      recorder.event({ apiVersion: 'v1', kind: 'Pod', name, namespace: 'x' }, 'Normal', 'A', 'a');
    await clock.advance(1000);
    expect(cluster.writes().length).toBeGreaterThan(300);
    expect(cluster.writes().length).toBeLessThan(600);
    const flushed = recorder.flush();
    await clock.advance(50);
    await flushed;
    expect(cluster.objects(Event)).toHaveLength(2000);
  });

  test('never fails its caller, and goes on after the server refused one', async () => {
    const { recorder, events, react } = setup();
    const remove = react(() => {
      throw apiError('Forbidden');
    });
    recorder.event(pod, 'Normal', 'A', 'a');
    await recorder.flush();
    remove();
    recorder.event({ apiVersion: 'v1', kind: 'Node', name: 'n1' }, 'Normal', 'B', 'b');
    await recorder.flush();
    expect(events()).toMatchObject([{ reason: 'B', metadata: { namespace: 'default' } }]);
  });

  test('keeps a bounded number of waiting events, and says how many it dropped', async () => {
    const cluster = fakeCluster();
    const warnings: unknown[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) };
    const recorder = createEventRecorder({
      client: cluster.client,
      clock: manualClock(),
      component: 'kubelet',
      logger,
      maxWaiting: 1000,
    });
    for (let i = 0; i < 1500; i++) {
      recorder.event({ apiVersion: 'v1', kind: 'Pod', name: `p${i}`, namespace: 'x' }, 'Normal', 'A', 'a');
    }
    await recorder.flush();
    expect(cluster.objects(Event)).toHaveLength(1000);
    expect(warnings).toEqual([{ component: 'kubelet', dropped: 500 }]);
  });

  test('forgets what waits when told to, and goes on with what comes then', async () => {
    const { client, cluster, clock } = setup();
    const warnings: unknown[] = [];
    const logger = { ...silentLogger, warn: (fields: object) => void warnings.push(fields) };
    const spareTime = createSpareTime({ clock, busy: () => 1 });
    const recorder = createEventRecorder({ client, clock, component: 'kubelet', spareTime, logger });
    const tell = (name: string): void =>
      recorder.event({ apiVersion: 'v1', kind: 'Pod', name, namespace: 'x' }, 'Normal', 'A', 'a');
    for (let i = 0; i < 500; i++) tell(`p${i}`);
    await clock.advance(100);
    recorder.drop();
    await clock.advance(1000);
    const written = cluster.objects(Event).length;
    expect(written).toBeGreaterThan(0);
    expect(warnings).toEqual([{ component: 'kubelet', dropped: 500 - written }]);
    tell('p499');
    await clock.advance(1000);
    expect(cluster.objects(Event)).toHaveLength(written + 1);
  });

  test('writes several at a time, but those of one group in their order', async () => {
    const { cluster, recorder, events } = setup();
    const open = new Map<string, number>();
    let most = 0;
    cluster.intercept(async ({ method, body }) => {
      if (method !== 'POST') return undefined;
      const { involvedObject } = (body as { value: { involvedObject: { name: string } } }).value;
      open.set(involvedObject.name, (open.get(involvedObject.name) ?? 0) + 1);
      most = Math.max(most, open.size);
      expect(open.get(involvedObject.name)).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      open.delete(involvedObject.name);
      return undefined;
    });
    for (const message of ['one', 'two', 'three']) {
      for (const name of ['a', 'b']) {
        recorder.event({ apiVersion: 'v1', kind: 'Pod', name, namespace: 'x' }, 'Normal', 'A', message);
      }
    }
    await recorder.flush();
    expect(most).toBe(2);
    for (const name of ['a', 'b']) {
      const own = events().filter((e) => e.involvedObject.name === name);
      const inOrder = own.toSorted((x, y) => (x.metadata.name < y.metadata.name ? -1 : 1));
      expect(inOrder.map((e) => e.message)).toEqual(['one', 'two', 'three']);
    }
  });
});
