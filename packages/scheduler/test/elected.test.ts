import { createClient, type RawCall, type Transport } from '@coracle/client';
import { Lease, Pod } from '@coracle/machinery/api';
import { manualClock, silentLogger } from '@coracle/operator';
import { fakeCluster } from '@coracle/operator/testing';
import { describe, expect, test, vi } from 'vitest';
import { createElectedScheduler, defaultProfile, fenced, SchedulerMetrics } from '../src/index.ts';
import { node, pod } from './objects.ts';

describe('the fence', () => {
  const setup = (answer: (call: RawCall) => Promise<never>) => {
    const calls: RawCall[] = [];
    const transport = {
      call: (call: RawCall) => {
        calls.push(call);
        return answer(call);
      },
    } as unknown as Transport;
    let open = true;
    const fence = fenced(transport, () => open);
    return { calls, fence, shut: () => (open = false) };
  };

  test('lets reads pass always, and writes only while it is open', async () => {
    const { calls, fence, shut } = setup(async () => undefined as never);
    await fence.transport.call({ method: 'POST', path: '/a' });
    shut();
    await expect(fence.transport.call({ method: 'POST', path: '/b' })).rejects.toThrow(
      'does not lead any more',
    );
    await fence.transport.call({ method: 'GET', path: '/c' });
    expect(calls.map(({ path }) => path)).toEqual(['/a', '/c']);
  });

  test('ends the writes under way when it is cut', async () => {
    const { fence } = setup(
      ({ signal }) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error))),
    );
    const call = fence.transport.call({ method: 'POST', path: '/a' });
    fence.cut();
    await expect(call).rejects.toThrow('does not lead any more');
  });
});

describe('an elected scheduler', () => {
  const replica = (cluster: ReturnType<typeof fakeCluster>, identity: string) => {
    const clock = manualClock();
    const metrics = new SchedulerMetrics({ elapsed: () => clock.now() });
    const client = createClient(cluster.client.transport);
    const scheduler = createElectedScheduler({
      client,
      clock,
      logger: silentLogger,
      random: () => 0,
      election: { name: 'lease', namespace: 'kube-system', identity },
      config: { profiles: [defaultProfile()] },
      metrics,
      component: 'test',
    });
    return { clock, metrics, scheduler };
  };

  test('schedules while it leads, and not when another does; a new term sees what was bound before', async () => {
    const cluster = fakeCluster({ objects: [node('a', { allocatable: { cpu: '2' } }), pod('first')] });
    const a = replica(cluster, 'a');
    const b = replica(cluster, 'b');
    const nodeOf = (name: string) => cluster.object<Pod>(Pod, name, 'default')?.spec?.nodeName;
    await a.scheduler.start();
    await vi.waitFor(async () => {
      await a.clock.advance(100);
      expect(nodeOf('first')).toBe('a');
    });
    expect(a.scheduler.state).toBe('leading');
    expect(a.metrics.text()).toContain('leader_election_master_status{name="lease"} 1');
    await b.scheduler.start();
    await b.clock.advance(100);
    expect(b.scheduler).toMatchObject({ state: 'waiting', leader: 'a' });
    // The lease is taken from it: at the next renewal it ends.
    const lease = cluster.object<Lease>(Lease, 'lease', 'kube-system')!;
    await cluster.client.update(Lease, { ...lease, spec: { ...lease.spec, holderIdentity: '' } });
    await vi.waitFor(async () => {
      await b.clock.advance(1000);
      expect(b.scheduler.state).toBe('leading');
    });
    await vi.waitFor(async () => {
      await a.clock.advance(1000);
      expect(a.scheduler.state).toBe('waiting');
    });
    // One core is left: two pods come, one of them fits.
    await cluster.client.create(Pod, pod('second'), { namespace: 'default' });
    await cluster.client.create(Pod, pod('third'), { namespace: 'default' });
    await vi.waitFor(async () => {
      await b.clock.advance(100);
      expect([nodeOf('second'), nodeOf('third')].filter(Boolean)).toEqual(['a']);
    });
    expect(b.metrics.text()).toContain(
      'scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"} 1',
    );
    await Promise.all([a.scheduler.stop(), b.scheduler.stop(), a.clock.advance(100), b.clock.advance(100)]);
    expect(cluster.object<Lease>(Lease, 'lease', 'kube-system')?.spec?.holderIdentity).toBe('');
  });
});
