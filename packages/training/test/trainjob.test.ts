import { deepFreeze, formatTime } from '@coracle/machinery';
import type { core_v1 } from '@coracle/machinery/api';
import { describe, expect, test } from 'vitest';
import {
  type ClusterTrainingRuntime,
  decideTrainJob,
  type JobSet,
  trainingRuntimes,
  type TrainingRuntimeSpec,
  type TrainJob,
  type TrainJobSpec,
} from '../src/index.ts';

const now = Date.UTC(2026, 0, 1);
const index = "metadata.annotations['batch.kubernetes.io/job-completion-index']";

function trainJob(spec: Partial<TrainJobSpec> = {}, name = 'tj'): TrainJob {
  return deepFreeze({
    apiVersion: 'trainer.kubeflow.org/v1alpha1',
    kind: 'TrainJob',
    metadata: {
      name,
      namespace: 'ml',
      uid: 'uid-tj',
      resourceVersion: '1',
      creationTimestamp: formatTime(now),
    },
    spec: { runtimeRef: { name: 'torch-distributed' }, ...spec },
  });
}

function builtIn(name: string) {
  const found = (trainingRuntimes() as ClusterTrainingRuntime[]).find((r) => r.metadata.name === name);
  if (!found) throw new Error(`no runtime ${name}`);
  return deepFreeze({ labels: found.metadata.labels ?? {}, spec: found.spec });
}

/** A runtime as a user writes it: an initializer before the nodes, a sidecar. */
const userRuntime: TrainingRuntimeSpec = {
  mlPolicy: {
    numNodes: 2,
    torch: { envInjection: { targets: [{ jobName: 'node', containerNames: ['check'] }] } },
  },
  template: {
    metadata: { labels: { team: 'a' } },
    spec: {
      replicatedJobs: [
        {
          name: 'dataset-initializer',
          template: {
            metadata: { labels: { 'trainer.kubeflow.org/trainjob-ancestor-step': 'dataset-initializer' } },
            spec: { template: { spec: { containers: [{ name: 'dataset-initializer', image: 'init' }] } } },
          },
        },
        {
          name: 'node',
          dependsOn: [{ name: 'dataset-initializer', status: 'Complete' }],
          template: {
            metadata: { labels: { 'trainer.kubeflow.org/trainjob-ancestor-step': 'trainer' } },
            spec: {
              template: {
                spec: {
                  initContainers: [{ name: 'check', image: 'check' }],
                  containers: [
                    { name: 'node', image: 'torch', env: [{ name: 'A', value: 'runtime' }] },
                    { name: 'sidecar', image: 'side' },
                  ],
                },
              },
            },
          },
        },
      ],
    },
  },
};

function decide(
  job: TrainJob,
  spec: TrainingRuntimeSpec | string,
  more: { jobSet?: JobSet; now?: number } = {},
) {
  const runtime =
    typeof spec === 'string' ? builtIn(spec) : deepFreeze({ labels: {}, spec: structuredClone(spec) });
  return decideTrainJob({ trainJob: job, runtime, jobSet: more.jobSet, now: more.now ?? now });
}
/** The JobSet that is made, or the reason why not. */
function jobSetOf(job: TrainJob, spec: TrainingRuntimeSpec | string): JobSet {
  const decision = decide(job, spec);
  if (!decision.createJobSet) throw new Error(decision.events.map((e) => e.message).join());
  return { apiVersion: '', kind: 'JobSet', ...structuredClone(decision.createJobSet) } as JobSet;
}
const podSpec = (jobSet: JobSet, job = 'node'): core_v1.PodSpec =>
  jobSet.spec.replicatedJobs!.find((j) => j.name === job)!.template.spec!.template.spec!;
const container = (jobSet: JobSet, job = 'node', name = 'node') =>
  [...podSpec(jobSet, job).containers, ...(podSpec(jobSet, job).initContainers ?? [])].find(
    (c) => c.name === name,
  )!;
/** Variables as text; `@path` for one from a field. */
const env = (of: core_v1.Container) =>
  Object.fromEntries((of.env ?? []).map((e) => [e.name, e.value ?? `@${e.valueFrom?.fieldRef?.fieldPath}`]));

const replicatedJob = (name: string, labels = {}, dependsOn?: object) => ({
  name,
  template: {
    metadata: { labels },
    spec: { template: { spec: { containers: [{ name: 'node', image: 'mpi' }] } } },
  },
  ...(dependsOn ? { dependsOn: [dependsOn] } : {}),
});

