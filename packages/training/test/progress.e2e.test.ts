/** The progress server over TLS, before a real API server with real service account tokens. */
import { request } from 'node:https';
import { createPki } from '@coracle/apiserver';
import { testServer } from '@coracle/apiserver/testing';
import { createClient, inProcessTransport } from '@coracle/client';
import { silentLogger } from '@coracle/operator';
import { expect, onTestFinished, test } from 'vitest';
import { progressServer, trainingCrds, TrainJob } from '../src/index.ts';

const pathOf = (name: string) =>
  `/apis/trainer.kubeflow.org/v1alpha1/namespaces/default/trainjobs/${name}/status`;
const audienceOf = (name: string) =>
  `trainer.kubeflow.org/v1alpha1/namespaces/default/trainjobs/${name}/status`;

test('a pod’s token for one TrainJob can report on it, and on nothing else', async () => {
  const api = await testServer();
  onTestFinished(() => api.close());
  const client = createClient(inProcessTransport(api.handler, api.admin));
  for (const definition of trainingCrds()) {
    await api.call('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  }
  await client.create(
    TrainJob,
    { metadata: { name: 'tj', namespace: 'default' }, spec: { runtimeRef: { name: 'plain' } } },
    { namespace: 'default' },
  );
  const tokenFor = async (name: string): Promise<string> => {
    const answer = await api.call<{ status: { token: string } }>(
      'POST',
      '/api/v1/namespaces/default/serviceaccounts/default/token',
      { spec: { audiences: [audienceOf(name)] } },
    );
    return answer.status.token;
  };
  const pki = createPki();
  const server = progressServer({
    client,
    host: '127.0.0.1',
    port: 0,
    tls: { cert: pki.serving.certificate, key: pki.serving.privateKey },
    logger: silentLogger,
  });
  await server.start();
  onTestFinished(() => server.stop());

  const post = (name: string, token: string, body: unknown, method = 'POST') =>
    new Promise<number>((resolve, reject) => {
      const call = request(
        {
          host: '127.0.0.1',
          port: server.port,
          path: pathOf(name),
          method,
          ca: pki.authority.certificate,
          headers: { authorization: `Bearer ${token}` },
        },
        (response) => {
          response.resume().on('end', () => resolve(response.statusCode ?? 0));
        },
      );
      call.on('error', reject).end(JSON.stringify(body));
    });
  const trainerStatus = {
    progressPercentage: 42,
    metrics: [{ name: 'accuracy', value: '0.97' }],
    lastUpdatedTime: '2026-01-01T00:00:00Z',
  };
  const token = await tokenFor('tj');
  expect(await post('tj', token, { trainerStatus })).toBe(200);
  const stored = await client.get(TrainJob, 'tj', { namespace: 'default' });
  expect(stored.status?.trainerStatus).toEqual(trainerStatus);

  expect(await post('other', token, { trainerStatus })).toBe(403);
  expect(await post('tj', 'no-token', { trainerStatus })).toBe(403);
  expect(await post('gone', await tokenFor('gone'), { trainerStatus })).toBe(404);
  expect(await post('tj', token, { trainerStatus: { progressPercentage: 101 } })).toBe(422);
  expect(await post('tj', token, {}, 'PUT')).toBe(404);
});
