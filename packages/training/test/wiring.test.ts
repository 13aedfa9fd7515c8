/** Both controllers on a cluster in memory: what a TrainJob makes, and what comes back from it. */
import { Buffer } from 'node:buffer';
import { formatTime, keyOf } from '@coracle/machinery';
import { ConfigMap, Job, PodGroup, Secret, Service } from '@coracle/machinery/api';
import { createInformerFactory, manualClock, silentLogger } from '@coracle/operator';
import { apiError, fakeCluster } from '@coracle/operator/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  ClusterTrainingRuntime,
  JobSet,
  trainingControllers,
  TrainingRuntime,
  trainingRuntimes,
  TrainJob,
} from '../src/index.ts';

async function lab(objects: object[] = trainingRuntimes()) {
  const clock = manualClock();
  const cluster = fakeCluster({
    clock,
    types: [JobSet, TrainJob, TrainingRuntime, ClusterTrainingRuntime],
    objects,
  });
  const events: string[] = [];
  const informers = createInformerFactory({ client: cluster.client, clock, logger: silentLogger });
  const controllers = trainingControllers({
    client: cluster.client,
    informers,
    clock,
    recorder: { event: (_, __, reason, message) => void events.push(`${reason}: ${message}`) },
    logger: silentLogger,
  });
  onTestFinished(async () => {
    informers.stop();
    await Promise.all(controllers.map((c) => c.stop()));
  });
  await Promise.all([informers.start(), ...controllers.map((c) => c.start())]);
  return { cluster, clock, events };
}
type Lab = Awaited<ReturnType<typeof lab>>;

