import type { Client } from '@coracle/client';
import { Lease } from '@coracle/machinery/api';
import { describe, expect, test, vi } from 'vitest';
import { createLeaderElector, manualClock } from '../src/index.ts';
import { apiError, fakeCluster } from '../src/testing.ts';

function setup() {
  const cluster = fakeCluster();
  const clock = manualClock();
  const log: string[] = [];
  const candidate = (identity: string) =>
    createLeaderElector({
      client: cluster.client,
      clock,
      name: 'scheduler',
      namespace: 'kube-system',
      identity,
      random: () => 0,
      onStarted: (signal) => {
        log.push(`${identity} leads`);
        signal.addEventListener('abort', () => log.push(`${identity} ends`));
      },
      onStopped: () => void log.push(`${identity} stopped`),
    });
  const lease = () => cluster.object(Lease, 'scheduler', 'kube-system');
  return { cluster, clock, log, candidate, lease };
}

describe('leader election', () => {
  test('makes the lease, leads and renews it', async () => {
    const { clock, log, candidate, lease } = setup();
    const a = candidate('a');
    await a.start();
    await clock.advance(10);
    expect(log).toEqual(['a leads']);
    expect(a.isLeader).toBe(true);
    expect(lease()?.spec).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.000000Z',
      leaseTransitions: 0,
    });
    await clock.advance(60_000);
    expect(log).toEqual(['a leads']);
    expect(lease()?.spec).toMatchObject({
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:01:00.000000Z',
    });
    await Promise.all([a.stop(), clock.advance(100)]);
    expect(log).toEqual(['a leads', 'a ends', 'a stopped']);
  });

  test('another waits, and takes over at once when the lease is given back', async () => {
    const { clock, log, candidate, lease } = setup();
    const [a, b] = [candidate('a'), candidate('b')];
    await a.start();
    await clock.advance(10);
    await b.start();
    await clock.advance(120_000);
    expect(log).toEqual(['a leads']);
    expect(b.leader).toBe('a');
    await Promise.all([a.stop(), clock.advance(0)]);
    await clock.advance(2_500);
    expect(log).toEqual(['a leads', 'a ends', 'a stopped', 'b leads']);
    expect(lease()?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    await Promise.all([b.stop(), clock.advance(0)]);
  });

  test('a lease that was renewed without an answer is given back all the same', async () => {
    const { cluster, clock, candidate, lease } = setup();
    const a = candidate('a');
    await a.start();
    await clock.advance(10);
    const current = lease()!;
    await cluster.client.update(Lease, { ...current, spec: { ...current.spec, leaseTransitions: 1 } });
    await Promise.all([a.stop(), clock.advance(100)]);
    expect(lease()?.spec?.holderIdentity).toBe('');
  });

  test('a leader that cannot renew ends before another may begin', async () => {
    const { cluster, clock, log, candidate } = setup();
    const [a, b] = [candidate('a'), candidate('b')];
    await a.start();
    await clock.advance(10);
    await b.start();
    const times: Record<string, number> = {};
    const start = clock.now();
    cluster.react(({ body, verb }) => {
      const holder = (body as Lease | undefined)?.spec?.holderIdentity;
      if (verb === 'update' && holder !== 'b') throw apiError('ServiceUnavailable');
    });
    for (let i = 0; i < 300 && log.length < 4; i++) {
      await clock.advance(100);
      for (const entry of log) times[entry] ??= clock.now() - start;
    }
    expect(log).toEqual(['a leads', 'a ends', 'a stopped', 'b leads']);
    expect(times['a ends']).toBeLessThanOrEqual(12_000);
    expect(times['b leads']).toBeGreaterThanOrEqual(15_000);
    await Promise.all([a.stop(), b.stop(), clock.advance(0)]);
  });

  test('the term ends renewDeadline after the last renewal was sent, however long the answer and the pauses take', async () => {
    const { cluster, clock } = setup();
    const ends: number[] = [];
    /** No call is answered any more, nor ended by its signal. */
    let silent = false;
    const client: Client = {
      ...cluster.client,
      get: (...args) => (silent ? new Promise(() => {}) : cluster.client.get(...args)),
    };
    const elector = createLeaderElector({
      client,
      clock,
      name: 'scheduler',
      namespace: 'kube-system',
      identity: 'a',
      leaseDurationMs: 15_000,
      renewDeadlineMs: 10_000,
      retryPeriodMs: 7_000,
      onStarted: (signal) => signal.addEventListener('abort', () => ends.push(clock.now())),
    });
    const start = clock.now();
    await elector.start();
    await clock.advance(10);
    expect(elector.leadsUntil).toBe(start + 10_000);
    silent = true;
    await clock.advance(30_000);
    expect(ends).toEqual([start + 10_000]);
    expect(elector.leadsUntil).toBeUndefined();
    silent = false;
    await Promise.all([elector.stop(), clock.advance(20_000)]);
  });

  test('a lease that somebody else takes away ends leading at the next renewal', async () => {
    const { cluster, clock, log, candidate, lease } = setup();
    const a = candidate('a');
    await a.start();
    await clock.advance(10);
    const current = lease()!;
    await cluster.client.update(Lease, { ...current, spec: { ...current.spec, holderIdentity: 'z' } });
    await clock.advance(2_000);
    expect(log).toEqual(['a leads', 'a ends', 'a stopped']);
    await Promise.all([a.stop(), clock.advance(0)]);
    expect(lease()?.spec?.holderIdentity).toBe('z');
  });

  test('of many that start together exactly one leads', async () => {
    const { clock, log, candidate } = setup();
    const all = ['a', 'b', 'c', 'd', 'e'].map(candidate);
    await Promise.all(all.map((one) => one.start()));
    await clock.advance(30_000);
    await vi.waitFor(() => expect(log).toHaveLength(1));
    expect(all.filter((one) => one.isLeader)).toHaveLength(1);
    await Promise.all([...all.map((one) => one.stop()), clock.advance(0)]);
  });

  test('refuses figures that would let two lead', () => {
    const { cluster, clock } = setup();
    const base = {
      client: cluster.client,
      clock,
      name: 'n',
      namespace: 'x',
      identity: 'a',
      onStarted: () => undefined,
    };
    expect(() => createLeaderElector({ ...base, renewDeadlineMs: 20_000 })).toThrow(RangeError);
  });
});
