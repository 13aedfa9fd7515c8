/** docs/gangs.md: every manifest in it is accepted, and its gangs run, on an engine with virtual nodes. */
import { resourceType, type KubeObject } from '@coracle/machinery';
import { Pod, PodGroup, PriorityClass, ServiceAccount } from '@coracle/machinery/api';
import { silentLogger } from '@coracle/operator';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startEngine, type Engine } from '../src/engine/engine.ts';
import { parseManifests } from '../src/manifests.ts';

const page = fileURLToPath(new URL('../../../docs/gangs.md', import.meta.url));
const group = (apiGroup: string, version: string) =>
  resourceType<KubeObject & { status?: { phase?: string } }>(
    apiGroup,
    version,
    'podgroups',
    'PodGroup',
    true,
  );
const coscheduling = group('scheduling.x-k8s.io', 'v1alpha1');
const volcano = group('scheduling.volcano.sh', 'v1beta1');
const types = [
  coscheduling,
  volcano,
  PodGroup,
  PriorityClass,
  resourceType<KubeObject>('batch', 'v1', 'jobs', 'Job', true),
  resourceType<KubeObject>('apps', 'v1', 'deployments', 'Deployment', true),
];
const until = (check: () => Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 20_000, interval: 50 });

let engine: Engine;
beforeAll(async () => {
  engine = await startEngine({
    host: '127.0.0.1',
    port: 0,
    virtualNodes: 3,
    virtualShape: { labels: () => ({ 'topology.kubernetes.io/block': 'b1' }) },
    nodeName: false,
    gangJobs: true,
    logger: silentLogger,
  });
  const { admin } = engine;
  await until(async () =>
    expect((await admin.list(ServiceAccount, { namespace: 'default' })).items).not.toEqual([]),
  );
  const text = await readFile(page, 'utf8');
  for (const [, yaml] of text.matchAll(/^```yaml\n([^]*?)^```/gm)) {
    for (const { object } of parseManifests(yaml!, 'gangs.md', '/')) {
      const type = types.find((t) => t.kind === object.kind && apiVersion(t) === object.apiVersion);
      if (!type) throw new Error(`no type for ${object.apiVersion} ${object.kind}`);
      await admin.create(type, object, type.namespaced ? { namespace: 'default' } : {});
    }
  }
}, 30_000);
afterAll(() => engine?.close());

const apiVersion = (t: { group: string; version: string }): string => `${t.group}/${t.version}`;
const members = async (of: (pod: Pod) => string | undefined, name: string): Promise<Pod[]> =>
  (await engine.admin.list(Pod, { namespace: 'default' })).items.filter((pod) => of(pod) === name);

describe('the manifests of docs/gangs.md', () => {
  test("the Job's gang is placed as a whole", async () => {
    await until(async () => {
      const pods = await members((pod) => pod.spec?.schedulingGroup?.podGroupName, 'train');
      expect(pods.filter((pod) => pod.spec?.nodeName)).toHaveLength(4);
      const { status } = await engine.admin.get(PodGroup, 'train', { namespace: 'default' });
      expect(status?.conditions).toMatchObject([{ type: 'PodGroupScheduled', status: 'True' }]);
    });
  });

  test('groups of scheduler-plugins and Volcano run, and their status says so', async () => {
    await until(async () => {
      const pods = await members((pod) => pod.metadata.labels?.['scheduling.x-k8s.io/pod-group'], 'pair');
      expect(pods.filter((pod) => pod.spec?.nodeName)).toHaveLength(2);
      const { status } = await engine.admin.get(coscheduling, 'pair', { namespace: 'default' });
      expect(status?.phase).toBe('Running');
    });
    await until(async () => {
      const { status } = await engine.admin.get(volcano, 'volley', { namespace: 'default' });
      expect(['Running', 'Completed']).toContain(status?.phase);
    });
  });

  test('with --gang-jobs an Indexed Job gets its group from the controller, and is placed as one', async () => {
    const job = types.find((type) => type.kind === 'Job')!;
    const spec = {
      completions: 2,
      parallelism: 2,
      completionMode: 'Indexed',
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'busybox' }] } },
    };
    await engine.admin.create(job, { metadata: { name: 'indexed', namespace: 'default' }, spec } as never, {
      namespace: 'default',
    });
    await until(async () => {
      const { items } = await engine.admin.list(PodGroup, { namespace: 'default' });
      const made = items.find(({ metadata }) => metadata.ownerReferences?.[0]?.name === 'indexed');
      expect(made?.status?.conditions).toMatchObject([{ type: 'PodGroupScheduled', status: 'True' }]);
      expect(made?.spec.podGroupTemplateRef?.workload?.podGroupTemplateName).toBe('indexed-pgt-0');
    });
  });

  test("a group's class is its priority, and it is gone when it has no pods", async () => {
    const { spec, metadata } = await engine.admin.get(PodGroup, 'important', { namespace: 'default' });
    expect(spec.priority).toBe(1000);
    expect(metadata.finalizers).toEqual(['scheduling.k8s.io/podgroup-protection']);
    await engine.admin.delete(PodGroup, 'important', { namespace: 'default' });
    await until(async () => {
      const { items } = await engine.admin.list(PodGroup, { namespace: 'default' });
      expect(items.map((item) => item.metadata.name)).not.toContain('important');
    });
  });
});
