import type { Client } from '@coracle/client';
import { TokenReview } from '@coracle/machinery/api';
import { fakeCluster } from '@coracle/operator/testing';
import { describe, expect, test } from 'vitest';
import { acceptReport } from '../src/progress/report.ts';
import { type ClusterTrainingRuntime, decideTrainJob, trainingRuntimes, TrainJob } from '../src/index.ts';

const audience = 'trainer.kubeflow.org/v1alpha1/namespaces/ml/trainjobs/tj/status';
const trainJob = {
  apiVersion: 'trainer.kubeflow.org/v1alpha1',
  kind: 'TrainJob',
  metadata: { name: 'tj', namespace: 'ml' },
  spec: { runtimeRef: { name: 'plain' } },
} as TrainJob;

/** A cluster that knows one token: `good`, of a service account of namespace `ml`, made for TrainJob `tj`. */
function cluster() {
  const fake = fakeCluster({ types: [TrainJob], objects: [trainJob] });
  const client = new Proxy(fake.client, {
    get(target, name) {
      if (name !== 'create') return Reflect.get(target, name) as unknown;
      return async (type: unknown, review: TokenReview) => {
        if (type !== TokenReview) throw new Error('only reviews are created here');
        const authenticated = review.spec.token === 'good' && review.spec.audiences?.includes(audience);
        const user = { username: 'system:serviceaccount:ml:default' };
        return { ...review, status: authenticated ? { authenticated, audiences: [audience], user } : {} };
      };
    },
  }) as Client;
  const status = () => fake.object(TrainJob, 'tj', 'ml')?.status?.trainerStatus;
  return { client, status };
}
const report = (more: { authorization?: string; body?: string; name?: string } = {}) => ({
  namespace: 'ml',
  name: 'tj',
  authorization: 'Bearer good',
  body: '{}',
  ...more,
});

describe('a report of progress', () => {
  test('becomes the TrainJob’s trainerStatus, whole: what it leaves out is gone', async () => {
    const { client, status } = cluster();
    const first = {
      progressPercentage: 10,
      estimatedRemainingSeconds: 90,
      metrics: [{ name: 'loss', value: '0.5' }],
      lastUpdatedTime: '2026-01-01T00:00:00Z',
    };
    const answer = await acceptReport(client, report({ body: JSON.stringify({ trainerStatus: first }) }));
    expect(answer).toEqual({ trainerStatus: first });
    expect(status()).toEqual(first);
    const second = { progressPercentage: 20, lastUpdatedTime: '2026-01-01T00:00:10Z' };
    await acceptReport(client, report({ body: JSON.stringify({ trainerStatus: second }) }));
    expect(status()).toEqual(second);
  });

  test('without a status changes nothing', async () => {
    const { client, status } = cluster();
    expect(await acceptReport(client, report())).toEqual({});
    expect(status()).toBeUndefined();
  });

  test.each([
    ['no token', { authorization: undefined }],
    ['another scheme', { authorization: 'Basic good' }],
    ['an unknown token', { authorization: 'Bearer bad' }],
    ['a token for another TrainJob', { name: 'other' }],
  ])('with %s is Forbidden', async (_, more) => {
    const { client } = cluster();
    const wrong = { ...report(), ...more };
    await expect(acceptReport(client, wrong)).rejects.toMatchObject({ reason: 'Forbidden', code: 403 });
  });

  test.each(['', '[]', '{"trainerStatus": 7}'])('with body %j is Invalid', async (body) => {
    const { client } = cluster();
    await expect(acceptReport(client, report({ body }))).rejects.toMatchObject({
      reason: 'Invalid',
      code: 422,
    });
  });
});

describe('a TrainJob of a cluster with a progress server', () => {
  const runtime = trainingRuntimes()[0] as ClusterTrainingRuntime;
  const decision = decideTrainJob({
    trainJob,
    runtime: { labels: {}, spec: runtime.spec },
    jobSet: undefined,
    now: 0,
    progress: { url: 'https://127.0.0.1:8444', ca: 'PEM' },
  });

  test('tells its trainer where to report, and gives it a token for that alone', () => {
    const podSpec = decision.createJobSet?.spec.replicatedJobs?.[0]?.template.spec?.template.spec;
    expect(podSpec?.containers[0]?.env?.filter((e) => e.name.startsWith('KUBEFLOW'))).toEqual([
      {
        name: 'KUBEFLOW_TRAINER_SERVER_URL',
        value: 'https://127.0.0.1:8444/apis/trainer.kubeflow.org/v1alpha1/namespaces/ml/trainjobs/tj/status',
      },
      { name: 'KUBEFLOW_TRAINER_SERVER_CA_CERT', value: '/var/run/secrets/kubeflow/trainer/ca.crt' },
      { name: 'KUBEFLOW_TRAINER_SERVER_TOKEN', value: '/var/run/secrets/kubeflow/trainer/token' },
    ]);
    expect(podSpec?.volumes?.[0]?.projected?.sources).toMatchObject([
      { serviceAccountToken: { audience, path: 'token' } },
      { configMap: { name: 'tj-tls-config' } },
    ]);
  });

  test('has the server’s certificates beside it', () => {
    expect(decision.certificates).toMatchObject({
      metadata: {
        name: 'tj-tls-config',
        namespace: 'ml',
        ownerReferences: [{ kind: 'TrainJob', name: 'tj' }],
      },
      data: { 'ca.crt': 'PEM' },
    });
  });
});
