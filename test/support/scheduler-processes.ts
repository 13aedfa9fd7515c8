/** An engine without a scheduler, and processes of `coracle scheduler` that elect a leader on it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadKubeconfig, type Client } from '@coracle/client';
import { isReason, milliOf, seededRandom, type ResourceType, type Unstructured } from '@coracle/machinery';
import { Lease, Namespace, Node, Pod, PodGroup, ServiceAccount } from '@coracle/machinery/api';
import { dump, loadAll } from 'js-yaml';
import { expect } from 'vitest';
import { command } from './command.ts';
import { processEngine } from './process-engine.ts';
import { until } from './until.ts';

export interface SchedulerProcess {
  readonly identity: string;
  readonly child: ChildProcess;
  /** Of its health port. */
  readonly url: string;
  readonly log: () => string;
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface SchedulerBench {
  readonly client: Client;
  readonly server: string;
  /** Who held the lease, one after the other; '' when it was given back. */
  readonly holders: readonly string[];
  /** The process that leads, of two: started if it must be. `not`: the other one, when it leads. */
  leading(not?: string): Promise<{ leader: SchedulerProcess }>;
  createPods(count: number): Promise<void>;
  /** A gang of four. */
  createGang(): Promise<void>;
  /** Resolves when every pod has a node. */
  allBound(): Promise<readonly Pod[]>;
  /** Pods whose node changed, ever. */
  readonly moved: readonly string[];
  kubeconfigText(serviceAccount: string): Promise<string>;
  /** Its path. */
  kubeconfigFor(serviceAccount: string): Promise<string>;
  stop(): Promise<void>;
}

const namespace = 'work';
const leaseMs = 3_000;