const running = (conditions: { type: string; reason: string }[], suspend = false): JobSet => ({
  ...jobSetOf(trainJob(), 'plain'),
  spec: { ...jobSetOf(trainJob(), 'plain').spec, suspend },
  status: {
    conditions: conditions.map((c) => ({
      ...c,
      status: 'True',
      message: 'm',
      lastTransitionTime: formatTime(now),
    })),
    replicatedJobsStatus: [
      { name: 'node', ready: 1, succeeded: 0, failed: 0, active: 1, suspended: 0, jobRestarts: [1] },
    ],
  },
});
const types = (status: TrainJob['status']) =>
  status?.conditions?.map((c) => `${c.type}=${c.status} ${c.reason}`);

describe('a TrainJob on torch-distributed', () => {
  const spec: Partial<TrainJobSpec> = {
    trainer: {
      image: 'mine',
      command: ['torchrun'],
      args: ['train.py'],
      env: [{ name: 'LR', value: '0.1' }],
      numNodes: 4,
      numProcPerNode: 2,
      resourcesPerNode: { limits: { 'nvidia.com/gpu': '2' } },
    },
  };

  test('becomes a JobSet of its name with as many pods as nodes', () => {
    const jobSet = jobSetOf(trainJob(spec), 'torch-distributed');
    expect(jobSet.metadata).toMatchObject({
      name: 'tj',
      namespace: 'ml',
      ownerReferences: [
        {
          apiVersion: 'trainer.kubeflow.org/v1alpha1',
          kind: 'TrainJob',
          name: 'tj',
          uid: 'uid-tj',
          controller: true,
        },
      ],
    });
    expect(jobSet.spec.replicatedJobs?.[0]).toMatchObject({
      name: 'node',
      replicas: 1,
      template: { spec: { parallelism: 4, completions: 4 } },
    });
    expect(container(jobSet)).toMatchObject({
      image: 'mine',
      command: ['torchrun'],
      args: ['train.py'],
      ports: [{ containerPort: 29500 }],
      resources: { limits: { 'nvidia.com/gpu': '2' } },
    });
  });

  test('gives its program torchrun’s variables and the plain ones', () => {
    expect(env(container(jobSetOf(trainJob(spec), 'torch-distributed')))).toEqual({
      LR: '0.1',
      PET_NNODES: '4',
      PET_NPROC_PER_NODE: '2',
      PET_NODE_RANK: `@${index}`,
      PET_MASTER_ADDR: 'tj-node-0-0.tj',
      PET_MASTER_PORT: '29500',
      MASTER_ADDR: 'tj-node-0-0.tj',
      MASTER_PORT: '29500',
      WORLD_SIZE: '4',
      RANK: `@${index}`,
    });
  });

  test('is a gang: its pods name a PodGroup of all of them, which the TrainJob owns', () => {
    const decision = decide(trainJob(spec), 'torch-distributed');
    expect(decision.podGroup).toMatchObject({
      metadata: { name: 'tj', namespace: 'ml', ownerReferences: [{ kind: 'TrainJob', uid: 'uid-tj' }] },
      spec: { schedulingPolicy: { gang: { minCount: 4 } } },
    });
    const jobSet = jobSetOf(trainJob(spec), 'torch-distributed');
    expect(podSpec(jobSet).schedulingGroup).toEqual({ podGroupName: 'tj' });
  });

  test.each([
    ['nothing said: one', undefined, undefined, '1'],
    ['CPUs asked for: one each, rounded up', undefined, { requests: { cpu: '2500m' } }, '3'],
    ['GPUs asked for: torchrun counts them', undefined, { limits: { 'nvidia.com/gpu': '2' } }, 'auto'],
    ['a number said: that', 3, { limits: { 'nvidia.com/gpu': '2' } }, '3'],
  ])('processes a node, %s', (_, numProcPerNode, resourcesPerNode, expected) => {
    const trainer = {
      ...(numProcPerNode ? { numProcPerNode } : {}),
      ...(resourcesPerNode ? { resourcesPerNode } : {}),
    };
    const jobSet = jobSetOf(trainJob({ trainer }), 'torch-distributed');
    expect(env(container(jobSet))['PET_NPROC_PER_NODE']).toBe(expected);
  });
});

