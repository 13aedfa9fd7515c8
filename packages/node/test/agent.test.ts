import { ConfigMap, Lease, Node, Pod } from '@coracle/machinery/api';
import { afterEach, describe, expect, test } from 'vitest';
import { MountError } from '../src/index.ts';
import { type Bench, bench } from './agent-bench.ts';

const open: Bench[] = [];
const start = async (...args: Parameters<typeof bench>): Promise<Bench> => {
  const made = await bench(...args);
  open.push(made);
  return made;
};
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});
const container = (name: string, more: object = {}): { name: string; image: string; command: string[] } => ({
  name,
  image: 'host',
  command: [name],
  ...more,
});
const statusOf = (b: Bench, pod: string, name: string) =>
  [
    ...(b.get(pod)?.status?.initContainerStatuses ?? []),
    ...(b.get(pod)?.status?.containerStatuses ?? []),
  ].find((each) => each.name === name);
const condition = (b: Bench, pod: string, type: string) =>
  b.get(pod)?.status?.conditions?.find((each) => each.type === type);

describe('the node', () => {
  test('is registered with capacity, labels, conditions and a lease', async () => {
    const b = await start({ gpus: 2, labels: { zone: 'a' } });
    const node = b.cluster.object<Node>(Node, 'n1');
    expect(node?.status?.capacity).toMatchObject({ cpu: '4', memory: '8Gi', 'nvidia.com/gpu': '2' });
    expect(node?.metadata.labels).toMatchObject({
      'kubernetes.io/hostname': 'n1',
      zone: 'a',
      'nvidia.com/gpu.count': '2',
    });
    expect(node?.status?.conditions?.find((each) => each.type === 'Ready')?.status).toBe('True');
    const lease = (): Lease | undefined => b.cluster.object<Lease>(Lease, 'n1', 'kube-node-lease');
    expect(lease()?.spec?.holderIdentity).toBe('n1');
    const first = lease()?.spec?.renewTime;
    await b.clock.advance(10_000);
    await b.settle();
    expect(lease()?.spec?.renewTime).not.toBe(first);
  });

  test('that exists already gets our labels and keeps its own', async () => {
    const b = await start();
    await b.agent.stop();
    await b.cluster.client.patch(Node, 'n1', 'merge', { metadata: { labels: { mine: 'x' } } });
    await start({ before: b, labels: { zone: 'b' } });
    expect(b.cluster.object<Node>(Node, 'n1')?.metadata.labels).toMatchObject({ mine: 'x', zone: 'b' });
  });
});

