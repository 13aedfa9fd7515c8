/** The agent with real processes, on a cluster in memory. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import type { StreamSession } from '@coracle/machinery';
import { ConfigMap, Pod, type PodSpec } from '@coracle/machinery/api';
import { createEventRecorder, createInformerFactory, silentLogger, systemClock } from '@coracle/operator';
import { fakeCluster } from '@coracle/operator/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createDeviceManager,
  createNodeAgent,
  fakeGpus,
  type NodeAgent,
  processRuntime,
  type ProcessRuntimeOptions,
} from '../src/index.ts';
import { processesWith, remove, tempFolder, until } from './real.ts';

const folder = tempFolder();
afterAll(() => remove(folder));
const cluster = fakeCluster();

async function startAgent(
  nodeName: string,
  forbid: ProcessRuntimeOptions['forbid'] = {},
): Promise<NodeAgent> {
  const { client } = cluster;
  const common = { client, clock: systemClock, logger: silentLogger };
  const dataDir = join(folder, nodeName);
  const agent = createNodeAgent({
    ...common,
    informers: createInformerFactory(common),
    recorder: createEventRecorder({ ...common, component: 'kubelet', host: nodeName }),
    nodeName,
    runtime: await processRuntime({ ...common, dataDir: join(dataDir, 'containers'), forbid }),
    devices: createDeviceManager({ devices: fakeGpus(4), checkpointPath: join(dataDir, 'devices.json') }),
    dataDir,
    volumeRefreshMs: 100,
    capacity: { cpu: '100', memory: '100Gi' },
  });
  await agent.start();
  return agent;
}
const get = (name: string): Pod | undefined => cluster.object<Pod>(Pod, name, 'default');
const phase = (name: string): string | undefined => get(name)?.status?.phase;
async function create(nodeName: string, name: string, spec: Partial<PodSpec>): Promise<Pod> {
  return cluster.client.create(
    Pod,
    {
      metadata: { name, namespace: 'default' },
      spec: { nodeName, restartPolicy: 'Never', terminationGracePeriodSeconds: 2, containers: [], ...spec },
    },
    { namespace: 'default' },
  );
}
async function erase(...names: string[]): Promise<void> {
  for (const name of names) await cluster.client.delete(Pod, name, { namespace: 'default' });
  await until('they are gone', () => names.every((name) => get(name) === undefined));
}
const sh = (script: string, more: object = {}) => ({
  name: 'main',
  image: 'host',
  command: ['sh', '-c', script],
  ...more,
});
async function log(agent: NodeAgent, name: string): Promise<string> {
  const ref = { namespace: 'default', pod: name, podUid: get(name)?.metadata.uid ?? '', container: 'main' };
  const chunks: Uint8Array[] = [];
  const options = { follow: false, previous: false, timestamps: false };
  for await (const chunk of agent.kubelet.logs(ref, options, AbortSignal.timeout(10_000))) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Rank 0 listens on one port of its own address; every rank says hello to rank 0 by its host name. */
const worker = `
const net = require('node:net'), dns = require('node:dns');
const { RANK, MASTER_ADDR, POD_IP } = process.env;
const port = 29517;
const seen = new Set();
const server = net.createServer((socket) => socket.on('data', (rank) => {
  seen.add(String(rank)); socket.end('welcome');
  if (RANK === '0' && seen.size === 4) { console.log('all here: ' + [...seen].sort()); setTimeout(() => process.exit(0), 50); }
}));
server.listen(port, POD_IP, () => {
  const dial = () => {
    const socket = net.connect(port, MASTER_ADDR, () => socket.write(RANK));
    socket.on('data', (text) => { console.log(String(text)); if (RANK !== '0') process.exit(0); });
    socket.on('error', () => setTimeout(dial, 50));
  };
  dial();
});
`;

