import { Lease, Node, Pod } from '@coracle/machinery/api';
import { createInformerFactory, silentLogger } from '@coracle/operator';
import { fakeCluster, manualClock } from '@coracle/operator/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { virtualNodes, type VirtualNodesOptions, virtualTaint } from '../src/index.ts';
import { Agenda } from '../src/virtual/agenda.ts';

describe('the agenda', () => {
  test('does everything once, in order of time, then of adding, and nothing early', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60 }), async (times) => {
        const clock = manualClock(0);
        const done: { at: number; index: number }[] = [];
        const agenda = new Agenda<{ at: number; index: number }>(clock, (what) => {
          expect(clock.now()).toBeGreaterThanOrEqual(what.at);
          done.push(what);
        });
        const all = times.map((at, index) => ({ at, index }));
        for (const each of all) agenda.add(each.at, each);
        await clock.advance(60);
        expect(done).toEqual(all.toSorted((a, b) => a.at - b.at || a.index - b.index));
        expect(agenda.size).toBe(0);
      }),
      { numRuns: 40 },
    );
  });
});

async function fleet(options: Partial<VirtualNodesOptions> = {}) {
  const clock = manualClock();
  const cluster = fakeCluster({ clock });
  const make = (more: Partial<VirtualNodesOptions> = {}): ReturnType<typeof virtualNodes> =>
    virtualNodes({
      client: cluster.client,
      informers: createInformerFactory({ client: cluster.client, clock, logger: silentLogger }),
      clock,
      logger: silentLogger,
      count: 3,
      renewSeconds: 0,
      ...options,
      ...more,
    });
  const nodes = make();
  await nodes.start();
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve));
    await nodes.settled();
  };
  return {
    clock,
    cluster,
    nodes,
    make,
    settle,
    get: (name: string) => cluster.object<Pod>(Pod, name, 'default'),
    async pod(name: string, annotations: Record<string, string> = {}, spec: object = {}) {
      await cluster.client.create(
        Pod,
        {
          metadata: { name, namespace: 'default', annotations },
          spec: { nodeName: 'virtual-1', restartPolicy: 'Never', containers: [{ name: 'main' }], ...spec },
        },
        { namespace: 'default' },
      );
      await settle();
    },
    async pass(milliseconds: number) {
      await clock.advance(milliseconds);
      await settle();
    },
  };
}