describe('a pod', () => {
  test('that ends well is Succeeded, with how it ended', async () => {
    const b = await start();
    await b.pod('a', { restartPolicy: 'Never' });
    expect(b.get('a')?.status).toMatchObject({ phase: 'Running', podIP: '127.64.0.1', hostIP: '127.0.0.1' });
    expect(statusOf(b, 'a', 'main')).toMatchObject({ ready: true, started: true, restartCount: 0 });
    expect(condition(b, 'a', 'Ready')?.status).toBe('True');
    b.runtime.running('main')?.exit(0);
    await b.settle();
    expect(b.get('a')?.status?.phase).toBe('Succeeded');
    expect(statusOf(b, 'a', 'main')?.state?.terminated).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(condition(b, 'a', 'Ready')).toMatchObject({ status: 'False', reason: 'PodCompleted' });
    await b.recorder.flush();
    expect(b.reasons('a')).toEqual(['Created', 'Started']);
  });

  test('that ends badly and is not restarted is Failed', async () => {
    const b = await start();
    await b.pod('a', { restartPolicy: 'Never' });
    b.runtime.running('main')?.exit(137, 'OOMKilled');
    await b.settle();
    expect(b.get('a')?.status?.phase).toBe('Failed');
    expect(statusOf(b, 'a', 'main')?.state?.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
  });

  test('that crashes is restarted at once, then after 10 s, then after 20 s', async () => {
    const b = await start();
    await b.pod('a', { restartPolicy: 'OnFailure' });
    b.runtime.running('main')?.exit(1);
    await b.settle();
    expect(statusOf(b, 'a', 'main')).toMatchObject({
      restartCount: 1,
      lastState: { terminated: { exitCode: 1 } },
    });
    b.runtime.running('main')?.exit(1);
    await b.settle();
    expect(statusOf(b, 'a', 'main')?.state?.waiting?.reason).toBe('CrashLoopBackOff');
    expect(b.get('a')?.status?.phase).toBe('Running');
    await b.clock.advance(9_900);
    expect(b.runtime.running('main')).toBeUndefined();
    await b.clock.advance(200);
    await b.settle();
    expect(statusOf(b, 'a', 'main')).toMatchObject({ restartCount: 2, state: { running: {} } });
    b.runtime.running('main')?.exit(2);
    await b.settle();
    expect(statusOf(b, 'a', 'main')?.state?.waiting?.message).toContain('back-off 20s');
    await b.clock.advance(20_100);
    await b.settle();
    b.runtime.running('main')?.exit(0);
    await b.settle();
    expect(b.get('a')?.status?.phase).toBe('Succeeded');
    await b.recorder.flush();
    expect(b.reasons('a')).toContain('BackOff');
    // Only the newest two attempts are kept.
    expect(b.runtime.containers.map((each) => each.attempt)).toEqual([2, 3]);
  });

  test('runs init containers in order, then the others', async () => {
    const b = await start();
    await b.pod('a', {
      restartPolicy: 'Never',
      initContainers: [container('one'), container('two')],
      containers: [container('main')],
    });
    expect(b.runtime.log).toEqual(['start one 0']);
    expect(b.get('a')?.status?.phase).toBe('Pending');
    expect(statusOf(b, 'a', 'main')?.state?.waiting?.reason).toBe('PodInitializing');
    expect(condition(b, 'a', 'Initialized')).toMatchObject({
      status: 'False',
      message: 'containers with incomplete status: [one two]',
    });
    b.runtime.running('one')?.exit(0);
    await b.settle();
    b.runtime.running('two')?.exit(0);
    await b.settle();
    expect(b.runtime.log).toEqual(['start one 0', 'start two 0', 'start main 0']);
    expect(condition(b, 'a', 'Initialized')?.status).toBe('True');
  });

  test('whose init container fails for good is Failed and starts nothing more', async () => {
    const b = await start();
    await b.pod('a', { restartPolicy: 'Never', initContainers: [container('one')] });
    b.runtime.running('one')?.exit(3);
    await b.settle();
    expect(b.get('a')?.status?.phase).toBe('Failed');
    expect(b.runtime.log).toEqual(['start one 0']);
  });

  test('ends when its work is done although a sidecar still runs, and stops the sidecar', async () => {
    const b = await start();
    await b.pod('a', {
      restartPolicy: 'Never',
      initContainers: [container('side', { restartPolicy: 'Always' })],
      containers: [container('main')],
    });
    expect(b.runtime.log).toEqual(['start side 0', 'start main 0']);
    b.runtime.running('side')?.exit(1);
    await b.settle();
    expect(b.runtime.running('side')?.attempt).toBe(1);
    b.runtime.running('main')?.exit(0);
    await b.settle();
    expect(b.runtime.log).toContain('stop side 30000');
    expect(b.get('a')?.status?.phase).toBe('Succeeded');
  });

  test('that asks for more than the node has is rejected', async () => {
    const b = await start();
    await b.pod('a', { containers: [container('main', { resources: { requests: { cpu: '3' } } })] });
    await b.pod('b', { containers: [container('main', { resources: { requests: { cpu: '2' } } })] });
    expect(b.get('b')?.status).toMatchObject({
      phase: 'Failed',
      reason: 'OutOfcpu',
      message:
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 2000, used: 3000, capacity: 4000",
    });
    expect(b.runtime.containers).toHaveLength(1);
  });

  test('past its deadline is ended and Failed', async () => {
    const b = await start();
    await b.pod('a', { activeDeadlineSeconds: 60 });
    await b.clock.advance(61_000);
    await b.settle();
    expect(b.get('a')?.status).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect(b.runtime.log).toContain('stop main 30000');
  });

  test('that is deleted is stopped with its grace, reported, then forgotten', async () => {
    const b = await start();
    await b.pod('a', { terminationGracePeriodSeconds: 7 });
    const { uid } = b.get('a')?.metadata ?? {};
    await b.cluster.client.delete(Pod, 'a', { namespace: 'default' });
    await b.until('the pod is gone', () => b.get('a') === undefined);
    expect(b.runtime.log).toContain('stop main 7000');
    expect(b.runtime.log).toContain(`removeSandbox ${uid}`);
    await b.recorder.flush();
    expect(b.reasons('a')).toContain('Killing');
  });

  test('that vanishes from the API is ended', async () => {
    const b = await start();
    const pod = await b.pod('a', {});
    await b.cluster.client.delete(Pod, 'a', { namespace: 'default', gracePeriodSeconds: 0 });
    await b.until('it is ended', () => b.runtime.log.includes(`removeSandbox ${pod.metadata.uid}`));
  });

  test('that somebody still holds by a finalizer is ended once and left to them', async () => {
    const b = await start();
    await b.pod('a', {}, { finalizers: ['batch.kubernetes.io/job-tracking'] });
    await b.cluster.client.delete(Pod, 'a', { namespace: 'default' });
    await b.until('it is ended', () => b.runtime.log.some((line) => line.startsWith('removeSandbox')));
    await b.until('the grace is over', () => b.get('a')?.metadata.deletionGracePeriodSeconds === 0);
    await b.settle();
    expect(b.get('a')?.status).toMatchObject({
      phase: 'Failed',
      containerStatuses: [{ state: { terminated: { exitCode: 143 } } }],
    });
    const writes = b.cluster.writes().length;
    await b.clock.advance(5_000);
    await b.settle();
    expect(b.cluster.writes().length).toBe(writes);
    await b.cluster.client.patch(
      Pod,
      'a',
      'merge',
      { metadata: { finalizers: null } },
      { namespace: 'default' },
    );
    await b.settle();
    expect(b.get('a')).toBeUndefined();
  });

  test('waits for a config map that is not there yet', async () => {
    const b = await start();
    await b.pod('a', {
      restartPolicy: 'Never',
      containers: [
        container('main', { env: [{ name: 'K', valueFrom: { configMapKeyRef: { name: 'cm', key: 'k' } } }] }),
      ],
    });
    expect(statusOf(b, 'a', 'main')?.state?.waiting).toEqual({
      reason: 'CreateContainerConfigError',
      message: 'configmap "cm" not found',
    });
    await b.cluster.client.create(
      ConfigMap,
      { metadata: { name: 'cm', namespace: 'default' }, data: { k: 'v' } },
      { namespace: 'default' },
    );
    await b.clock.advance(2_100);
    await b.settle();
    expect(b.runtime.running('main')?.spec.env['K']).toBe('v');
    expect(statusOf(b, 'a', 'main')?.state?.running).toBeDefined();
  });

  test('whose volume cannot be made is told by FailedMount and tried again', async () => {
    const b = await start();
    await b.pod('a', { volumes: [{ name: 'v', secret: { secretName: 's' } }] });
    await b.recorder.flush();
    expect(b.reasons('a')).toEqual(['FailedMount']);
    expect(statusOf(b, 'a', 'main')?.state?.waiting?.reason).toBe('ContainerCreating');
  });

  test('whose mount the runtime refuses waits with the reason', async () => {
    const b = await start();
    b.runtime.onStart = () => {
      throw new MountError('/data cannot be mounted');
    };
    await b.pod('a', {});
    expect(statusOf(b, 'a', 'main')?.state?.waiting?.message).toBe('/data cannot be mounted');
    b.runtime.onStart = undefined;
    await b.clock.advance(2_100);
    await b.settle();
    expect(b.get('a')?.status?.phase).toBe('Running');
  });

  test('with an image and no command says so', async () => {
    const b = await start();
    await b.pod('a', { containers: [{ name: 'main', image: 'nginx' }] });
    expect(statusOf(b, 'a', 'main')?.state?.waiting).toMatchObject({
      reason: 'CreateContainerConfigError',
      message: expect.stringContaining('image nginx'),
    });
  });

  test('gets its own cards, in variables and in an annotation, and gives them back', async () => {
    const b = await start({ gpus: 3 });
    const gpu = (count: string): object => ({ resources: { limits: { 'nvidia.com/gpu': count } } });
    await b.pod('a', { restartPolicy: 'Never', containers: [container('main', gpu('2'))] });
    await b.pod('b', {
      restartPolicy: 'Never',
      containers: [container('other', gpu('1')), container('none')],
    });
    const env = (name: string): Record<string, string> => b.runtime.running(name)?.spec.env ?? {};
    expect(env('main')['CUDA_VISIBLE_DEVICES']).toBe('0,1');
    expect(env('other')['CUDA_VISIBLE_DEVICES']).toBe('2');
    expect(env('none')).toMatchObject({ CUDA_VISIBLE_DEVICES: '', NVIDIA_VISIBLE_DEVICES: 'void' });
    expect(b.get('a')?.metadata.annotations?.['coracle.dev/gpu-ids']).toBe(
      `main=${env('main')['NVIDIA_VISIBLE_DEVICES']}`,
    );
    await b.pod('c', { restartPolicy: 'Never', containers: [container('late', gpu('1'))] });
    expect(b.get('c')?.status).toMatchObject({ phase: 'Failed', reason: 'OutOfnvidia.com/gpu' });
    b.runtime.running('main')?.exit(0);
    await b.settle();
    await b.pod('d', { restartPolicy: 'Never', containers: [container('next', gpu('2'))] });
    expect(env('next')['CUDA_VISIBLE_DEVICES']).toBe('0,1');
  });
});

describe('probes', () => {
  const probe = (name: string, more: object = {}): object => ({
    exec: { command: [name] },
    periodSeconds: 1,
    ...more,
  });

  test('readiness decides Ready, liveness restarts, startup holds both back', async () => {
    const b = await start();
    b.runtime.answers.set('up', { exitCode: 1, output: 'not yet' });
    b.runtime.answers.set('ready', { exitCode: 1, output: 'no' });
    await b.pod('a', {
      containers: [
        container('main', {
          startupProbe: probe('up', { failureThreshold: 30 }),
          readinessProbe: probe('ready'),
          livenessProbe: probe('live', { failureThreshold: 2 }),
        }),
      ],
    });
    expect(statusOf(b, 'a', 'main')).toMatchObject({ started: false, ready: false });
    b.runtime.answers.set('up', { exitCode: 0, output: '' });
    await b.clock.advance(1_100);
    await b.settle();
    expect(statusOf(b, 'a', 'main')).toMatchObject({ started: true, ready: false });
    b.runtime.answers.set('ready', { exitCode: 0, output: '' });
    await b.clock.advance(1_100);
    await b.settle();
    expect(condition(b, 'a', 'Ready')?.status).toBe('True');
    b.runtime.answers.set('live', { exitCode: 1, output: 'dead' });
    await b.clock.advance(3_000);
    await b.settle();
    expect(statusOf(b, 'a', 'main')).toMatchObject({ restartCount: 1 });
    await b.recorder.flush();
    expect(b.reasons('a')).toEqual(expect.arrayContaining(['Unhealthy', 'Killing']));
  });

  test('a start hook that fails ends the container', async () => {
    const b = await start();
    b.runtime.answers.set('hook', { exitCode: 1, output: 'no' });
    await b.pod('a', {
      restartPolicy: 'Never',
      containers: [container('main', { lifecycle: { postStart: { exec: { command: ['hook'] } } } })],
    });
    expect(b.get('a')?.status?.phase).toBe('Failed');
    await b.recorder.flush();
    expect(b.reasons('a')).toContain('FailedPostStartHook');
  });
});

describe('an agent that comes back', () => {
  test('goes on with running containers and learns of those that ended', async () => {
    const b = await start();
    await b.pod('a', { restartPolicy: 'Never', containers: [container('x'), container('y')] });
    await b.agent.stop();
    b.runtime.running('x')?.exit(0);
    const again = await start({ before: b });
    await again.settle();
    expect(again.runtime.log).toEqual([]);
    expect(statusOf(again, 'a', 'x')?.state?.terminated?.exitCode).toBe(0);
    expect(statusOf(again, 'a', 'y')?.state?.running).toBeDefined();
    again.runtime.running('y')?.exit(5);
    await again.settle();
    expect(again.get('a')?.status?.phase).toBe('Failed');
  });

  test('ends containers whose pods were deleted meanwhile', async () => {
    const b = await start();
    const pod = await b.pod('a', {});
    await b.agent.stop();
    await b.cluster.client.delete(Pod, 'a', { namespace: 'default', gracePeriodSeconds: 0 });
    const again = await start({ before: b });
    expect(again.runtime.log).toEqual([`removeSandbox ${pod.metadata.uid}`]);
  });

  test('reports containers it has lost as of unknown end', async () => {
    const b = await start();
    await b.pod('a', { restartPolicy: 'Never' });
    await b.agent.stop();
    b.runtime.containers.splice(0);
    const again = await start({ before: b });
    await again.settle();
    expect(again.get('a')?.status?.phase).toBe('Failed');
    expect(statusOf(again, 'a', 'main')?.state?.terminated).toMatchObject({
      exitCode: 137,
      reason: 'ContainerStatusUnknown',
    });
  });
});

describe('host names', () => {
  const peer = (name: string, index: number): object => ({ hostname: `${name}-${index}`, subdomain: 'job' });

  test('of peers are in every hosts file once they have addresses', async () => {
    const b = await start();
    const first = await b.pod('w0', peer('w', 0));
    await b.pod('w1', peer('w', 1));
    await b.clock.advance(30);
    await b.settle();
    const lines = b.runtime.hosts.get(first.metadata.uid) ?? [];
    expect(lines[0]).toEqual({
      address: '127.64.0.1',
      names: [
        'w-0.job.default.svc.cluster.local',
        'w-0.job.default.svc',
        'w-0.job.default',
        'w-0.job',
        'w-0',
      ],
    });
    expect(lines.find((line) => line.address === '127.64.0.2')?.names).toContain('w-1.job');
  });

  test('are replaced by addresses, waiting for them, where there is no mount namespace', async () => {
    const b = await start();
    b.runtime.mountNamespace = false;
    const env = { env: [{ name: 'MASTER_ADDR', value: 'w-0.job' }] };
    await b.pod('w1', { ...peer('w', 1), containers: [container('one', env)] });
    expect(statusOf(b, 'w1', 'one')?.state?.waiting?.message).toContain('w-0.job');
    await b.pod('w0', { ...peer('w', 0), containers: [container('zero', env)] });
    await b.clock.advance(30);
    await b.settle();
    expect(b.runtime.running('one')?.spec.env['MASTER_ADDR']).toBe('127.64.0.2');
    expect(b.runtime.running('zero')?.spec.env['MASTER_ADDR']).toBe('127.64.0.2');
  });
});

describe('the kubelet API', () => {
  test('refuses what cannot be answered, with the reason', async () => {
    const b = await start();
    const pod = await b.pod('a', {});
    const ref = { namespace: 'default', pod: 'a', podUid: pod.metadata.uid, container: 'main' };
    const options = { follow: false, previous: false, timestamps: false };
    const { signal } = new AbortController();
    const read = async (over: object, more: object = {}): Promise<string> => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of b.agent.kubelet.logs({ ...ref, ...over }, { ...options, ...more }, signal))
        chunks.push(chunk);
      return Buffer.concat(chunks).toString();
    };
    expect(await read({})).toContain('log of');
    await expect(read({ container: 'x' })).rejects.toMatchObject({ reason: 'BadRequest' });
    await expect(read({ podUid: 'x' })).rejects.toMatchObject({ reason: 'NotFound' });
    await expect(read({}, { previous: true })).rejects.toThrow(
      'previous terminated container "main" in pod "a" not found',
    );
    const stats = (await b.agent.kubelet.stats()) as { node: object; pods: { podRef: object }[] };
    expect(stats.pods[0]).toMatchObject({ podRef: { name: 'a' }, memory: { workingSetBytes: 1024 } });
  });
});