describe('other built-in runtimes', () => {
  const trainer = { numNodes: 2 };
  test('plain sets the plain variables, but none that the TrainJob sets', () => {
    const job = trainJob({ trainer: { ...trainer, env: [{ name: 'MASTER_PORT', value: '5000' }] } });
    expect(env(container(jobSetOf(job, 'plain')))).toEqual({
      MASTER_PORT: '5000',
      MASTER_ADDR: 'tj-node-0-0.tj',
      WORLD_SIZE: '2',
      RANK: `@${index}`,
    });
  });
  test('jax-distributed', () => {
    expect(env(container(jobSetOf(trainJob({ trainer }), 'jax-distributed')))).toMatchObject({
      JAX_NUM_PROCESSES: '2',
      JAX_PROCESS_ID: `@${index}`,
      JAX_COORDINATOR_ADDRESS: 'tj-node-0-0.tj:29500',
    });
  });
  test('xgboost-distributed counts a worker a GPU', () => {
    const job = trainJob({ trainer: { ...trainer, resourcesPerNode: { limits: { 'amd.com/gpu': '4' } } } });
    expect(env(container(jobSetOf(job, 'xgboost-distributed')))).toMatchObject({
      DMLC_TRACKER_URI: 'tj-node-0-0.tj',
      DMLC_TRACKER_PORT: '29500',
      DMLC_TASK_ID: `@${index}`,
      DMLC_NUM_WORKER: '8',
    });
  });
  test('all end at the first worker that fails: one that starts again alone meets dead connections', () => {
    for (const runtime of trainingRuntimes() as ClusterTrainingRuntime[]) {
      const jobSet = jobSetOf(trainJob({ trainer }), runtime.metadata.name);
      const spec = jobSet.spec.replicatedJobs?.[0]?.template.spec;
      expect(spec?.backoffLimit, runtime.metadata.name).toBe(0);
      expect(spec?.template.spec?.restartPolicy, runtime.metadata.name).toBe('Never');
    }
  });
  test('all are gangs of the plain environment', () => {
    for (const runtime of trainingRuntimes() as ClusterTrainingRuntime[]) {
      const { name } = runtime.metadata;
      expect(decide(trainJob({ trainer }), name).podGroup?.spec.schedulingPolicy.gang?.minCount, name).toBe(
        2,
      );
      expect(env(container(jobSetOf(trainJob({ trainer }), name))), name).toMatchObject({ WORLD_SIZE: '2' });
    }
  });
});

describe('a runtime of one’s own', () => {
  test('keeps what it says unless the TrainJob says otherwise, and gets no plain variables and no gang', () => {
    const job = trainJob({ trainer: { env: [{ name: 'A', value: 'mine' }] } });
    const jobSet = jobSetOf(job, userRuntime);
    const vars = env(container(jobSet));
    expect(vars).toMatchObject({ A: 'mine', PET_NNODES: '2' });
    expect(vars).not.toHaveProperty('MASTER_ADDR');
    expect(container(jobSet).image).toBe('torch');
    expect(jobSet.metadata.labels).toEqual({ team: 'a' });
    expect(env(container(jobSet, 'node', 'check'))).toMatchObject({ PET_MASTER_ADDR: 'tj-node-0-0.tj' });
    expect(container(jobSet, 'node', 'sidecar').env).toBeUndefined();
    expect(decide(job, userRuntime).podGroup).toBeUndefined();
  });

  test('with coscheduling makes one gang of the pods that start together, not of the initializer', () => {
    const job = trainJob({ trainer: { numNodes: 3 } });
    const runtime = { ...userRuntime, podGroupPolicy: { coscheduling: {} } };
    expect(decide(job, runtime).podGroup?.spec.schedulingPolicy.gang?.minCount).toBe(3);
    const jobSet = jobSetOf(job, runtime);
    expect(podSpec(jobSet, 'dataset-initializer').schedulingGroup).toBeUndefined();
    expect(podSpec(jobSet, 'node').schedulingGroup).toEqual({ podGroupName: 'tj' });
  });

  test('hands the data set to its initializer', () => {
    const dataset = {
      storageUri: 'hf://x/y',
      env: [{ name: 'B', value: '1' }],
      secretRef: { name: 'token' },
    };
    const jobSet = jobSetOf(trainJob({ initializer: { dataset } }), userRuntime);
    const initializer = container(jobSet, 'dataset-initializer', 'dataset-initializer');
    expect(env(initializer)).toEqual({ STORAGE_URI: 'hf://x/y', B: '1' });
    expect(initializer.envFrom).toEqual([{ secretRef: { name: 'token' } }]);
  });

  test('takes patches as Kubernetes merges them: lists by their keys', () => {
    const jobSet = jobSetOf(
      trainJob({
        runtimePatches: [
          {
            manager: 'example.io/team',
            trainingRuntimeSpec: {
              template: {
                metadata: { labels: { team: 'b' }, annotations: { note: 'x' } },
                spec: {
                  replicatedJobs: [
                    {
                      name: 'node',
                      template: {
                        spec: {
                          template: {
                            spec: {
                              nodeSelector: { pool: 'gpu' },
                              tolerations: [{ key: 'gpu', operator: 'Exists' }],
                              containers: [{ name: 'sidecar', env: [{ name: 'S', value: '1' }] }],
                            },
                          },
                        },
                      },
                    },
                  ],
                },
              },
            },
          },
        ],
      }),
      userRuntime,
    );
    expect(jobSet.metadata).toMatchObject({ labels: { team: 'b' }, annotations: { note: 'x' } });
    expect(jobSet.spec.replicatedJobs?.map((j) => j.name)).toEqual(['dataset-initializer', 'node']);
    expect(podSpec(jobSet)).toMatchObject({
      nodeSelector: { pool: 'gpu' },
      tolerations: [{ key: 'gpu', operator: 'Exists' }],
    });
    expect(podSpec(jobSet).containers.map((c) => c.name)).toEqual(['node', 'sidecar']);
    expect(container(jobSet, 'node', 'sidecar')).toEqual({
      name: 'sidecar',
      image: 'side',
      env: [{ name: 'S', value: '1' }],
    });
  });
});

