/** An unmodified kubectl against a running engine: every verb people use, on every built-in kind. */
import { X509Certificate } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createPki } from '@coracle/apiserver';
import { command, isThere } from './support/command.ts';
import type { Ran } from './support/command.ts';
import { testEngine } from './support/engine.ts';
import type { TestEngine } from './support/engine.ts';
import { everyKind } from './support/every-kind.ts';
import type { EveryKind } from './support/every-kind.ts';
import { certificateRequest, certificateRequestDer } from './support/certificate-request.ts';
import { until } from './support/until.ts';

const there = await isThere('kubectl', ['version', '--client']);
if (!there) console.warn('kubectl is not installed: its tests are skipped');

/** Kinds whose second `apply` finds nothing to do. */
const settled = new Set(
  'ConfigMap Namespace Node Pod ServiceAccount Service Deployment DaemonSet ReplicaSet StatefulSet CronJob Job'
    .concat(
      ' ClusterRole Role RoleBinding StorageClass PriorityClass Lease RuntimeClass PersistentVolumeClaim',
    )
    .split(' '),
);

describe.skipIf(!there)('kubectl', () => {
  let engine: TestEngine;
  let kinds: EveryKind[];
  const kubectl = (words: string[], input?: string, env: Record<string, string> = {}): Promise<Ran> =>
    command('kubectl', words, {
      env: {
        KUBECONFIG: engine.kubeconfigPath ?? '',
        KUBECACHEDIR: join(engine.folder, 'kube-cache'),
        ...env,
      },
      ...(input === undefined ? {} : { input }),
    });
  const works = async (words: string[], input?: string, env?: Record<string, string>): Promise<string> => {
    const ran = await kubectl(words, input, env);
    expect(ran.code, `kubectl ${words.join(' ')}\n${ran.stdout}\n${ran.stderr}`).toBe(0);
    return ran.stdout;
  };

  const authority = (): X509Certificate =>
    new X509Certificate(
      Buffer.from(String(engine.kubeconfig.clusters[0]?.cluster['certificate-authority-data']), 'base64'),
    );

  beforeAll(async () => {
    engine = await testEngine();
    kinds = everyKind('every-kind', {
      csr: certificateRequest(),
      csrDer: certificateRequestDer(),
      certificate: createPki().authority.certificate,
    });
    await works(['create', 'namespace', 'every-kind']);
  });
  afterAll(() => engine?.close());

  test('create, get, describe, apply, patch, edit and delete work on every built-in kind', async () => {
    const editor = join(engine.folder, 'editor.sh');
    await writeFile(editor, '#!/bin/sh\nsed -i \'s/edit-me: before/edit-me: after/\' "$1"\n');
    await chmod(editor, 0o755);
    const failures: string[] = [];
    const one = async ({ object, namespaced }: EveryKind): Promise<void> => {
      const [version, group] = object.apiVersion.split('/').toReversed();
      const type = group ? `${object.kind}.${version}.${group}` : object.kind;
      const where = namespaced ? ['-n', 'every-kind'] : [];
      const named = [...where, type, object.metadata.name];
      const text = (o: unknown): string => JSON.stringify(o);
      await works(['create', '-f', '-'], text(object));
      expect(await works(['get', ...named, '-o', 'name'])).toContain(object.metadata.name);
      expect(await works(['get', ...named])).toMatch(/AGE|LAST SEEN|CREATED/);
      expect(await works(['describe', ...named])).toContain(object.metadata.name);
      // Client-side apply over an object that `create` made: kubectl warns about the missing annotation, and adds it.
      const applied = structuredClone(object);
      applied.metadata.annotations = { 'edit-me': 'before' };
      await works(['apply', '-f', '-'], text(applied));
      // Lists without merge keys are compared whole, so that defaults inside them make kubectl patch again, upstream too.
      expect(await works(['apply', '-f', '-'], text(applied))).toContain(
        settled.has(object.kind) ? 'unchanged' : object.metadata.name,
      );
      await works([
        'patch',
        ...named,
        '--type=merge',
        '-p',
        text({ metadata: { labels: { merge: 'yes' } } }),
      ]);
      await works([
        'patch',
        ...named,
        '--type=json',
        '-p',
        text([{ op: 'add', path: '/metadata/labels/json', value: 'yes' }]),
      ]);
      await works(['patch', ...named, '-p', text({ metadata: { labels: { strategic: 'yes' } } })]);
      await works(['edit', ...named], undefined, { KUBE_EDITOR: editor });
      const labels = JSON.parse(await works(['get', ...named, '-o', 'json'])).metadata;
      expect(labels.labels).toMatchObject({ merge: 'yes', json: 'yes', strategic: 'yes' });
      expect(labels.annotations['edit-me']).toBe('after');
      await works(['explain', object.kind.toLowerCase(), '--api-version', object.apiVersion]);
      await works(['delete', ...named, '--wait=false']);
    };
    const queue = [...kinds];
    await Promise.all(
      Array.from({ length: 3 }, async () => {
        for (let next = queue.shift(); next; next = queue.shift()) {
          await one(next).catch((error: Error) => {
            failures.push(`${next?.object.apiVersion} ${next?.object.kind}: ${error.message.slice(0, 600)}`);
          });
        }
      }),
    );
    expect(failures).toEqual([]);
  }, 600_000);

  test('api-resources and api-versions list what discovery serves', async () => {
    const names = (await works(['api-resources', '-o', 'name'])).trim().split('\n');
    for (const name of ['pods', 'jobs.batch', 'trainjobs.trainer.kubeflow.org', 'jobsets.jobset.x-k8s.io']) {
      expect(names).toContain(name);
    }
    expect(await works(['api-versions'])).toContain('scheduling.k8s.io/v1alpha2');
  });

  test('explain prints the fields of a kind, and of a custom one', async () => {
    expect(await works(['explain', 'pod.spec.containers'])).toContain('terminationMessagePath');
    expect(await works(['explain', 'trainjob.spec'])).toContain('runtimeRef');
  });

  test('auth can-i answers for the administrator and for others', async () => {
    expect((await works(['auth', 'can-i', 'create', 'pods'])).trim()).toBe('yes');
    const other = await kubectl(['auth', 'can-i', 'create', 'pods', '--as', 'nobody']);
    expect(other.stdout.trim()).toBe('no');
    expect(await works(['auth', 'can-i', '--list'])).toContain('*.*');
    expect(await works(['auth', 'whoami'])).toContain('kubernetes-admin');
  });

  test('a pod runs: wait, logs -f, exec, and its exit is seen', async () => {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'talks', namespace: 'every-kind' },
      spec: {
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: 'main',
            image: 'none',
            command: [
              'sh',
              '-c',
              'echo first; while [ ! -e /tmp/$HOSTNAME-go ]; do sleep 0.05; done; echo last',
            ],
            env: [{ name: 'HOSTNAME', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } }],
          },
        ],
      },
    };
    await works(['create', '-f', '-'], JSON.stringify(pod));
    await works(['wait', '-n', 'every-kind', '--for=condition=Ready', 'pod/talks', '--timeout=60s']);
    const uid = await works(['get', '-n', 'every-kind', 'pod', 'talks', '-o', 'jsonpath={.metadata.uid}']);
    const logs = works(['logs', '-n', 'every-kind', '-f', 'talks']);
    expect(await works(['exec', '-n', 'every-kind', 'talks', '--', 'echo', 'from inside'])).toBe(
      'from inside\n',
    );
    const failed = await kubectl(['exec', '-n', 'every-kind', 'talks', '--', 'sh', '-c', 'exit 7']);
    expect(failed.code).toBe(7);
    await works(['exec', '-n', 'every-kind', 'talks', '--', 'touch', `/tmp/${uid}-go`]);
    expect(await logs).toBe('first\nlast\n');
    await works([
      'wait',
      '-n',
      'every-kind',
      '--for=jsonpath={.status.phase}=Succeeded',
      'pod/talks',
      '--timeout=60s',
    ]);
    expect(await works(['logs', '-n', 'every-kind', 'talks', '--tail=1'])).toBe('last\n');
    await works(['exec', '-n', 'every-kind', 'talks', '--', 'true']).catch(() => {});
    await command('rm', ['-f', `/tmp/${uid}-go`]);
    await works(['delete', '-n', 'every-kind', 'pod', 'talks']);
  }, 120_000);

  test('a Job completes and is garbage collected with its pods', async () => {
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name: 'quick', namespace: 'every-kind' },
      spec: {
        completions: 2,
        parallelism: 2,
        completionMode: 'Indexed',
        template: {
          spec: {
            restartPolicy: 'Never',
            containers: [
              { name: 'main', image: 'none', command: ['sh', '-c', 'echo index $JOB_COMPLETION_INDEX'] },
            ],
          },
        },
      },
    };
    await works(['create', '-f', '-'], JSON.stringify(job));
    await works(['wait', '-n', 'every-kind', '--for=condition=Complete', 'job/quick', '--timeout=60s']);
    const logs = await works(['logs', '-n', 'every-kind', '-l', 'job-name=quick', '--prefix']);
    expect(logs).toContain('index 0');
    expect(logs).toContain('index 1');
    expect(await works(['get', '-n', 'every-kind', 'job', 'quick'])).toMatch(/Complete\s+2\/2/);
    await works(['delete', '-n', 'every-kind', 'job', 'quick']);
    await works(['wait', '-n', 'every-kind', '--for=delete', 'pod', '-l', 'job-name=quick', '--timeout=60s']);
  }, 120_000);

  test('create helpers, scale, label, annotate, taint, cordon and cp-free verbs work', async () => {
    const n = ['-n', 'every-kind'];
    await works(['create', ...n, 'configmap', 'made', '--from-literal=a=b']);
    await works(['create', ...n, 'secret', 'generic', 'made', '--from-literal=a=b']);
    await works(['create', ...n, 'serviceaccount', 'made']);
    expect((await works(['create', ...n, 'token', 'made'])).split('.')).toHaveLength(3);
    await works(['create', ...n, 'deployment', 'made', '--image=none', '--replicas=0']);
    await works(['scale', ...n, 'deployment/made', '--replicas=0']);
    await works(['create', ...n, 'role', 'made', '--verb=get', '--resource=pods']);
    await works(['create', ...n, 'rolebinding', 'made', '--role=made', '--serviceaccount=every-kind:made']);
    expect(
      (
        await works(['auth', 'can-i', 'get', 'pods', ...n, '--as', 'system:serviceaccount:every-kind:made'])
      ).trim(),
    ).toBe('yes');
    await works(['label', ...n, 'configmap', 'made', 'colour=blue']);
    expect(await works(['get', ...n, 'configmap', '-l', 'colour=blue', '-o', 'name'])).toBe(
      'configmap/made\n',
    );
    await works(['annotate', ...n, 'configmap', 'made', 'note=x']);
    await works(['taint', 'node', 'test-node', 'example.com/busy=yes:NoSchedule']);
    await works(['taint', 'node', 'test-node', 'example.com/busy-']);
    await works(['cordon', 'test-node']);
    await works(['uncordon', 'test-node']);
    expect(await works(['get', 'all', ...n])).toContain('deployment.apps/made');
    expect(await works(['get', 'events', '-A'])).toContain('LAST SEEN');
    await works(['cluster-info']);
    await works(['version']);
    await works(['get', '--raw', '/readyz?verbose']);
    await works(['diff', ...n, '-f', '-'], '').catch(() => {});
    await works(['replace', '-f', '-'], await works(['get', ...n, 'configmap', 'made', '-o', 'json']));
    await works(['delete', ...n, 'configmap,secret,deployment,role,rolebinding', 'made']);
  }, 120_000);

  test('an approved certificate request is signed, and its certificate lets one in', async () => {
    const request = {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'somebody' },
      spec: {
        request: certificateRequest(),
        signerName: 'kubernetes.io/kube-apiserver-client',
        usages: ['client auth'],
      },
    };
    await works(['create', '-f', '-'], JSON.stringify(request));
    await works(['certificate', 'approve', 'somebody']);
    const pem = await until('the certificate is there', async () =>
      Buffer.from(
        await works(['get', 'csr', 'somebody', '-o', 'jsonpath={.status.certificate}']),
        'base64',
      ).toString(),
    );
    const certificate = new X509Certificate(pem);
    expect(certificate.subject).toBe('CN=every-kind');
    expect(certificate.verify(authority().publicKey)).toBe(true);
    expect(await works(['get', 'csr', 'somebody'])).toContain('Approved,Issued');
  });

  test('mistakes get the words kubectl users know', async () => {
    const missing = await kubectl(['get', 'pod', 'none']);
    expect(missing.stderr).toContain('Error from server (NotFound): pods "none" not found');
    const unknown = await kubectl(['get', 'nonsense']);
    expect(unknown.stderr).toContain('the server doesn\'t have a resource type "nonsense"');
    const strict = await kubectl(
      ['create', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' }, datta: {} }),
    );
    expect(strict.stderr).toContain('unknown field "datta"');
    const forbidden = await kubectl(['get', 'secrets', '--as', 'nobody']);
    expect(forbidden.stderr).toContain(
      'Error from server (Forbidden): secrets is forbidden: User "nobody" cannot list resource "secrets" in API group "" in the namespace "default"',
    );
  });

  test('deleting a namespace deletes what is in it', async () => {
    await works(['delete', 'namespace', 'every-kind', '--timeout=90s']);
    const gone = await kubectl(['get', 'namespace', 'every-kind']);
    expect(gone.stderr).toContain('NotFound');
  }, 120_000);
});
