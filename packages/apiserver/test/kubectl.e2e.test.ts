import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRegistry, type KubeletApi } from '@coracle/machinery';
import { createPki } from '../src/index.ts';
import { testServer, type TestServer } from '../src/testing.ts';

const run = promisify(execFile);
const present = spawnSync('kubectl', ['version', '--client']).status === 0;

/** A node agent that echoes. */
const agent: Partial<KubeletApi> = {
  async *logs() {
    yield await Promise.resolve(Buffer.from('hello from the log\n'));
  },
  async exec(_ref, options, session) {
    await session.stdout?.(Buffer.from(`ran ${options.command.join(' ')}\n`));
    await session.finish({ exitCode: options.command[0] === 'false' ? 3 : 0 });
  },
};

describe.skipIf(!present)('an unmodified kubectl', () => {
  let t: TestServer;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'coracle-kubectl-'));
    const pki = createPki();
    t = await testServer({ nodes: { connect: () => agent as KubeletApi } });
    const { port } = await t.server.listen({
      tls: { cert: pki.serving.certificate, key: pki.serving.privateKey, ca: pki.authority.certificate },
    });
    const base64 = (text: string): string => Buffer.from(text).toString('base64');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'c',
          cluster: {
            server: `https://127.0.0.1:${port}`,
            'certificate-authority-data': base64(pki.authority.certificate),
          },
        },
      ],
      users: [
        {
          name: 'u',
          user: {
            'client-certificate-data': base64(pki.admin.certificate),
            'client-key-data': base64(pki.admin.privateKey),
          },
        },
      ],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    writeFileSync(join(folder, 'config'), JSON.stringify(config));
  });
  afterAll(async () => {
    await t.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Runs kubectl; resolves with its output, and with its exit code and stderr when it fails. */
  async function kubectl(
    args: string,
    input?: unknown,
  ): Promise<{ out: string; error: string; code: number }> {
    const env = { ...process.env, KUBECONFIG: join(folder, 'config'), HOME: folder };
    const promise = run('kubectl', args.split(' '), { env });
    if (input !== undefined) promise.child.stdin?.end(JSON.stringify(input));
    try {
      const { stdout, stderr } = await promise;
      return { out: stdout, error: stderr, code: 0 };
    } catch (failure) {
      const { stdout, stderr, code } = failure as { stdout: string; stderr: string; code: number };
      return { out: stdout, error: stderr, code };
    }
  }

  test('lists every kind there is', async () => {
    const { out } = await kubectl('api-resources --no-headers');
    const kinds = new Set(
      out
        .trim()
        .split('\n')
        .map((row) => row.trim().split(/\s+/).at(-1)),
    );
    for (const kind of createRegistry().kinds())
      if (kind.version === createRegistry().versionsOf(kind.group, kind.resource)[0]?.version)
        expect(kinds).toContain(kind.kind);
  });

  const template = {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  };
  const deployment = (replicas: number): object => ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default' },
    spec: { replicas, selector: { matchLabels: { app: 'web' } }, template },
  });

  test('applies, twice', async () => {
    expect((await kubectl('apply -f -', deployment(1))).out).toBe('deployment.apps/web created\n');
    expect((await kubectl('apply -f -', deployment(2))).out).toBe('deployment.apps/web configured\n');
    expect((await kubectl('apply -f -', deployment(2))).out).toBe('deployment.apps/web unchanged\n');
    expect((await kubectl('get deployment web -o jsonpath={.spec.replicas}')).out).toBe('2');
  });
  test.each([
    ['diff -f -', deployment(2), /^$/],
    ['get deployments', undefined, /^NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE\nweb\s+0\/2/],
    ['get all -A -o wide', undefined, /deployment\.apps\/web/],
    ['get deployment web -o yaml', undefined, /^apiVersion: apps\/v1\nkind: Deployment/],
    ['describe deployment web', undefined, /Replicas:\s+2 desired/],
    ['scale deployment web --replicas=4', undefined, /scaled/],
    ['label deployment web tier=front', undefined, /labeled/],
    ['annotate deployment web note=x', undefined, /annotated/],
    ['set image deployment/web c=j', undefined, /image updated/],
    [
      'patch deployment web --type=json -p [{"op":"replace","path":"/spec/replicas","value":1}]',
      undefined,
      /patched/,
    ],
    ['patch deployment web --type=merge -p {"spec":{"paused":true}}', undefined, /patched/],
    [
      'patch deployment web -p {"spec":{"template":{"spec":{"containers":[{"name":"side","image":"s"}]}}}}',
      undefined,
      /patched/,
    ],
    ['expose deployment web --port=80', undefined, /service\/web exposed/],
    ['autoscale deployment web --max=3', undefined, /autoscaled/],
    ['explain deployment.spec.strategy', undefined, /rollingUpdate/],
    ['explain pods --recursive', undefined, /terminationGracePeriodSeconds/],
    ['auth can-i delete nodes', undefined, /^yes\n$/],
    ['auth whoami', undefined, /kubernetes-admin/],
    ['create configmap made --from-literal=a=b', undefined, /created/],
    ['create secret generic made --from-literal=a=b', undefined, /created/],
    ['create serviceaccount made', undefined, /created/],
    ['create token made', undefined, /^ey/],
    ['create job made --image=i', undefined, /created/],
    ['create cronjob made --image=i --schedule=@hourly', undefined, /created/],
    ['create role made --verb=get --resource=pods', undefined, /created/],
    ['create rolebinding made --role=made --user=u', undefined, /created/],
    ['create quota made --hard=pods=50', undefined, /created/],
    ['create namespace made', undefined, /created/],
    ['create poddisruptionbudget made --selector=a=b --min-available=1', undefined, /created/],
    ['wait --for=jsonpath={.spec.replicas}=1 deployment/web', undefined, /condition met/],
    [
      'replace -f -',
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'made' }, data: { z: '1' } },
      /replaced/,
    ],
    ['delete configmap made', undefined, /deleted/],
    ['get --raw /readyz?verbose', undefined, /readyz check passed/],
    ['cluster-info', undefined, /is running at/],
    ['events', undefined, /^/],
  ])('%s', async (args, input, expected) => {
    const { out, error, code } = await kubectl(args, input);
    expect({ code, error: code === 0 ? '' : error }).toEqual({ code: 0, error: '' });
    expect(out).toMatch(expected);
  });

  test('reads logs and runs commands over WebSocket, exit code and all', async () => {
    await t.call('POST', '/api/v1/namespaces/default/pods', {
      metadata: { name: 'run' },
      spec: { nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
    });
    expect((await kubectl('logs run')).out).toBe('hello from the log\n');
    expect((await kubectl('logs -f run --tail=1')).out).toBe('hello from the log\n');
    expect((await kubectl('exec run -- echo hi')).out).toBe('ran echo hi\n');
    expect((await kubectl('exec run -- false')).code).toBe(3);
  });

  test('defines a kind and uses it', async () => {
    const definition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'boats.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'boats', kind: 'Boat', shortNames: ['bo'] },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            additionalPrinterColumns: [{ name: 'Crew', type: 'integer', jsonPath: '.spec.crew' }],
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: { spec: { type: 'object', properties: { crew: { type: 'integer' } } } },
              },
            },
          },
        ],
      },
    };
    expect((await kubectl('apply -f -', definition)).out).toMatch(/created/);
    expect((await kubectl('wait --for=condition=Established crd/boats.example.com')).out).toMatch(
      /condition met/,
    );
    expect(
      (
        await kubectl('apply -f -', {
          apiVersion: 'example.com/v1',
          kind: 'Boat',
          metadata: { name: 'coracle' },
          spec: { crew: 1 },
        })
      ).out,
    ).toMatch(/created/);
    expect((await kubectl('get bo')).out).toMatch(/^NAME\s+CREW\ncoracle\s+1\n$/);
    expect((await kubectl('explain boat.spec')).out).toMatch(/crew\s+<integer>/);
    expect((await kubectl('delete crd boats.example.com')).out).toMatch(/deleted/);
    expect((await kubectl('get boats')).error).toMatch(
      /NotFound.*could not find the requested resource|doesn't have a resource type/,
    );
  });

  test('is told what is wrong', async () => {
    const bad = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'bad' },
      spec: { containers: [{ name: 'c', image: 'i', colour: 'red' }] },
    };
    expect((await kubectl('create -f -', bad)).error).toMatch(
      /strict decoding error: unknown field "spec\.containers\[0\]\.colour"/,
    );
    expect((await kubectl('get pods nobody')).error).toBe(
      'Error from server (NotFound): pods "nobody" not found\n',
    );
    expect((await kubectl('get pods --as=eve')).error).toMatch(
      /^Error from server \(Forbidden\): pods is forbidden: User "eve" cannot list resource "pods"/,
    );
  });
});