export async function schedulerBench(main: string, folder: string, nodes: number): Promise<SchedulerBench> {
  const engine = await processEngine(main, folder, [
    '--virtual-nodes',
    String(nodes),
    '--no-node',
    '--no-scheduler',
  ]);
  const { client, server } = engine;
  const own = await loadKubeconfig({ env: {}, home: folder, path: join(folder, 'kubeconfig') });
  const authority = own.cluster['certificate-authority-data'];

  const tokenOf = async (name: string, of: string): Promise<string> => {
    const answer = await client.createSubresource<{ status: { token: string } }>(
      ServiceAccount,
      name,
      'token',
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } },
      { namespace: of },
    );
    return answer.status.token;
  };
  const textFor = async (name: string, of: string): Promise<string> =>
    dump({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': authority } }],
      users: [{ name: 'u', user: { token: await tokenOf(name, of) } }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'c',
    });

  // Exactly the rights that are printed.
  const printed = await command(process.execPath, [main, 'scheduler', '--print-rbac']);
  for (const object of loadAll(printed.stdout) as unknown as Unstructured[]) {
    const [group = '', version = 'v1'] = object.apiVersion.includes('/')
      ? object.apiVersion.split('/')
      : ['', object.apiVersion];
    const type: ResourceType<Unstructured> = {
      group,
      version,
      kind: object.kind,
      resource: `${object.kind.toLowerCase()}s`,
      namespaced: object.metadata.namespace !== undefined,
    };
    await client.create(
      type,
      object,
      object.metadata.namespace ? { namespace: object.metadata.namespace } : {},
    );
  }
  await client.create(Namespace, { metadata: { name: namespace } });
  await client.create(ServiceAccount, { metadata: { name: 'nobody', namespace } }, { namespace });
  const kubeconfig = join(folder, 'scheduler.yaml');
  await writeFile(kubeconfig, await textFor('coracle-scheduler', 'kube-system'), { mode: 0o600 });

  const running: SchedulerProcess[] = [];
  let serial = 0;
  const startOne = async (): Promise<SchedulerProcess> => {
    const identity = `replica-${serial++}`;
    const words = ['--kubeconfig', kubeconfig, '--identity', identity, '--port', '0'];
    const lease = ['lease-duration', `${leaseMs}ms`, 'renew-deadline', '2s', 'retry-period', '500ms'];
    for (let i = 0; i < lease.length; i += 2) words.push(`--leader-elect-${lease[i]}`, lease[i + 1]!);
    const child = spawn(process.execPath, [main, 'scheduler', ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const gone = once(child, 'exit');
    let said = '';
    let log = '';
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
    const url = await until(`${identity} has started`, () => {
      if (child.exitCode !== null) throw new Error(`${identity} ended with ${child.exitCode}: ${log}`);
      return /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0];
    });
    const end = async (signal: NodeJS.Signals): Promise<void> => {
      child.kill(signal);
      await gone;
      running.splice(running.indexOf(made), 1);
    };
    const made: SchedulerProcess = {
      identity,
      child,
      url,
      log: () => log,
      kill: () => end('SIGKILL'),
      stop: () => end('SIGTERM'),
    };
    running.push(made);
    return made;
  };

  // Everything that ever happened to a pod, seen from outside.
  const placed = new Map<string, string>();
  const moved: string[] = [];
  const watching = new AbortController();
  const { metadata } = await client.list(Pod, { namespace });
  const holders: string[] = [];
  const watchLease = (async () => {
    while (!watching.signal.aborted) {
      const events = client.watch(Lease, {
        namespace: 'kube-system',
        fieldSelector: 'metadata.name=coracle-scheduler',
        signal: watching.signal,
      });
      for await (const { object } of events) {
        const holder = object.spec?.holderIdentity ?? '';
        if (holders.at(-1) !== holder) holders.push(holder);
      }
    }
  })();
  const watch = (async () => {
    let resourceVersion = metadata.resourceVersion;
    while (!watching.signal.aborted) {
      const events = client.watch(Pod, { namespace, resourceVersion, signal: watching.signal });
      for await (const { object } of events) {
        resourceVersion = object.metadata.resourceVersion;
        const node = object.spec?.nodeName;
        const before = placed.get(object.metadata.uid);
        if (before !== undefined && before !== node)
          moved.push(`${object.metadata.name}: ${before} -> ${node}`);
        if (node) placed.set(object.metadata.uid, node);
      }
    }
  })();

  let names = 0;
  const pod = (cpu: string, group?: string) =>
    client.create(
      Pod,
      {
        metadata: { name: `p-${names++}`, namespace },
        spec: {
          schedulerName: 'coracle',
          ...(group ? { schedulingGroup: { podGroupName: group } } : {}),
          containers: [{ name: 'main', image: 'none', resources: { requests: { cpu } } }],
        },
      } as never,
      { namespace },
    );
  return {
    client,
    server,
    holders,
    moved,
    async leading(not) {
      while (not === undefined && running.length < 2) await startOne();
      const leader = await until('a scheduler leads', async () => {
        const lease = await client
          .get(Lease, 'coracle-scheduler', { namespace: 'kube-system' })
          .catch((error: unknown) => {
            if (!isReason(error, 'NotFound')) throw error;
            return undefined;
          });
        const identity = lease?.spec?.holderIdentity;
        return identity !== not && running.find((one) => one.identity === identity);
      });
      return { leader };
    },
    async createPods(count) {
      await Promise.all(Array.from({ length: count }, () => pod('300m')));
    },
    async createGang() {
      const name = `gang-${names++}`;
      await client.create(
        PodGroup,
        { metadata: { name, namespace }, spec: { schedulingPolicy: { gang: { minCount: 4 } } } } as never,
        { namespace },
      );
      await Promise.all(Array.from({ length: 4 }, () => pod('500m', name)));
    },
    async allBound() {
      return until('all pods have nodes', async () => {
        const { items } = await client.list(Pod, { namespace });
        return items.every(({ spec }) => spec?.nodeName) && items;
      });
    },
    kubeconfigText: (name) => textFor(name, namespace),
    async kubeconfigFor(name) {
      const file = join(folder, `${name}.yaml`);
      await writeFile(file, await textFor(name, namespace), { mode: 0o600 });
      return file;
    },
    async stop() {
      watching.abort();
      await Promise.all([watch, watchLease]);
      await Promise.all([...running].map((one) => one.stop()));
      await engine.stop();
    },
  };
}

/** Creates pods and gangs all the while, kills the leader at random moments, and checks what has come of it. */
export async function killLeaders(
  bench: SchedulerBench,
  { kills, seed, pods, gangs }: { kills: number; seed: number; pods: number; gangs: number },
): Promise<void> {
  const random = generator(seed);
  const began = (await bench.client.list(Pod, { namespace })).items.length;
  let madePods = 0;
  let madeGangs = 0;
  for (let round = 0; round <= kills; round++) {
    const { leader } = await bench.leading();
    const making = (async () => {
      const morePods = Math.ceil((pods * (round + 1)) / (kills + 1));
      const moreGangs = Math.ceil((gangs * (round + 1)) / (kills + 1));
      while (madePods < morePods || madeGangs < moreGangs) {
        if (madeGangs < moreGangs) {
          madeGangs++;
          await bench.createGang();
        }
        const count = Math.min(10, morePods - madePods);
        madePods += count;
        await bench.createPods(count);
      }
    })();
    if (round < kills) {
      // From before the first of them is decided to after the last is bound.
      await sleep(random() * 400);
      await leader.kill();
      await making;
      const next = await bench.leading(leader.identity);
      expect(next.leader.identity).not.toBe(leader.identity);
      await until(
        `${next.leader.identity} binds what is left`,
        async () => (await bench.allBound()).length > 0,
        20_000,
      );
    } else await making;
  }
  const bound = await bench.allBound();
  expect(bound).toHaveLength(began + pods + 4 * gangs);
  expect(bench.moved).toEqual([]);
  const used = new Map<string, number>();
  for (const { spec } of bound) {
    const cpu = milliOf(spec!.containers[0]!.resources?.requests?.['cpu']);
    used.set(spec!.nodeName!, (used.get(spec!.nodeName!) ?? 0) + cpu);
  }
  const { items: nodes } = await bench.client.list(Node);
  for (const { metadata, status } of nodes) {
    expect(used.get(metadata.name) ?? 0, metadata.name).toBeLessThanOrEqual(
      milliOf(status?.allocatable?.['cpu']),
    );
  }
}

const generator = (seed: number): (() => number) => seededRandom(`scheduler processes ${seed}`);