describe('virtual nodes', () => {
  test('are registered with their capacity and labels', async () => {
    const f = await fleet({
      capacity: (index) => ({ cpu: String(index + 1), memory: '1Gi', 'nvidia.com/gpu': '8' }),
      labels: { pool: 'a' },
    });
    const nodes = f.cluster.objects<Node>(Node);
    expect(nodes.map((node) => node.metadata.name)).toEqual(['virtual-0', 'virtual-1', 'virtual-2']);
    expect(nodes[2]?.status?.allocatable).toMatchObject({ cpu: '3', 'nvidia.com/gpu': '8', pods: '110' });
    expect(nodes[0]?.metadata.labels).toMatchObject({ pool: 'a', 'kubernetes.io/hostname': 'virtual-0' });
    await f.nodes.stop();
  });

  test('get and lose their taint as they are started again; taints of others stay', async () => {
    const f = await fleet({ taints: [virtualTaint] });
    const taints = () => f.cluster.object<Node>(Node, 'virtual-0')?.spec?.taints ?? [];
    expect(taints()).toEqual([virtualTaint]);
    await f.nodes.stop();
    const mine = { key: 'mine', effect: 'NoExecute' } as const;
    await f.cluster.client.patch(Node, 'virtual-0', 'merge', { spec: { taints: [mine, virtualTaint] } });
    const again = f.make();
    await again.start();
    expect(taints()).toEqual([mine, virtualTaint]);
    await again.stop();
    const without = f.make({ taints: [] });
    await without.start();
    expect(taints()).toEqual([mine]);
    await without.stop();
  });

  test('run pods for as long as they say, and end them as they say', async () => {
    const f = await fleet({ stages: { startMs: 2000 } });
    await f.pod('ok', { 'coracle.dev/run-seconds': '60' });
    await f.pod('bad', {
      'coracle.dev/run-seconds': '5',
      'coracle.dev/exit-code': '3',
      'coracle.dev/start-seconds': '0',
    });
    expect(f.get('ok')?.status?.phase).toBe('Pending');
    await f.pass(2000);
    expect(f.get('ok')?.status).toMatchObject({ phase: 'Running', containerStatuses: [{ ready: true }] });
    expect(f.get('ok')?.status?.podIP).toMatch(/^10\./);
    await f.pass(3100);
    expect(f.get('bad')?.status).toMatchObject({
      phase: 'Failed',
      containerStatuses: [{ state: { terminated: { exitCode: 3, reason: 'Error' } } }],
    });
    await f.pass(58_000);
    expect(f.get('ok')?.status?.phase).toBe('Succeeded');
    await f.nodes.stop();
  });

  test('run pods that are not meant to end until they are deleted', async () => {
    const f = await fleet();
    await f.pod('service', {}, { restartPolicy: 'Always' });
    await f.pass(3_600_000);
    expect(f.get('service')?.status?.phase).toBe('Running');
    await f.cluster.client.delete(Pod, 'service', { namespace: 'default' });
    await f.settle();
    expect(f.get('service')).toBeUndefined();
    expect(f.nodes.pods).toBe(0);
    await f.nodes.stop();
  });

  test('restart what fails, with back-off', async () => {
    const f = await fleet({ random: () => 0 });
    const annotations = { 'coracle.dev/run-seconds': '1', 'coracle.dev/fail-probability': '0.5' };
    await f.pod('flaky', annotations, { restartPolicy: 'OnFailure' });
    await f.pass(1200);
    await f.pass(1);
    expect(f.get('flaky')?.status?.containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      state: { running: {} },
    });
    await f.pass(1100);
    expect(f.get('flaky')?.status?.containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      state: { waiting: { reason: 'CrashLoopBackOff' } },
    });
    await f.pass(10_000);
    expect(f.get('flaky')?.status?.containerStatuses?.[0]).toMatchObject({
      restartCount: 2,
      state: { running: {} },
    });
    await f.nodes.stop();
  });

  test('meet the same chance again with a seed, whatever the order and the others', async () => {
    const annotations = { 'coracle.dev/run-seconds': '1', 'coracle.dev/fail-probability': '0.5' };
    const names = Array.from({ length: 24 }, (_, i) => `p${i}`);
    const run = async (seed: number, order: readonly string[]): Promise<string> => {
      const f = await fleet({ seed });
      for (const name of order) await f.pod(name, annotations, { restartPolicy: 'Never' });
      await f.pass(2000);
      await f.pass(1);
      const phases = names.map((name) => f.get(name)?.status?.phase?.[0] ?? '');
      await f.nodes.stop();
      return phases.join('');
    };
    const first = await run(7, names);
    expect(first).toMatch(/S/);
    expect(first).toMatch(/F/);
    expect(await run(7, names.toReversed())).toBe(first);
    expect((await run(7, names.slice(0, 5))).slice(0, 5)).toBe(first.slice(0, 5));
    expect(await run(8, names)).not.toBe(first);
  });

  test('leave pods of other nodes alone', async () => {
    const f = await fleet();
    await f.pod('other', {}, { nodeName: 'real' });
    await f.pass(1000);
    expect(f.get('other')?.status?.phase).not.toBe('Running');
    expect(f.nodes.connect('real')).toBeUndefined();
    expect(f.nodes.connect('virtual-0')).toBeDefined();
    await f.nodes.stop();
  });

  test('go on after a restart from where the status says', async () => {
    const f = await fleet();
    await f.pod('long', { 'coracle.dev/run-seconds': '100' });
    await f.pass(50_000);
    await f.nodes.stop();
    const next = f.make();
    await next.start();
    await f.clock.advance(49_000);
    await next.settled();
    expect(f.get('long')?.status?.phase).toBe('Running');
    await f.clock.advance(1_500);
    await f.settle();
    await next.settled();
    expect(f.get('long')?.status?.phase).toBe('Succeeded');
    await next.stop();
  });

  test('keep their leases fresh, a few at a time', async () => {
    const f = await fleet({ renewSeconds: 3 });
    await f.pass(3100);
    expect(
      f.cluster.actions.filter(
        (each) => each.resource === 'leases.coordination.k8s.io' && each.verb === 'create',
      ),
    ).toHaveLength(3);
    await f.nodes.stop();
  });

  test('say that they are well again after they were taken for lost', async () => {
    const f = await fleet({ renewSeconds: 3 });
    const ready = (): string | undefined =>
      f.cluster.object<Node>(Node, 'virtual-1')?.status?.conditions?.find(({ type }) => type === 'Ready')
        ?.status;
    const conditions = [{ type: 'Ready', status: 'Unknown', reason: 'NodeStatusUnknown' }];
    await f.cluster.client.patch(
      Node,
      'virtual-1',
      'merge',
      { status: { conditions } },
      { subresource: 'status' },
    );
    expect(ready()).toBe('Unknown');
    await f.pass(3100);
    expect(ready()).toBe('True');
    await f.nodes.stop();
  });

  test('need no write when they are there already as they would be registered', async () => {
    const f = await fleet({ stageObjects: false });
    await f.nodes.stop();
    const about = (from: number): string[] =>
      f.cluster.actions
        .slice(from)
        .filter(({ resource, verb }) => resource === 'nodes' && !['get', 'list', 'watch'].includes(verb))
        .map(({ verb, name }) => `${verb} ${name}`);
    let from = f.cluster.actions.length;
    const same = f.make();
    await same.start();
    await same.stop();
    expect(about(from)).toEqual([]);
    from = f.cluster.actions.length;
    const larger = f.make({ labels: { pool: 'a' }, capacity: { cpu: '64' } });
    await larger.start();
    await larger.stop();
    expect(about(from)).toHaveLength(6);
    expect(f.cluster.object<Node>(Node, 'virtual-2')).toMatchObject({
      metadata: { labels: { pool: 'a', 'coracle.dev/virtual': 'true' } },
      status: { capacity: { cpu: '64' } },
    });
  });

  test('stay away when they are deleted, without complaints, and are taken up when they are made again', async () => {
    const said: string[] = [];
    const logger = { ...silentLogger, warn: (_fields: object, message: string) => void said.push(message) };
    const f = await fleet({ renewSeconds: 3, logger });
    await f.pass(3100);
    await f.cluster.client.delete(Node, 'virtual-1');
    await f.cluster.client.delete(Lease, 'virtual-1', { namespace: 'kube-node-lease' });
    await f.pass(6200);
    expect(f.cluster.objects(Node).map(({ metadata }) => metadata.name)).toEqual(['virtual-0', 'virtual-2']);
    expect(f.cluster.objects(Lease, 'kube-node-lease')).toHaveLength(2);
    await f.cluster.client.create(Node, { metadata: { name: 'virtual-1' } });
    await f.pass(3100);
    const again = f.cluster.object<Node>(Node, 'virtual-1');
    expect(again?.status?.conditions?.find(({ type }) => type === 'Ready')?.status).toBe('True');
    expect(
      f.cluster.object<Lease>(Lease, 'virtual-1', 'kube-node-lease')?.metadata.ownerReferences,
    ).toMatchObject([{ kind: 'Node', uid: again?.metadata.uid }]);
    expect(said).toEqual([]);
    await f.nodes.stop();
  });

  test('renews leases in time on a machine whose timers are late', async () => {
    const clock = manualClock();
    const late = {
      now: () => clock.now(),
      after: (ms: number, fire: () => void) => clock.after(ms * 4, fire),
    };
    const cluster = fakeCluster({ clock });
    const nodes = virtualNodes({
      client: cluster.client,
      informers: createInformerFactory({ client: cluster.client, clock, logger: silentLogger }),
      clock: late,
      logger: silentLogger,
      count: 20,
      renewSeconds: 10,
    });
    await nodes.start();
    await clock.advance(10_000);
    await nodes.settled();
    const leases = cluster.objects(Lease, 'kube-node-lease');
    await clock.advance(12_000);
    await nodes.settled();
    const renewed = cluster.objects(Lease, 'kube-node-lease');
    expect(renewed).toHaveLength(20);
    for (const lease of leases) {
      const now = renewed.find(({ metadata }) => metadata.name === lease.metadata.name);
      expect(now?.spec?.renewTime).not.toBe(lease.spec?.renewTime);
    }
    await nodes.stop();
  });

  test('keep their leases fresh while writes of pods are slow', async () => {
    const f = await fleet({ renewSeconds: 3, writers: 1 });
    const held = Promise.withResolvers<undefined>();
    f.cluster.intercept(({ method, path }) =>
      method === 'PATCH' && path.includes('/pods/') ? held.promise : undefined,
    );
    const pod = { spec: { nodeName: 'virtual-1', containers: [{ name: 'main' }] } };
    for (const name of ['a', 'b'])
      f.cluster.seed({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'default' }, ...pod });
    for (let second = 0; second < 3; second++) {
      await f.clock.advance(1000);
      for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(f.cluster.objects(Lease, 'kube-node-lease')).toHaveLength(3);
    expect(f.get('a')?.status?.phase).not.toBe('Running');
    held.resolve(undefined);
    await f.settle();
    expect(f.get('b')?.status?.phase).toBe('Running');
    await f.nodes.stop();
  });
});
