/** `@kubernetes/client-node`, an outside client, against a running engine: every built-in kind, watches, logs and exec. */
import {
  ApiException,
  CoreV1Api,
  Exec,
  KubeConfig,
  KubernetesObjectApi,
  Log,
  makeInformer,
  PatchStrategy,
} from '@kubernetes/client-node';
import type { KubernetesObject, V1ConfigMap, V1Status } from '@kubernetes/client-node';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPki } from '@coracle/apiserver';
import { createRegistry } from '@coracle/machinery';
import { certificateRequest, certificateRequestDer } from './support/certificate-request.ts';
import { testEngine } from './support/engine.ts';
import type { TestEngine } from './support/engine.ts';
import { everyKind } from './support/every-kind.ts';
import { until } from './support/until.ts';

type Named = KubernetesObject & {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
};

describe('@kubernetes/client-node', () => {
  let engine: TestEngine;
  const config = new KubeConfig();
  const namespace = 'outside';
  beforeAll(async () => {
    engine = await testEngine();
    config.loadFromString(JSON.stringify(engine.kubeconfig));
    await config.makeApiClient(CoreV1Api).createNamespace({ body: { metadata: { name: namespace } } });
  });
  afterAll(() => engine?.close());

  test('the list of kinds leaves none out that can be stored', () => {
    const listed = new Set(
      everyKind(namespace).map(({ object }) => {
        const slash = object.apiVersion.indexOf('/');
        return `${slash < 0 ? '' : object.apiVersion.slice(0, slash)} ${object.kind}`;
      }),
    );
    const missing = [...createRegistry().kinds()]
      .filter((kind) => kind.verbs.includes('create') && kind.verbs.includes('list'))
      .map((kind) => `${kind.group} ${kind.kind}`)
      .filter((name) => !listed.has(name));
    expect([...new Set(missing)]).toEqual([]);
  });

  test('creates, reads, lists, patches, replaces and deletes every built-in kind', async () => {
    const api = KubernetesObjectApi.makeApiClient(config);
    const failures: string[] = [];
    for (const { object } of everyKind(namespace, {
      csr: certificateRequest(),
      csrDer: certificateRequestDer(),
      certificate: createPki().authority.certificate,
    })) {
      const named = object as unknown as Named;
      const header = { apiVersion: named.apiVersion, kind: named.kind, metadata: { ...named.metadata } };
      try {
        const created = await api.create(named);
        expect(created.metadata?.uid).toBeTruthy();
        const read = await api.read(header);
        expect(read.metadata?.name).toBe(named.metadata.name);
        const list = await api.list(named.apiVersion, named.kind, named.metadata.namespace);
        expect(list.items.some((item) => item.metadata?.name === named.metadata.name)).toBe(true);
        const patched = await api.patch(
          { ...header, metadata: { ...header.metadata, labels: { patched: 'yes' } } } as KubernetesObject,
          undefined,
          undefined,
          undefined,
          undefined,
          PatchStrategy.MergePatch,
        );
        expect(patched.metadata?.labels?.['patched']).toBe('yes');
        // A controller may write in between, more than once: then the conflict is right, and to read again is the answer.
        const replace = async (object: KubernetesObject, tries: number): Promise<KubernetesObject> => {
          object.metadata = { ...object.metadata, annotations: { replaced: 'yes' } };
          try {
            return await api.replace(object);
          } catch (error) {
            if (!(error instanceof ApiException) || error.code !== 409 || tries === 1) throw error;
            return replace(await api.read(header), tries - 1);
          }
        };
        const replaced = await replace(patched, 10);
        expect(replaced.metadata?.annotations?.['replaced']).toBe('yes');
        await api.delete(header);
      } catch (error) {
        failures.push(`${named.apiVersion} ${named.kind}: ${String(error).slice(0, 500)}`);
      }
    }
    expect(failures).toEqual([]);
  }, 120_000);

  test('an informer sees what happens, in order', async () => {
    const core = config.makeApiClient(CoreV1Api);
    const seen: string[] = [];
    const informer = makeInformer<V1ConfigMap>(config, `/api/v1/namespaces/${namespace}/configmaps`, () =>
      core.listNamespacedConfigMap({ namespace }),
    );
    informer.on('add', (o) => seen.push(`add ${o.metadata?.name}`));
    informer.on('update', (o) => seen.push(`update ${o.metadata?.name}`));
    informer.on('delete', (o) => seen.push(`delete ${o.metadata?.name}`));
    await informer.start();
    const body = { metadata: { name: 'watched' }, data: { a: '1' } };
    await core.createNamespacedConfigMap({ namespace, body });
    await core.replaceNamespacedConfigMap({
      namespace,
      name: 'watched',
      body: { ...body, data: { a: '2' } },
    });
    await core.deleteNamespacedConfigMap({ namespace, name: 'watched' });
    await until('the informer has seen the delete', () => seen.includes('delete watched'));
    await informer.stop();
    expect(seen.filter((s) => s.endsWith(' watched'))).toEqual([
      'add watched',
      'update watched',
      'delete watched',
    ]);
  });

  test('a pod runs; its log and an exec come through WebSockets', async () => {
    const core = config.makeApiClient(CoreV1Api);
    await core.createNamespacedPod({
      namespace,
      body: {
        metadata: { name: 'talks' },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'main', image: 'none', command: ['sh', '-c', 'echo hello; exec sleep 600'] }],
        },
      },
    });
    await until('the pod is ready', async () => {
      const pod = await core.readNamespacedPod({ namespace, name: 'talks' });
      return pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True');
    });
    expect(await core.readNamespacedPodLog({ namespace, name: 'talks' })).toBe('hello\n');
    const following = new PassThrough();
    await new Log(config).log(namespace, 'talks', 'main', following, { follow: true });
    let followed = '';
    following.on('data', (chunk: Buffer) => (followed += chunk.toString()));
    await until('the log is followed', () => followed === 'hello\n');

    const stdout = new PassThrough();
    const ended = Promise.withResolvers<V1Status>();
    await new Exec(config).exec(
      namespace,
      'talks',
      'main',
      ['sh', '-c', 'echo out; exit 3'],
      stdout,
      new PassThrough(),
      null,
      false,
      (status) => {
        stdout.end();
        ended.resolve(status);
      },
    );
    const output = text(stdout);
    const status = await ended.promise;
    expect(status.details?.causes?.[0]).toMatchObject({ reason: 'ExitCode', message: '3' });
    expect(await output).toBe('out\n');
    await core.deleteNamespacedPod({ namespace, name: 'talks' });
    // A followed log ends with its container.
    await finished(following);
    await until('the pod is gone', () =>
      core.readNamespacedPod({ namespace, name: 'talks' }).then(
        () => false,
        (error: unknown) => error instanceof ApiException && error.code === 404,
      ),
    );
  }, 60_000);
});
