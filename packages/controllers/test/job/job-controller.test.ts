import { describe, expect, test } from 'vitest';
import { Job, Pod, PodGroup, Workload } from '@coracle/machinery/api';
import { apiError } from '@coracle/operator/testing';
import { jobController } from '../../src/index.ts';
import { lab } from '../lab.ts';
import type { Lab } from '../lab.ts';
import { newJob } from './model.ts';

const job = (l: Lab) => l.cluster.object(Job, 'train', 'default');
const pods = (l: Lab) => l.cluster.objects(Pod, 'default');
const finish = (l: Lab, name: string, phase: string) =>
  l.cluster.client.patch(
    Pod,
    name,
    'merge',
    { status: { phase } },
    { namespace: 'default', subresource: 'status' },
  );

describe('Job controller on a cluster', () => {
  test('runs a Job from creation to Complete', async () => {
    const l = lab({ objects: [newJob({ parallelism: 2, completions: 3 })] });
    await l.start(jobController(l.deps));
    await l.until(() => pods(l).length === 2);
    await l.until(() => job(l)?.status?.active === 2);
    for (let done = 0; done < 3; done += 1) {
      await l.until(() => pods(l).some((pod) => !pod.status?.phase || pod.status.phase === 'Pending'));
      const next = pods(l).find((pod) => pod.status?.phase !== 'Succeeded');
      await finish(l, next!.metadata.name, 'Succeeded');
      await l.until(() => job(l)?.status?.succeeded === done + 1);
    }
    await l.until(() => job(l)?.status?.conditions?.some((c) => c.type === 'Complete'));
    await l.rest();
    expect(pods(l)).toHaveLength(3);
    expect(pods(l).flatMap((pod) => pod.metadata.finalizers ?? [])).toEqual([]);
    expect(l.events.filter((event) => event.startsWith('SuccessfulCreate Created pod: train-'))).toHaveLength(
      3,
    );
    expect(l.events).toContain('Completed Job completed');
  });

  test('a lagging cache does not make it create pods twice', async () => {
    const l = lab({ objects: [newJob({ parallelism: 4, completions: 4 })] });
    await l.start(jobController(l.deps));
    await l.until(() => pods(l).length >= 4);
    // Writes of others wake it again and again while its own events are on their way.
    for (let i = 0; i < 5; i += 1) {
      await l.cluster.client.patch(
        Job,
        'train',
        'merge',
        { metadata: { labels: { i: `${i}` } } },
        { namespace: 'default' },
      );
    }
    await l.rest();
    expect(pods(l)).toHaveLength(4);
  });

  test('creation that fails is told and tried again', async () => {
    const l = lab({ objects: [newJob()] });
    const stop = l.cluster.react((action) => {
      if (action.verb === 'create' && action.resource === 'pods')
        throw apiError('Forbidden', 'exceeded quota');
    });
    await l.start(jobController(l.deps));
    await l.until(() =>
      l.events.some((event) => event.startsWith('FailedCreate Error creating: exceeded quota')),
    );
    await l.until(() => job(l)?.status?.startTime);
    expect(job(l)?.status?.active).toBe(0);
    stop();
    await l.clock.advance(60_000);
    await l.until(() => pods(l).length === 1);
  });

  test('adopts an orphan that matches and lets go of a pod that no longer does', async () => {
    const selected = { 'batch.kubernetes.io/controller-uid': 'job-uid' };
    const l = lab({
      objects: [
        newJob({ parallelism: 1, completions: 1 }),
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'orphan', namespace: 'default', labels: selected },
          spec: { containers: [] },
          status: { phase: 'Pending' },
        },
      ],
    });
    const uid = job(l)!.metadata.uid;
    await l.start(jobController(l.deps));
    await l.until(
      () => l.cluster.object(Pod, 'orphan', 'default')?.metadata.ownerReferences?.[0]?.uid === uid,
    );
    const adopted = l.cluster.object(Pod, 'orphan', 'default')!;
    expect(adopted.metadata.finalizers).toEqual(['batch.kubernetes.io/job-tracking']);
    await l.rest();
    expect(pods(l)).toHaveLength(1);

    await l.cluster.client.patch(
      Pod,
      'orphan',
      'merge',
      { metadata: { labels: { 'batch.kubernetes.io/controller-uid': null } } },
      { namespace: 'default' },
    );
    await l.until(() => l.cluster.object(Pod, 'orphan', 'default')?.metadata.ownerReferences?.length === 0);
    await l.until(() => pods(l).length === 2);
    expect(l.cluster.object(Pod, 'orphan', 'default')?.metadata.finalizers).toEqual([]);
  });

  test('a Job managed by another controller is left alone', async () => {
    const l = lab({ objects: [newJob({ managedBy: 'kueue.x-k8s.io/multikueue' })] });
    await l.start(jobController(l.deps));
    await l.rest();
    expect(l.cluster.writes()).toEqual([]);
  });

  test('pods whose Job is gone lose their finalizer', async () => {
    const l = lab({ objects: [newJob()] });
    await l.start(jobController(l.deps));
    await l.until(() => pods(l).length === 1);
    await l.cluster.client.delete(Job, 'train', { namespace: 'default' });
    await l.until(() => pods(l).every((pod) => !pod.metadata.finalizers?.length));
  });

  test('a new controller process goes on where the last one stopped', async () => {
    const l = lab({ objects: [newJob({ parallelism: 2, completions: 2 })] });
    const first = jobController(l.deps);
    await l.start(first);
    await l.until(() => pods(l).length === 2);
    await l.rest();
    await first.stop();
    for (const pod of pods(l)) await finish(l, pod.metadata.name, 'Succeeded');
    const second = lab();
    const { deps } = second;
    const { createInformerFactory } = await import('@coracle/operator');
    const informers = createInformerFactory({
      client: l.cluster.client,
      clock: l.clock,
      logger: deps.logger,
    });
    const component = jobController({ ...deps, client: l.cluster.client, clock: l.clock, informers });
    await Promise.all([informers.start(), component.start()]);
    await l.until(() => job(l)?.status?.conditions?.some((c) => c.type === 'Complete'));
    informers.stop();
    await component.stop();
    expect(job(l)?.status?.succeeded).toBe(2);
  });
});