async function until(check: () => unknown): Promise<void> {
  for (let turn = 0; turn < 5000; turn++) {
    if (check()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`never came true: ${check}`);
}
const trainJob = (runtime = 'torch-distributed', more: object = {}) => ({
  apiVersion: 'trainer.kubeflow.org/v1alpha1',
  kind: 'TrainJob',
  metadata: { name: 'tj', namespace: 'ml' },
  spec: { runtimeRef: { name: runtime }, trainer: { numNodes: 2 }, ...more },
});
const create = ({ cluster }: Lab, object = trainJob()) =>
  cluster.client.create(TrainJob, object as unknown as TrainJob, { namespace: 'ml' });
const job = ({ cluster }: Lab, name = 'tj-node-0') => cluster.object(Job, name, 'ml');
const end = ({ cluster, clock }: Lab, type: string, name = 'tj-node-0') =>
  cluster.client.patch(
    Job,
    name,
    'merge',
    {
      status: {
        conditions: [
          { type, status: 'True', reason: '', message: '', lastTransitionTime: formatTime(clock.now()) },
        ],
      },
    },
    { namespace: 'ml', subresource: 'status' },
  );
const template = (tolerations: object[]) => ({
  spec: { template: { spec: { tolerations, containers: [{ name: 'c', image: 'i' }] } } },
});
const jobSetSpec = (suspend: boolean, tolerations: object[]) => ({
  spec: { suspend, replicatedJobs: [{ name: 'a', template: template(tolerations) }] },
});
const conditions = ({ cluster }: Lab) =>
  cluster.object(TrainJob, 'tj', 'ml')?.status?.conditions?.map((c) => `${c.type}=${c.status} ${c.reason}`) ??
  [];

describe('a TrainJob on a cluster', () => {
  test('makes a PodGroup, a JobSet, a Service and a Job, and is complete when the Job is', async () => {
    const l = await lab();
    await create(l);
    await until(() => job(l));
    expect(l.cluster.object(PodGroup, 'tj', 'ml')?.spec.schedulingPolicy.gang?.minCount).toBe(2);
    expect(l.cluster.object(Service, 'tj', 'ml')?.spec?.clusterIP).toBe('None');
    expect(job(l)?.spec).toMatchObject({
      parallelism: 2,
      completionMode: 'Indexed',
      template: { spec: { subdomain: 'tj', schedulingGroup: { podGroupName: 'tj' } } },
    });
    await end(l, 'Complete');
    await until(() => conditions(l).includes('Complete=True AllJobsCompleted'));
    expect(l.cluster.object(TrainJob, 'tj', 'ml')?.status?.jobsStatus).toMatchObject([
      { name: 'node', succeeded: 1 },
    ]);
    expect(l.events).toEqual(['AllJobsCompleted: jobset completed successfully']);
  });

  test('comes to rest: nothing is written when nothing happens', async () => {
    const l = await lab();
    await create(l);
    await until(() => l.cluster.object(TrainJob, 'tj', 'ml')?.status?.jobsStatus);
    for (let i = 0; i < 100; i++) await new Promise((resolve) => setImmediate(resolve));
    l.cluster.actions.length = 0;
    await l.clock.advance(600_000);
    expect(l.cluster.writes()).toEqual([]);
  });

  test('starts when its runtime appears', async () => {
    const l = await lab([]);
    await create(l);
    await until(() => l.events.length > 0);
    expect(l.events[0]).toContain('spec.runtimeRef: ClusterTrainingRuntime "torch-distributed" not found');
    l.cluster.seed(...trainingRuntimes());
    await until(() => job(l));
  });

  test('is suspended and resumed down to its Jobs', async () => {
    const l = await lab();
    await create(l);
    await until(() => job(l));
    const suspend = (on: boolean) =>
      l.cluster.client.patch(TrainJob, 'tj', 'merge', { spec: { suspend: on } }, { namespace: 'ml' });
    await suspend(true);
    await until(() => job(l)?.spec?.suspend === true);
    await until(() => conditions(l).includes('Suspended=True Suspended'));
    await suspend(false);
    await until(() => job(l)?.spec?.suspend === false);
    await until(() => conditions(l).includes('Suspended=False Resumed'));
  });

  test('restarts as its JobSet’s failure policy says, and fails when that is used up', async () => {
    const [runtime] = structuredClone(trainingRuntimes()) as [ClusterTrainingRuntime];
    runtime.spec.template.spec!.failurePolicy = { maxRestarts: 1 };
    const l = await lab([runtime]);
    await create(l, trainJob('plain'));
    await until(() => job(l));
    const first = job(l)!.metadata.uid;
    await end(l, 'Failed');
    // The fake cluster has no garbage collector to finish a foreground deletion.
    await until(() => job(l)?.metadata.deletionTimestamp || job(l)?.metadata.uid !== first);
    if (job(l)?.metadata.uid === first) {
      await l.cluster.client.patch(
        Job,
        'tj-node-0',
        'merge',
        { metadata: { finalizers: null } },
        { namespace: 'ml' },
      );
    }
    await until(() => job(l) && job(l)!.metadata.uid !== first);
    await end(l, 'Failed');
    await until(() => conditions(l).includes('Failed=True ReachedMaxRestarts'));
  });

  test('runs without a gang, with an event, where the cluster serves no PodGroups', async () => {
    const l = await lab();
    l.cluster.react((action) => {
      if (action.resource.startsWith('podgroups')) throw apiError('NotFound');
    });
    await create(l);
    await until(() => job(l));
    expect(l.events[0]).toContain('GangSchedulingUnavailable');
  });

  test('with MPI gets a key pair that ssh can read and a hostfile', async () => {
    const container = { name: 'node', image: 'mpi' };
    const replicated = (name: string, labels = {}) => ({
      name,
      template: { metadata: { labels }, spec: { template: { spec: { containers: [container] } } } },
    });
    const step = { 'trainer.kubeflow.org/trainjob-ancestor-step': 'trainer' };
    const l = await lab([
      {
        apiVersion: 'trainer.kubeflow.org/v1alpha1',
        kind: 'ClusterTrainingRuntime',
        metadata: { name: 'mpi' },
        spec: {
          mlPolicy: { mpi: {} },
          template: { spec: { replicatedJobs: [replicated('node'), replicated('launcher', step)] } },
        },
      },
    ]);
    await create(l, trainJob('mpi'));
    await until(() => job(l, 'tj-launcher-0'));
    expect(l.cluster.object(ConfigMap, 'tj-mpi-hostfile', 'ml')?.data?.['hostfile']).toBe(
      'tj-node-0-0.tj slots=1\ntj-node-0-1.tj slots=1\n',
    );
    const { data } = l.cluster.object(Secret, 'tj-mpi-ssh-auth', 'ml')!;
    expect(Buffer.from(data!['ssh-privatekey']!, 'base64').toString()).toContain('BEGIN EC PRIVATE KEY');
    const [type, blob] = Buffer.from(data!['ssh-publickey']!, 'base64').toString().trim().split(' ');
    expect(type).toBe('ecdsa-sha2-nistp521');
    // RFC 5656: type, curve, and an uncompressed point of 133 bytes, each with its length.
    expect(Buffer.from(blob!, 'base64').length).toBe(4 + 19 + 4 + 8 + 4 + 133);
  });
});

describe('a TrainJob made again under its name', () => {
  test('waits for what the earlier one left behind to be gone, and makes its own', async () => {
    const l = await lab();
    const owner = {
      apiVersion: 'trainer.kubeflow.org/v1alpha1',
      kind: 'TrainJob',
      name: 'tj',
      uid: 'earlier',
      controller: true,
    };
    const jobSetOwner = { ...owner, apiVersion: 'jobset.x-k8s.io/v1alpha2', kind: 'JobSet' };
    const metadata = { name: 'tj', namespace: 'ml' };
    l.cluster.seed(
      {
        apiVersion: 'scheduling.k8s.io/v1alpha2',
        kind: 'PodGroup',
        metadata: { ...metadata, ownerReferences: [owner] },
        spec: {},
      },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { ...metadata, ownerReferences: [jobSetOwner] },
        spec: {},
      },
    );
    await create(l);
    await until(() => l.events.some((e) => e.includes('PodGroup "tj" exists and is not of this TrainJob')));
    expect(job(l)).toBeUndefined();
    await l.cluster.client.delete(PodGroup, 'tj', { namespace: 'ml' });
    await l.clock.advance(60_000);
    await until(() => job(l));
    const uid = l.cluster.object(TrainJob, 'tj', 'ml')!.metadata.uid;
    expect(l.cluster.object(PodGroup, 'tj', 'ml')?.metadata.ownerReferences?.[0]?.uid).toBe(uid);
    await l.cluster.client.delete(Service, 'tj', { namespace: 'ml' });
    const jobSetUid = l.cluster.object(JobSet, 'tj', 'ml')!.metadata.uid;
    const service = () => l.cluster.object(Service, 'tj', 'ml');
    await until(() => service()?.metadata.ownerReferences?.[0]?.uid === jobSetUid);
  });
});

