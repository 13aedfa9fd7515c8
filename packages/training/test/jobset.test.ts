import { describe, expect, test } from 'vitest';
import { jobSetKeys as keys } from '../src/index.ts';
import { JobSetModel, replicated } from './jobset-model.ts';

/** One required term of pod affinity in domain `rack`. */
const term = (...matchExpressions: object[]) => ({
  requiredDuringSchedulingIgnoredDuringExecution: [
    { labelSelector: { matchExpressions }, topologyKey: 'rack', namespaceSelector: {} },
  ],
});

describe('child jobs', () => {
  test('are named, labelled and annotated as upstream does', () => {
    const model = new JobSetModel({
      replicatedJobs: [
        replicated('driver'),
        replicated('worker', { replicas: 2, pods: 4, groupName: 'gpu' }),
      ],
      coordinator: { replicatedJob: 'worker', jobIndex: 1, podIndex: 3 },
    });
    model.settle();
    expect(model.names).toEqual(['js-driver-0', 'js-worker-0', 'js-worker-1']);
    const job = model.job('js-worker-1');
    const expected = {
      [keys.jobSetName]: 'js',
      [keys.jobSetUid]: 'uid-js',
      [keys.replicatedJobName]: 'worker',
      [keys.replicatedJobReplicas]: '2',
      [keys.globalReplicas]: '3',
      [keys.jobIndex]: '1',
      [keys.jobGlobalIndex]: '2',
      // printf ml/js-worker-1 | sha1sum
      [keys.jobKey]: '61d1962c0f4844518f059309b048efeb26f6eb70',
      [keys.groupName]: 'gpu',
      [keys.groupReplicas]: '2',
      [keys.jobGroupIndex]: '1',
      [keys.restartAttempt]: '0',
      [keys.jobRestartAttempt]: '0',
      [keys.coordinator]: 'js-worker-1-3.js',
    };
    expect(job.metadata.labels).toEqual(expected);
    expect(job.metadata.annotations).toEqual(expected);
    expect(job.spec?.template.metadata?.labels).toEqual(expected);
    expect(job.spec?.template.metadata?.annotations).toEqual(expected);
    expect(job.metadata.ownerReferences).toEqual([
      {
        apiVersion: 'jobset.x-k8s.io/v1alpha2',
        kind: 'JobSet',
        name: 'js',
        uid: 'uid-js',
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
    expect(job.spec).toMatchObject({ completionMode: 'Indexed', suspend: false });
    expect(job.spec?.template.spec).toMatchObject({ subdomain: 'js', restartPolicy: 'OnFailure' });
  });

  test('get a headless Service by which their pods find each other', () => {
    const model = new JobSetModel({
      replicatedJobs: [replicated('a')],
      network: { subdomain: 'net', publishNotReadyAddresses: false },
    });
    model.settle();
    expect(model.services.get('net')?.spec).toEqual({
      clusterIP: 'None',
      selector: { [keys.jobSetName]: 'js' },
      publishNotReadyAddresses: false,
    });
    expect(model.job('js-a-0').spec?.template.spec?.subdomain).toBe('net');
  });

  test('get no Service and no subdomain when host names are turned off', () => {
    const model = new JobSetModel({
      replicatedJobs: [replicated('a')],
      network: { enableDNSHostnames: false },
    });
    model.settle();
    expect(model.services.size).toBe(0);
    expect(model.job('js-a-0').spec?.template.spec?.subdomain).toBeUndefined();
  });

  test('carry exclusive placement, and with the node selector strategy what it needs', () => {
    const model = new JobSetModel(
      { replicatedJobs: [replicated('a')] },
      { annotations: { [keys.exclusiveTopology]: 'rack', [keys.nodeSelectorStrategy]: 'true' } },
    );
    model.settle();
    const job = model.job('js-a-0');
    expect(job.metadata.annotations?.[keys.exclusiveTopology]).toBe('rack');
    expect(job.spec?.template.spec?.nodeSelector).toEqual({ [keys.namespacedJob]: 'ml_js-a-0' });
    expect(job.spec?.template.spec?.tolerations).toEqual([
      { key: keys.noScheduleTaint, operator: 'Exists', effect: 'NoSchedule' },
    ]);
  });

  test('with exclusive placement gather in one domain and keep other jobs out of it', () => {
    const model = new JobSetModel(
      { replicatedJobs: [replicated('a')] },
      { annotations: { [keys.exclusiveTopology]: 'rack' } },
    );
    model.settle();
    const job = model.job('js-a-0');
    const values = [job.metadata.labels![keys.jobKey]!];
    expect(job.spec?.template.spec?.affinity).toEqual({
      podAffinity: term({ key: keys.jobKey, operator: 'In', values }),
      podAntiAffinity: term(
        { key: keys.jobKey, operator: 'Exists' },
        { key: keys.jobKey, operator: 'NotIn', values },
      ),
    });
  });

  test('mount the claims made from volume claim templates', () => {
    const job = replicated('a');
    Object.assign(job.template.spec.template.spec.containers[0]!, {
      volumeMounts: [{ name: 'data', mountPath: '/data' }],
    });
    const model = new JobSetModel({
      replicatedJobs: [job],
      volumeClaimPolicies: [
        { templates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'] } }] },
        { templates: [{ metadata: { name: 'kept' }, spec: {} }], retentionPolicy: { whenDeleted: 'Retain' } },
      ],
    });
    const { claims } = model.look();
    expect(claims.map((c) => [c.metadata.name, c.metadata.ownerReferences?.length ?? 0])).toEqual([
      ['data-js', 1],
      ['kept-js', 0],
    ]);
    expect(model.job('js-a-0').spec?.template.spec?.volumes).toEqual([
      { name: 'data', persistentVolumeClaim: { claimName: 'data-js' } },
    ]);
  });
});

describe('success policy', () => {
  const spec = { replicatedJobs: [replicated('a'), replicated('b', { replicas: 2 })] };

  test('All by default: complete when every job is', () => {
    const model = new JobSetModel(spec);
    model.settle();
    model.complete('js-a-0');
    model.complete('js-b-0');
    model.settle();
    expect(model.conditions).toEqual([]);
    model.complete('js-b-1');
    model.settle();
    expect(model.conditions).toEqual(['Completed=True AllJobsCompleted']);
    expect(model.jobSet.status?.terminalState).toBe('Completed');
    expect(model.events).toEqual(['AllJobsCompleted: jobset completed successfully']);
    expect(model.jobSet.status?.replicatedJobsStatus).toEqual([
      { name: 'a', ready: 0, succeeded: 1, failed: 0, active: 0, suspended: 0 },
      { name: 'b', ready: 0, succeeded: 2, failed: 0, active: 0, suspended: 0 },
    ]);
  });

  test('of named replicated jobs: the others are stopped when those are done', () => {
    const model = new JobSetModel({
      ...spec,
      successPolicy: { operator: 'All', targetReplicatedJobs: ['a'] },
    });
    model.settle();
    model.complete('js-a-0');
    model.settle();
    expect(model.conditions).toEqual(['Completed=True AllJobsCompleted']);
    expect(model.names).toEqual(['js-a-0']);
  });

  test('Any: one is enough, of those named', () => {
    const model = new JobSetModel({
      ...spec,
      successPolicy: { operator: 'Any', targetReplicatedJobs: ['b'] },
    });
    model.settle();
    model.complete('js-a-0');
    model.settle();
    expect(model.conditions).toEqual([]);
    model.complete('js-b-1');
    model.settle();
    expect(model.conditions).toEqual(['Completed=True AllJobsCompleted']);
  });
});

describe('failure policy', () => {
  const replicatedJobs = [replicated('leader'), replicated('worker', { replicas: 2 })];

  test('without one the first failed job fails the JobSet, and what runs is stopped', () => {
    const model = new JobSetModel({ replicatedJobs });
    model.settle();
    model.fail('js-worker-1');
    model.settle();
    expect(model.conditions).toEqual(['Failed=True FailedJobs']);
    expect(model.events).toEqual([
      'FailedJobs: jobset failed due to one or more job failures (first failed job: js-worker-1)',
    ]);
    expect(model.jobSet.status?.terminalState).toBe('Failed');
    expect(model.names).toEqual(['js-worker-1']);
  });

  test('makes all jobs anew until maxRestarts is used up', () => {
    const model = new JobSetModel({ replicatedJobs, failurePolicy: { maxRestarts: 1 } });
    model.settle();
    const before = model.job('js-leader-0').metadata.uid;
    model.fail('js-worker-0');
    model.settle();
    expect(model.jobSet.status).toMatchObject({ restarts: 1, restartsCountTowardsMax: 1 });
    expect(model.conditions).toEqual(['RestartingJobSet=True DefaultFailurePolicy']);
    expect(model.names).toEqual(['js-leader-0', 'js-worker-0', 'js-worker-1']);
    expect(model.job('js-leader-0').metadata.uid).not.toBe(before);
    expect(model.job('js-leader-0').metadata.labels?.[keys.restartAttempt]).toBe('1');
    for (const name of model.names) model.run(name);
    model.settle();
    expect(model.conditions).toEqual(['RestartingJobSet=False JobsReady']);
    model.fail('js-leader-0');
    model.settle();
    expect(model.conditions).toEqual([
      'RestartingJobSet=False JobSetFailed',
      'Failed=True ReachedMaxRestarts',
    ]);
    expect(model.jobSet.status?.restarts).toBe(1);
  });

  test('with BlockingRecreate starts nothing before all of the last run is gone', () => {
    const model = new JobSetModel({
      replicatedJobs,
      failurePolicy: { maxRestarts: 1, restartStrategy: 'BlockingRecreate' },
    });
    model.settle();
    model.fail('js-worker-0');
    model.look();
    // Foreground deletion: the jobs stay for a while.
    const decision = model.look();
    expect(decision.deleteJobs.length).toBe(3);
    expect(decision.createJobs).toEqual([]);
    expect(model.look().createJobs.length).toBe(3);
  });

  test.each([
    ['FailJobSet', 'Failed=True FailJobSetFailurePolicyAction', undefined, undefined],
    ['RestartJobSet', 'RestartingJobSet=True FailurePolicy_rule', 1, 1],
    ['RestartJobSetAndIgnoreMaxRestarts', 'RestartingJobSet=True FailurePolicy_rule', 1, undefined],
  ] as const)('rule with action %s', (action, condition, restarts, counted) => {
    const model = new JobSetModel({
      replicatedJobs,
      failurePolicy: {
        maxRestarts: 1,
        rules: [{ name: 'rule', action, targetReplicatedJobs: ['leader'] }],
      },
    });
    model.settle();
    model.fail('js-leader-0');
    model.settle();
    expect(model.conditions).toEqual([condition]);
    expect(model.jobSet.status?.restarts).toBe(restarts);
    expect(model.jobSet.status?.restartsCountTowardsMax).toBe(counted);
    expect(model.events).toContain(
      `${action}FailurePolicyAction: applying ${action} failure policy action (first failed job: js-leader-0)`,
    );
  });

  test('RestartJob makes only the failed job anew, and counts towards maxRestarts', () => {
    const model = new JobSetModel({
      replicatedJobs,
      failurePolicy: { maxRestarts: 1, rules: [{ name: 'r', action: 'RestartJob' }] },
    });
    model.settle();
    const kept = model.job('js-worker-0').metadata.uid;
    model.fail('js-worker-1');
    model.settle();
    expect(model.job('js-worker-0').metadata.uid).toBe(kept);
    expect(model.job('js-worker-1').metadata.labels).toMatchObject({
      [keys.restartAttempt]: '0',
      [keys.jobRestartAttempt]: '1',
    });
    expect(model.jobSet.status?.replicatedJobsStatus?.[1]).toMatchObject({
      jobRestarts: [0, 1],
      jobRestartsCountTowardsMax: [0, 1],
    });
    expect(model.conditions).toEqual([]);
    model.fail('js-worker-1');
    model.settle();
    expect(model.conditions).toEqual(['Failed=True ReachedMaxRestarts']);
  });

  test('the first rule that fits by reason, message and target decides', () => {
    const rules = [
      { name: 'other', action: 'FailJobSet' as const, onJobFailureReasons: ['DeadlineExceeded'] },
      { name: 'text', action: 'FailJobSet' as const, onJobFailureMessagePatterns: ['^no .* left'] },
      {
        name: 'maintenance',
        action: 'RestartJobSetAndIgnoreMaxRestarts' as const,
        onJobFailureReasons: ['PodFailurePolicy'],
        onJobFailureMessagePatterns: ['.*matching FailJob rule.*'],
        targetReplicatedJobs: ['worker'],
      },
    ];
    const model = new JobSetModel({ replicatedJobs, failurePolicy: { maxRestarts: 0, rules } });
    model.settle();
    model.fail('js-worker-0', 'PodFailurePolicy', 'Container main failed matching FailJob rule at index 0');
    model.settle();
    expect(model.conditions).toEqual(['RestartingJobSet=True FailurePolicy_maintenance']);
  });
});

describe('startup', () => {
  test('InOrder starts a replicated job when the one before is ready', () => {
    const model = new JobSetModel({
      replicatedJobs: [replicated('a', { replicas: 2 }), replicated('b')],
      startupPolicy: { startupPolicyOrder: 'InOrder' },
    });
    model.settle();
    expect(model.names).toEqual(['js-a-0', 'js-a-1']);
    expect(model.conditions).toEqual(['StartupPolicyInProgress=True InOrderStartupPolicyInProgress']);
    model.run('js-a-0');
    model.settle();
    expect(model.names).toEqual(['js-a-0', 'js-a-1']);
    model.run('js-a-1');
    model.settle();
    expect(model.names).toEqual(['js-a-0', 'js-a-1', 'js-b-0']);
    model.run('js-b-0');
    model.settle();
    expect(model.conditions).toEqual([
      'StartupPolicyInProgress=False InOrderStartupPolicyInProgress',
      'StartupPolicyCompleted=True InOrderStartupPolicyCompleted',
    ]);
  });

  test('dependsOn waits until what it names is ready, or complete', () => {
    const model = new JobSetModel({
      replicatedJobs: [
        replicated('data'),
        replicated('server', { dependsOn: [{ name: 'data', status: 'Complete' }] }),
        replicated('client', { dependsOn: [{ name: 'server', status: 'Ready' }] }),
      ],
    });
    model.settle();
    model.run('js-data-0');
    model.settle();
    expect(model.names).toEqual(['js-data-0']);
    model.complete('js-data-0');
    model.settle();
    expect(model.names).toEqual(['js-data-0', 'js-server-0']);
    model.run('js-server-0');
    model.settle();
    expect(model.names).toEqual(['js-client-0', 'js-data-0', 'js-server-0']);
  });
});

describe('suspending', () => {
  test('a new JobSet makes its jobs suspended, and resumes them', () => {
    const model = new JobSetModel({ replicatedJobs: [replicated('a', { replicas: 2 })], suspend: true });
    model.settle();
    expect(model.names.map((n) => model.job(n).spec?.suspend)).toEqual([true, true]);
    expect(model.conditions).toEqual(['Suspended=True SuspendedJobs']);
    expect(model.jobSet.status?.replicatedJobsStatus?.[0]?.suspended).toBe(2);
    model.change({ suspend: false });
    model.settle();
    expect(model.names.map((n) => model.job(n).spec?.suspend)).toEqual([false, false]);
    expect(model.conditions).toEqual(['Suspended=False ResumeJobs']);
    expect(model.events).toEqual(['SuspendedJobs: jobset is suspended', 'ResumeJobs: jobset is resumed']);
  });

  test('a running JobSet suspends its jobs', () => {
    const model = new JobSetModel({ replicatedJobs: [replicated('a')] });
    model.settle();
    model.change({ suspend: true });
    model.settle();
    expect(model.job('js-a-0').spec?.suspend).toBe(true);
  });
});

describe('the end', () => {
  test('ttlSecondsAfterFinished deletes the JobSet when it is over, not before', () => {
    const model = new JobSetModel({ replicatedJobs: [replicated('a')], ttlSecondsAfterFinished: 60 });
    model.settle();
    model.complete('js-a-0');
    model.settle();
    model.now += 59_000;
    expect(model.look().requeueAfterMs).toBe(1000);
    expect(model.deleted).toBe(false);
    model.now += 1000;
    model.look();
    expect(model.deleted).toBe(true);
  });

  test('a JobSet that somebody else manages is left alone', () => {
    const model = new JobSetModel({
      replicatedJobs: [replicated('a')],
      managedBy: 'kueue.x-k8s.io/multikueue',
    });
    expect(model.look().status).toBeUndefined();
    expect(model.names).toEqual([]);
  });
});

describe('a spec that cannot work', () => {
  const a = replicated('a');
  test.each([
    [
      'success policy of a job that is not there',
      { replicatedJobs: [a], successPolicy: { operator: 'All' as const, targetReplicatedJobs: ['b'] } },
      'spec.successPolicy.targetReplicatedJobs[0]: Invalid value: "b": is not the name',
    ],
    [
      'dependency on a later job',
      { replicatedJobs: [{ ...a, dependsOn: [{ name: 'b', status: 'Ready' as const }] }, replicated('b')] },
      'spec.replicatedJobs[0].dependsOn[0].name: Invalid value: "b"',
    ],
    [
      'name too long for its pods',
      { replicatedJobs: [replicated('x'.repeat(60))] },
      'spec.replicatedJobs[0].name: Invalid value',
    ],
    [
      'failure reason that no Job has',
      {
        replicatedJobs: [a],
        failurePolicy: {
          rules: [{ name: 'r', action: 'FailJobSet' as const, onJobFailureReasons: ['Bored'] }],
        },
      },
      'spec.failurePolicy.rules[0].onJobFailureReasons[0]: Invalid value: "Bored"',
    ],
    [
      'coordinator beyond the last job',
      { replicatedJobs: [a], coordinator: { replicatedJob: 'a', jobIndex: 1 } },
      'spec.coordinator.jobIndex: Invalid value: 1',
    ],
    [
      'no containers',
      { replicatedJobs: [{ name: 'a', template: { spec: { template: {} } } }] },
      'spec.replicatedJobs[0].template.spec.template.spec.containers',
    ],
  ])('%s: fails with a message that names the field', (_, spec, message) => {
    const model = new JobSetModel(spec);
    model.settle();
    expect(model.conditions).toEqual(['Failed=True InvalidSpec']);
    expect(model.jobSet.status?.conditions?.[0]?.message).toContain(message);
    expect(model.events[0]).toContain(message);
    expect(model.names).toEqual([]);
  });
});