describe('an MPI runtime', () => {
  const runtime = {
    mlPolicy: {
      numNodes: 1,
      mpi: { numProcPerNode: 1, runLauncherAsNode: true, sshAuthMountPath: '/home/mpi/.ssh' },
    },
    podGroupPolicy: { coscheduling: {} },
    template: {
      spec: {
        replicatedJobs: [
          replicatedJob('node'),
          replicatedJob(
            'launcher',
            { 'trainer.kubeflow.org/trainjob-ancestor-step': 'trainer' },
            { name: 'node', status: 'Ready' },
          ),
        ],
      },
    },
  } as TrainingRuntimeSpec;
  const mine = trainJob({
    trainer: { numNodes: 3, resourcesPerNode: { limits: { 'nvidia.com/gpu': '2' } } },
  });

  test('has workers beside the launcher, keys, and a hostfile that names them all', () => {
    const decision = decide(mine, runtime);
    expect(decision.mpi).toEqual({
      slots: 2,
      hostfile: 'tj-node-0-0.tj slots=2\ntj-node-0-1.tj slots=2\ntj-launcher-0-0.tj slots=2\n',
    });
    const jobSet = jobSetOf(mine, runtime);
    expect(jobSet.spec.replicatedJobs?.map((j) => j.template.spec?.parallelism)).toEqual([2, 1]);
    expect(podSpec(jobSet, 'node').volumes?.map((v) => v.name)).toEqual(['mpi-ssh-auth']);
    expect(podSpec(jobSet, 'launcher').volumes?.map((v) => v.name)).toEqual(['mpi-ssh-auth', 'mpi-hostfile']);
    expect(env(container(jobSet, 'launcher'))).toEqual({
      OMPI_MCA_orte_default_hostfile: '/etc/mpi/hostfile',
      OMPI_MCA_orte_keep_fqdn_hostnames: 'true',
      OMPI_MCA_orte_set_default_slots: '2',
      OMPI_MCA_plm_rsh_args: '-o ConnectionAttempts=10',
    });
    expect(container(jobSet, 'node').resources).toEqual({ limits: { 'nvidia.com/gpu': '2' } });
  });

  test('has a gang of the workers only: the launcher starts when they are ready', () => {
    expect(decide(mine, runtime).podGroup?.spec.schedulingPolicy.gang?.minCount).toBe(2);
    expect(podSpec(jobSetOf(mine, runtime), 'launcher').schedulingGroup).toBeUndefined();
  });
});

