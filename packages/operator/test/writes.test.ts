import { isReason } from '@coracle/machinery';
import { ConfigMap, Job } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import { createExpectations, createOrUpdate, manualClock, patchStatus } from '../src/index.ts';
import { apiError, fakeCluster } from '../src/testing.ts';

const job = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'j', namespace: 'x' },
  spec: { template: {} },
  status: { active: 1, failed: 2, conditions: [{ type: 'A', status: 'True' }] },
};

describe('patchStatus', () => {
  test('sends only what differs, removing what is gone', async () => {
    const { client, seed, writes } = fakeCluster();
    const [stored] = seed<Job>(job);
    const after = await patchStatus(client, Job, stored!, {
      active: 3,
      failed: undefined,
      ready: 1,
      conditions: stored!.status!.conditions,
    });
    expect(after.status).toEqual({ active: 3, ready: 1, conditions: job.status.conditions });
    expect(writes()).toMatchObject([{ verb: 'patch', subresource: 'status' }]);
    expect(writes()[0]?.body).toEqual({
      metadata: { uid: stored!.metadata.uid, resourceVersion: stored!.metadata.resourceVersion },
      status: { active: 3, failed: null, ready: 1 },
    });
  });

  test('sends nothing when nothing differs', async () => {
    const { client, seed, writes } = fakeCluster();
    const [stored] = seed<Job>(job);
    expect(await patchStatus(client, Job, stored!, { ...stored!.status, ready: undefined })).toBe(stored);
    expect(writes()).toEqual([]);
  });

  test('is refused when somebody has written since, unless told not to lock', async () => {
    const { client, seed } = fakeCluster();
    const [old] = seed<Job>(job);
    await patchStatus(client, Job, old!, { active: 2 });
    await expect(patchStatus(client, Job, old!, { active: 3 })).rejects.toSatisfy((e) =>
      isReason(e, 'Conflict'),
    );
    const after = await patchStatus(client, Job, old!, { active: 3 }, { lock: false });
    expect(after.status).toMatchObject({ active: 3 });
  });
});

describe('createOrUpdate', () => {
  const id = { name: 'm', namespace: 'x' };
  const set = (value: string) => (object: { data?: Record<string, string> | undefined }) => {
    object.data = { k: value };
  };
  test('creates, updates, and leaves alone', async () => {
    const { client, writes } = fakeCluster();
    expect((await createOrUpdate(client, ConfigMap, id, set('1'))).outcome).toBe('created');
    expect((await createOrUpdate(client, ConfigMap, id, set('1'))).outcome).toBe('unchanged');
    const { object, outcome } = await createOrUpdate(client, ConfigMap, id, set('2'));
    expect([outcome, object.data]).toEqual(['updated', { k: '2' }]);
    expect(writes().map(({ verb }) => verb)).toEqual(['create', 'update']);
  });

  test('tries again when another was faster', async () => {
    const { client, react } = fakeCluster();
    await createOrUpdate(client, ConfigMap, id, set('1'));
    let conflicts = 2;
    react(({ verb }) => {
      if (verb === 'update' && conflicts-- > 0) throw apiError('Conflict');
    });
    expect((await createOrUpdate(client, ConfigMap, id, set('2'))).outcome).toBe('updated');
  });
});

describe('expectations', () => {
  test('hold until all have been seen', () => {
    const expectations = createExpectations(manualClock());
    expect(expectations.satisfied('k')).toBe(true);
    expectations.expectCreations('k', 2);
    expectations.creationObserved('k');
    expect(expectations.satisfied('k')).toBe(false);
    expectations.raise('k', 0, 1);
    expectations.creationObserved('k');
    expect(expectations.satisfied('k')).toBe(false);
    expectations.deletionObserved('k');
    expect(expectations.satisfied('k')).toBe(true);
  });

  test('are given up after five minutes', async () => {
    const clock = manualClock();
    const expectations = createExpectations(clock);
    expectations.expectDeletions('k', 1);
    await clock.advance(5 * 60_000);
    expect(expectations.satisfied('k')).toBe(false);
    await clock.advance(1);
    expect(expectations.satisfied('k')).toBe(true);
    expectations.forget('k');
    expect(expectations.satisfied('k')).toBe(true);
  });
});
