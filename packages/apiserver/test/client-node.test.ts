import { PassThrough } from 'node:stream';
import {
  ApiException,
  AppsV1Api,
  AuthorizationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  Exec,
  KubeConfig,
  KubernetesObjectApi,
  Log,
  PatchStrategy,
  setHeaderOptions,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KubeletApi } from '@coracle/machinery';
import { createPki } from '../src/index.ts';
import { testServer, type TestServer } from '../src/testing.ts';

const agent: Partial<KubeletApi> = {
  async *logs() {
    yield await Promise.resolve(Buffer.from('a line\n'));
  },
  async exec(_ref, options, session) {
    await session.stdout?.(Buffer.from(options.command.join(' ')));
    await session.finish({ exitCode: 0 });
  },
};

let t: TestServer;
const config = new KubeConfig();
beforeAll(async () => {
  const pki = createPki();
  t = await testServer({ nodes: { connect: () => agent as KubeletApi } });
  const { port } = await t.server.listen({
    tls: { cert: pki.serving.certificate, key: pki.serving.privateKey, ca: pki.authority.certificate },
  });
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  config.loadFromOptions({
    clusters: [{ name: 'c', server: `https://127.0.0.1:${port}`, caData: base64(pki.authority.certificate) }],
    users: [{ name: 'u', certData: base64(pki.admin.certificate), keyData: base64(pki.admin.privateKey) }],
    contexts: [{ name: 'x', cluster: 'c', user: 'u' }],
    currentContext: 'x',
  });
});
afterAll(() => t.close());

const namespace = 'default';

describe('the official JavaScript client', () => {
  test('creates, reads, replaces, patches, lists and deletes', async () => {
    const api = config.makeApiClient(CoreV1Api);
    const made = await api.createNamespacedConfigMap({
      namespace,
      body: { metadata: { name: 'a' }, data: { k: '1' } },
    });
    expect(made.metadata?.creationTimestamp).toBeInstanceOf(Date);
    const replaced = await api.replaceNamespacedConfigMap({
      namespace,
      name: 'a',
      body: { ...made, data: { k: '2' } },
    });
    expect(replaced.data).toEqual({ k: '2' });
    const patched = await api.patchNamespacedConfigMap(
      { namespace, name: 'a', body: [{ op: 'add', path: '/data/l', value: '3' }] },
      setHeaderOptions('Content-Type', PatchStrategy.JsonPatch),
    );
    expect(patched.data).toEqual({ k: '2', l: '3' });
    const list = await api.listNamespacedConfigMap({ namespace, limit: 1 });
    expect(list.items).toHaveLength(1);
    await api.deleteNamespacedConfigMap({ namespace, name: 'a' });
    const error = await api.readNamespacedConfigMap({ namespace, name: 'a' }).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(ApiException);
    expect((error as ApiException<unknown>).code).toBe(404);
  });
  test('scales a deployment', async () => {
    const api = config.makeApiClient(AppsV1Api);
    const labels = { app: 'd' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    await api.createNamespacedDeployment({
      namespace,
      body: { metadata: { name: 'd' }, spec: { replicas: 1, selector: { matchLabels: labels }, template } },
    });
    const scale = await api.readNamespacedDeploymentScale({ namespace, name: 'd' });
    await api.replaceNamespacedDeploymentScale({
      namespace,
      name: 'd',
      body: { ...scale, spec: { replicas: 3 } },
    });
    expect((await api.readNamespacedDeployment({ namespace, name: 'd' })).spec?.replicas).toBe(3);
  });
  test('watches', async () => {
    const seen: string[] = [];
    let wake = (): void => {};
    const watch = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { fieldSelector: 'metadata.name=w', allowWatchBookmarks: true },
      (phase: string) => {
        seen.push(phase);
        wake();
      },
      () => {},
    );
    const api = config.makeApiClient(CoreV1Api);
    await api.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'w' } } });
    await api.deleteNamespacedConfigMap({ namespace, name: 'w' });
    while (!seen.includes('DELETED')) await new Promise<void>((resolve) => (wake = resolve));
    expect(seen.filter((phase) => phase !== 'BOOKMARK')).toEqual(['ADDED', 'DELETED']);
    watch.abort();
  });
  test('reads logs and runs commands', async () => {
    const api = config.makeApiClient(CoreV1Api);
    await api.createNamespacedPod({
      namespace,
      body: { metadata: { name: 'run' }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] } },
    });
    expect(await api.readNamespacedPodLog({ namespace, name: 'run' })).toBe('a line\n');
    const log = new PassThrough();
    await new Log(config).log(namespace, 'run', 'c', log, { follow: true });
    expect(String((await log[Symbol.asyncIterator]().next()).value)).toBe('a line\n');
    const out = new PassThrough();
    const status = await new Promise((resolve, reject) => {
      new Exec(config)
        .exec(namespace, 'run', 'c', ['say', 'hi'], out, null, null, false, resolve)
        .catch(reject);
    });
    expect(status).toMatchObject({ status: 'Success' });
    expect(String(out.read())).toBe('say hi');
  });
  test('works with objects of any kind, and custom ones', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config);
    await objects.create({
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'boats.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'boats', kind: 'Boat' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: { spec: { type: 'object', properties: { crew: { type: 'integer' } } } },
              },
            },
          },
        ],
      },
    } as never);
    const custom = config.makeApiClient(CustomObjectsApi);
    const where = { group: 'example.com', version: 'v1', namespace, plural: 'boats' };
    await custom.createNamespacedCustomObject({
      ...where,
      body: { apiVersion: 'example.com/v1', kind: 'Boat', metadata: { name: 'b' }, spec: { crew: 1 } },
    });
    expect(await custom.listNamespacedCustomObject(where)).toMatchObject({ items: [{ spec: { crew: 1 } }] });
    await objects.delete({ apiVersion: 'example.com/v1', kind: 'Boat', metadata: { name: 'b', namespace } });
  });
  test('asks what it may do', async () => {
    const review = await config.makeApiClient(AuthorizationV1Api).createSelfSubjectAccessReview({
      body: { spec: { resourceAttributes: { verb: 'delete', resource: 'nodes' } } },
    });
    expect(review.status?.allowed).toBe(true);
  });
});