describe('status', () => {
  test.each([
    ['Completed', 'AllJobsCompleted', 'Complete=True AllJobsCompleted'],
    ['Failed', 'FailedJobs', 'Failed=True FailedJobs'],
  ])('takes over the JobSet’s end: %s', (type, reason, expected) => {
    const { status } = decide(trainJob(), 'plain', { jobSet: running([{ type, reason }]) });
    expect(types(status)).toEqual([expected]);
    expect(status?.jobsStatus).toEqual([
      { name: 'node', ready: 1, succeeded: 0, failed: 0, active: 1, suspended: 0 },
    ]);
  });

  test('suspending and resuming goes to the JobSet, with what changed meanwhile', () => {
    const made = decide(trainJob({ suspend: true }), 'plain');
    expect(made.createJobSet?.spec.suspend).toBe(true);
    expect(types(made.status)).toEqual(['Suspended=True Suspended']);
    const job = { ...trainJob({ trainer: { image: 'new' } }), status: made.status };
    const resumed = decide(job, 'plain', { jobSet: running([], true) });
    expect(resumed.patchJobSet).toMatchObject({
      spec: { suspend: false, replicatedJobs: [{ name: 'node' }] },
    });
    expect(JSON.stringify(resumed.patchJobSet)).toContain('"image":"new"');
    expect(types(resumed.status)).toEqual(['Suspended=False Resumed']);
    const stopped = decide(trainJob({ suspend: true }), 'plain', { jobSet: running([]) });
    expect(stopped.patchJobSet).toEqual({ spec: { suspend: true } });
  });

  test('a running TrainJob is not touched when its runtime changes', () => {
    const decision = decide(trainJob({ trainer: { image: 'new' } }), 'plain', { jobSet: running([]) });
    expect(decision.patchJobSet).toBeUndefined();
    expect(decision.createJobSet).toBeUndefined();
  });

  test('activeDeadlineSeconds ends it as Failed and removes the JobSet', () => {
    const job = trainJob({ activeDeadlineSeconds: 60 });
    const early = decide(job, 'plain', { jobSet: running([]), now: now + 50_000 });
    expect(early.requeueAfterMs).toBe(10_000);
    const late = decide(job, 'plain', { jobSet: running([]), now: now + 60_000 });
    expect(types(late.status)).toEqual(['Failed=True DeadlineExceeded']);
    expect(late.deleteJobSet).toBe(true);
    const after = decide({ ...job, status: late.status }, 'plain', { now: now + 70_000 });
    expect(after.createJobSet).toBeUndefined();
    expect(after.deleteJobSet).toBe(false);
  });

  test('a TrainJob that somebody else manages is left alone', () => {
    expect(decide(trainJob({ managedBy: 'kueue.x-k8s.io/multikueue' }), 'plain').status).toBeUndefined();
  });
});

describe('a TrainJob that cannot run', () => {
  test('waits, with an event, for a runtime that is not there', () => {
    const decision = decideTrainJob({ trainJob: trainJob(), runtime: undefined, jobSet: undefined, now });
    expect(decision.status?.conditions).toBeUndefined();
    expect(decision.events).toEqual([
      {
        type: 'Warning',
        reason: 'TrainJobResourcesCreationFailed',
        message:
          'TrainJob resources reconciliation failed: spec.runtimeRef: ClusterTrainingRuntime "torch-distributed" not found',
      },
    ]);
  });

  test('waits while a JobSet of somebody else has its name', () => {
    const jobSet = { ...jobSetOf(trainJob(), 'plain'), metadata: { name: 'tj', uid: 'x' } } as JobSet;
    const decision = decide(trainJob(), 'plain', { jobSet });
    expect(decision.events[0]?.message).toContain('JobSet "tj" exists');
    expect(decision.status?.jobsStatus).toBeUndefined();
  });

  test.each([
    [
      'unknown kind of runtime',
      { runtimeRef: { name: 'x', kind: 'Pod' } },
      'unsupported runtime: Pod.trainer',
    ],
    [
      'variable that the runtime sets',
      { trainer: { env: [{ name: 'PET_NNODES', value: '9' }] } },
      'spec.trainer.env[0].name: Invalid value: "PET_NNODES"',
    ],
    ['no nodes', { trainer: { numNodes: 0 } }, 'spec.trainer.numNodes: Invalid value: 0'],
    [
      'data set without initializer',
      { initializer: { dataset: {} } },
      'spec.initializer.dataset: Invalid value',
    ],
    [
      'patch of an unknown job',
      {
        runtimePatches: [
          {
            manager: 'm',
            trainingRuntimeSpec: { template: { spec: { replicatedJobs: [{ name: 'worker' }] } } },
          },
        ],
      },
      'spec.runtimePatches[0].trainingRuntimeSpec.template.spec.replicatedJobs[0].name: Invalid value: "worker"',
    ],
  ] as const)('%s: fails with a message that names the field', (_, spec, message) => {
    const decision = decide(trainJob(spec as unknown as Partial<TrainJobSpec>), 'torch-distributed');
    expect(decision.status?.conditions?.[0]).toMatchObject({ type: 'Failed', status: 'True' });
    expect(decision.status?.conditions?.[0]?.message).toContain(message);
    expect(decision.events[0]).toMatchObject({ type: 'Warning' });
    expect(decision.createJobSet).toBeUndefined();
  });

  test('a name that is no DNS label', () => {
    const decision = decide(trainJob({}, '4-digits'), 'plain');
    expect(decision.status?.conditions?.[0]?.message).toContain('metadata.name: Invalid value: "4-digits"');
  });
});