describe('Jobs as gangs', () => {
  const gang = { parallelism: 3, completions: 3, completionMode: 'Indexed' };
  const groups = (l: Lab) => l.cluster.objects<PodGroup>(PodGroup, 'default');

  test('a Workload and a PodGroup come before the first pod, and every pod names the group', async () => {
    const l = lab({ objects: [newJob(gang)] });
    await l.start(jobController(l.deps, { gangs: true }));
    await l.until(() => pods(l).length === 3);
    const [workload] = l.cluster.objects<Workload>(Workload, 'default');
    expect(workload?.spec).toMatchObject({
      controllerRef: { apiGroup: 'batch', kind: 'Job', name: 'train' },
      podGroupTemplates: [{ name: 'train-pgt-0', schedulingPolicy: { gang: { minCount: 3 } } }],
    });
    const [group] = groups(l);
    expect(group?.spec).toMatchObject({
      schedulingPolicy: { gang: { minCount: 3 } },
      podGroupTemplateRef: {
        workload: { workloadName: workload?.metadata.name, podGroupTemplateName: 'train-pgt-0' },
      },
    });
    expect(
      group?.metadata.ownerReferences?.map(({ kind, controller }) => [kind, controller ?? false]),
    ).toEqual([
      ['Job', true],
      ['Workload', false],
    ]);
    const names = pods(l).map((pod) => pod.spec?.schedulingGroup?.podGroupName);
    expect(new Set(names)).toEqual(new Set([group?.metadata.name]));
    // One that failed is replaced in the same group.
    await finish(l, pods(l)[0]!.metadata.name, 'Failed');
    await l.rest();
    await l.clock.advance(60_000);
    await l.until(() => pods(l).length === 4);
    expect(groups(l)).toHaveLength(1);
    expect(new Set(pods(l).map((pod) => pod.spec?.schedulingGroup?.podGroupName)).size).toBe(1);
  });

  test('none is made for Jobs that need none, have one, have begun, or belong to others; or if it is off', async () => {
    const named = (name: string, spec: object, metadata: object = {}) => {
      const made = newJob({ ...gang, ...spec });
      return { ...made, metadata: { ...made.metadata, name, uid: name, ...metadata } };
    };
    const template = newJob(gang).spec!.template;
    const owner = { apiVersion: 'a/v1', kind: 'A', name: 'a', uid: 'a', controller: true };
    const l = lab({
      objects: [
        named('loose', { completionMode: 'NonIndexed' }),
        named('more', { completions: 5 }),
        named('own', {
          template: { ...template, spec: { ...template.spec, schedulingGroup: { podGroupName: 'mine' } } },
        }),
        named('child', {}, { ownerReferences: [owner] }),
      ] as never,
    });
    await l.start(jobController(l.deps, { gangs: true }));
    await l.until(() => pods(l).length >= 12);
    await l.rest();
    expect(groups(l)).toEqual([]);
    const off = lab({ objects: [newJob(gang)] });
    await off.start(jobController(off.deps));
    await off.until(() => pods(off).length === 3);
    expect(groups(off)).toEqual([]);
  });
});