describe.each([
  ['with what the host allows', 'full', {}],
  ['without namespaces and control groups', 'bare', { isolation: true, cgroups: true }],
])('%s', (_title, nodeName, forbid) => {
  let agent: NodeAgent;
  beforeAll(async () => {
    agent = await startAgent(nodeName, forbid);
  });
  afterAll(async () => {
    await agent.stop();
  });

  test('four workers find one another by host name and listen on the same port', async () => {
    const names = [0, 1, 2, 3].map((rank) => `${nodeName}-w-${rank}`);
    for (const [rank, name] of names.entries()) {
      await create(nodeName, name, {
        hostname: `w-${rank}`,
        subdomain: 'job',
        containers: [
          {
            name: 'main',
            image: 'host',
            command: [process.execPath, '-e', worker],
            env: [
              { name: 'RANK', value: String(rank) },
              { name: 'MASTER_ADDR', value: 'w-0.job' },
              { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            ],
            resources: { limits: { 'nvidia.com/gpu': '1' } },
          },
        ],
      });
    }
    await until(
      'all have ended',
      () => names.every((name) => ['Succeeded', 'Failed'].includes(phase(name) ?? '')),
      60_000,
    );
    expect(names.map(phase)).toEqual(names.map(() => 'Succeeded'));
    expect(await log(agent, names[0] as string)).toContain('all here: 0,1,2,3');
    const cards = names.map((name) => get(name)?.metadata.annotations?.['coracle.dev/gpu-ids']);
    expect(new Set(cards).size).toBe(4);
    await erase(...names);
  }, 90_000);

  test('a pod reports how it ended: exit code, message, restarts', async () => {
    const message = { terminationMessagePolicy: 'FallbackToLogsOnError' };
    await create(nodeName, 'ends', { containers: [sh('echo the reason >&2; exit 42', message)] });
    await until('it failed', () => phase('ends') === 'Failed');
    expect(get('ends')?.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({
      exitCode: 42,
      reason: 'Error',
      message: 'the reason\n',
    });
    await create(nodeName, 'again', { restartPolicy: 'OnFailure', containers: [sh('exit 1')] });
    await until(
      'it backs off',
      () => get('again')?.status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CrashLoopBackOff',
    );
    expect(get('again')?.status?.containerStatuses?.[0]).toMatchObject({ restartCount: 1 });
    await erase('ends', 'again');
  });

  test('deleting a pod ends every process of it', async () => {
    const word = `${2_000_000 + Math.floor(Math.random() * 1e9)}`;
    await create(nodeName, 'gone', { containers: [sh(`(setsid sleep ${word} &); exec sleep ${word}`)] });
    await until('both run', () => processesWith(word).length >= 2);
    await erase('gone');
    await until('none is left', () => processesWith(word).length === 0);
  });

  test('a forced deletion does not wait for the grace period of the first', async () => {
    const word = `${3_000_000 + Math.floor(Math.random() * 1e9)}`;
    const deaf = `trap "" TERM; echo on; while :; do sleep ${word} & wait; done`;
    await create(nodeName, 'deaf', { terminationGracePeriodSeconds: 600, containers: [sh(deaf)] });
    await until('it runs', async () => (await log(agent, 'deaf').catch(() => '')) === 'on\n');
    await cluster.client.delete(Pod, 'deaf', { namespace: 'default' });
    await cluster.client.delete(Pod, 'deaf', { namespace: 'default', gracePeriodSeconds: 0 });
    await until('none is left', () => processesWith(word).length === 0);
  });

  test('an agent that comes back goes on with what runs', async () => {
    await create(nodeName, 'stays', { containers: [sh('echo one; sleep 100')] });
    await until('it runs', () => phase('stays') === 'Running');
    const before = get('stays')?.status?.containerStatuses?.[0];
    await agent.stop();
    agent = await startAgent(nodeName, forbid);
    await until(
      'it is looked after again',
      async () => (await log(agent, 'stays').catch(() => '')) === 'one\n',
    );
    expect(get('stays')?.status?.containerStatuses?.[0]).toMatchObject({
      containerID: before?.containerID,
      restartCount: 0,
      ready: true,
    });
    await erase('stays');
  });
});

describe('volumes and probes', () => {
  let agent: NodeAgent;
  beforeAll(async () => {
    agent = await startAgent('probes');
  });
  afterAll(async () => {
    await agent.stop();
  });

  test('a config map that changes is seen by a container that runs', async (context) => {
    const runtime = await processRuntime({
      dataDir: join(folder, 'ask'),
      clock: systemClock,
      logger: silentLogger,
    });
    await runtime.close();
    if (!runtime.capabilities().mountNamespace.available) return context.skip();
    await cluster.client.create(
      ConfigMap,
      { metadata: { name: 'cm', namespace: 'default' }, data: { k: 'old' } },
      { namespace: 'default' },
    );
    await create('probes', 'sees', {
      containers: [
        sh('cat /coracle/cm/k; until grep -q new /coracle/cm/k; do sleep 0.05; done; cat /coracle/cm/k', {
          volumeMounts: [{ name: 'v', mountPath: '/coracle/cm' }],
        }),
      ],
      volumes: [{ name: 'v', configMap: { name: 'cm' } }],
    });
    await until('it runs', async () => (await log(agent, 'sees').catch(() => '')) === 'old');
    await cluster.client.patch(ConfigMap, 'cm', 'merge', { data: { k: 'new' } }, { namespace: 'default' });
    await until('it has seen it', () => phase('sees') === 'Succeeded');
    expect(await log(agent, 'sees')).toBe('oldnew');
    await erase('sees');
  });

  test('HTTP, TCP and command probes decide readiness; a start hook and a stop hook run', async () => {
    const server =
      "require('node:http').createServer((q, r) => { r.statusCode = q.url === '/ok' ? 200 : 500; r.end(); }).listen(8099, process.env.POD_IP)";
    const env = [{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }];
    const main = (probe: object, more: object = {}): PodSpec['containers'][number] => ({
      name: 'main',
      image: 'host',
      command: [process.execPath, '-e', server],
      env,
      ports: [{ name: 'web', containerPort: 8099 }],
      readinessProbe: { periodSeconds: 1, ...probe },
      ...more,
    });
    const hook = (word: string): object => ({
      exec: { command: ['sh', '-c', `echo ${word} >> ${join(folder, 'hooks')}`] },
    });
    await create('probes', 'http', {
      containers: [
        main(
          { httpGet: { path: '/ok', port: 'web' } },
          { lifecycle: { postStart: hook('begun'), preStop: hook('ending') } },
        ),
      ],
    });
    await create('probes', 'tcp', { containers: [main({ tcpSocket: { port: 8099 } })] });
    await create('probes', 'exec', { containers: [main({ exec: { command: ['true'] } })] });
    await create('probes', 'bad', { containers: [main({ httpGet: { path: '/no', port: 8099 } })] });
    const ready = (name: string): boolean | undefined => get(name)?.status?.containerStatuses?.[0]?.ready;
    await until('three are ready', () => ['http', 'tcp', 'exec'].every((name) => ready(name) === true));
    expect(ready('bad')).toBe(false);
    await erase('http', 'tcp', 'exec', 'bad');
    expect(readFileSync(join(folder, 'hooks'), 'utf8')).toBe('begun\nending\n');
  });

  test('port-forward reaches the program', async () => {
    await create('probes', 'port', {
      containers: [
        {
          name: 'main',
          image: 'host',
          command: [
            process.execPath,
            '-e',
            "require('node:net').createServer((s) => s.end('hello')).listen(8098, process.env.POD_IP, () => console.log('up'))",
          ],
          env: [{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
        },
      ],
    });
    await until('it listens', async () => (await log(agent, 'port').catch(() => '')) === 'up\n');
    let text = '';
    const stream = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    });
    const session: StreamSession = {
      ports: [{ port: 8098, stream }],
      finish: async () => {},
      signal: new AbortController().signal,
    };
    const ref = { namespace: 'default', pod: 'port', podUid: get('port')?.metadata.uid ?? '' };
    void agent.kubelet.portForward(ref, session);
    await until('it answers', () => text === 'hello');
    stream.push(null);
    await erase('port');
  });
});