describe('a TrainJob that runs out of time', () => {
  test('is failed and loses its JobSet', async () => {
    const l = await lab();
    await create(l, trainJob('plain', { activeDeadlineSeconds: 30 }));
    await until(() => job(l));
    await l.clock.advance(30_000);
    await until(() => conditions(l).includes('Failed=True DeadlineExceeded'));
    await until(() => !l.cluster.object(JobSet, 'tj', 'ml'));
  });
});

describe('a JobSet on a cluster', () => {
  test('resumes with what changed in its pod template meanwhile, beside what others put there', async () => {
    const l = await lab();
    await l.cluster.client.create(
      JobSet,
      { metadata: { name: 'js', namespace: 'ml' }, ...jobSetSpec(true, []) },
      { namespace: 'ml' },
    );
    await until(() => job(l, 'js-a-0')?.spec?.suspend === true);
    const patchJob = (patch: object, subresource?: string) =>
      l.cluster.client.patch(Job, 'js-a-0', 'merge', patch, { namespace: 'ml', subresource });
    await patchJob({ status: { startTime: '2026-01-01T00:00:00Z' } }, 'status');
    await patchJob({ spec: { template: { spec: { nodeSelector: { rack: '7' } } } } });
    const toleration = { key: 'gpu', operator: 'Exists' };
    await l.cluster.client.patch(JobSet, 'js', 'merge', jobSetSpec(false, [toleration]), { namespace: 'ml' });
    await until(() => job(l, 'js-a-0')?.spec?.suspend === false);
    expect(job(l, 'js-a-0')?.spec?.template.spec).toMatchObject({
      tolerations: [toleration],
      nodeSelector: { rack: '7' },
    });
    expect(job(l, 'js-a-0')?.status?.startTime).toBeUndefined();
  });

  test('is deleted when its time to live is over', async () => {
    const l = await lab();
    const template = { spec: { template: { spec: { containers: [{ name: 'c', image: 'i' }] } } } };
    await l.cluster.client.create(
      JobSet,
      {
        metadata: { name: 'js', namespace: 'ml' },
        spec: { ttlSecondsAfterFinished: 10, replicatedJobs: [{ name: 'a', template }] },
      },
      { namespace: 'ml' },
    );
    await until(() => job(l, 'js-a-0'));
    await end(l, 'Complete', 'js-a-0');
    const jobSet = () => l.cluster.object(JobSet, 'js', 'ml');
    await until(() => jobSet()?.status?.terminalState === 'Completed');
    await l.clock.advance(9000);
    expect(jobSet()?.metadata.deletionTimestamp).toBeUndefined();
    await l.clock.advance(1000);
    await until(() => !jobSet() || jobSet()?.metadata.deletionTimestamp);
  });

  test('whose Job’s name is taken by another says so and goes on trying', async () => {
    const l = await lab();
    l.cluster.seed({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'js-a-0', namespace: 'ml' } });
    const template = { spec: { template: { spec: { containers: [{ name: 'c', image: 'i' }] } } } };
    await l.cluster.client.create(
      JobSet,
      { metadata: { name: 'js', namespace: 'ml' }, spec: { replicatedJobs: [{ name: 'a', template }] } },
      { namespace: 'ml' },
    );
    await until(() => l.events.some((e) => e.startsWith('JobCreationFailed')));
    await l.cluster.client.delete(Job, 'js-a-0', { namespace: 'ml' });
    await l.clock.advance(60_000);
    await until(() => job(l, 'js-a-0')?.metadata.ownerReferences?.length === 1);
    expect(keyOf(job(l, 'js-a-0')!)).toBe('ml/js-a-0');
  });
});
