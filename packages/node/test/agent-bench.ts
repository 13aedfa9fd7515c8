/** An agent on a cluster in memory with a clock moved by hand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Event, Pod, type PodSpec } from '@coracle/machinery/api';
import {
  createEventRecorder,
  createInformerFactory,
  type FlushableEventRecorder,
  silentLogger,
} from '@coracle/operator';
import { type FakeCluster, fakeCluster, manualClock, type ManualClock } from '@coracle/operator/testing';
import {
  createDeviceManager,
  createNodeAgent,
  fakeGpus,
  type NodeAgent,
  type NodeAgentOptions,
} from '../src/index.ts';
import { type FakeRuntime, fakeRuntime } from './fake-runtime.ts';

export interface Bench {
  cluster: FakeCluster;
  clock: ManualClock;
  runtime: FakeRuntime;
  agent: NodeAgent;
  recorder: FlushableEventRecorder;
  folder: string;
  /** Puts a pod bound to the node. */
  pod(name: string, spec: Partial<PodSpec>, metadata?: Record<string, unknown>): Promise<Pod>;
  get(name: string): Pod | undefined;
  /** Lets everything that is under way happen, without time passing. */
  settle(): Promise<void>;
  /** Waits until it is so; fails after five seconds of real time. */
  until(what: string, isSo: () => boolean): Promise<void>;
  reasons(name: string): string[];
  close(): Promise<void>;
}

export async function bench(
  options: Partial<NodeAgentOptions> & { gpus?: number; before?: Bench } = {},
): Promise<Bench> {
  const { before, gpus = 0, ...rest } = options;
  const clock = before?.clock ?? manualClock();
  const cluster = before?.cluster ?? fakeCluster({ clock });
  const runtime = fakeRuntime(clock, before?.runtime);
  const folder = before?.folder ?? mkdtempSync(join(tmpdir(), 'coracle-agent-'));
  const { client } = cluster;
  const recorder = createEventRecorder({ client, clock, component: 'kubelet', host: 'n1' });
  const agent = createNodeAgent({
    client,
    informers: createInformerFactory({ client, clock, logger: silentLogger }),
    clock,
    recorder,
    logger: silentLogger,
    nodeName: 'n1',
    runtime,
    devices: createDeviceManager({ devices: fakeGpus(gpus), checkpointPath: join(folder, 'devices.json') }),
    dataDir: folder,
    capacity: { cpu: '4', memory: '8Gi', pods: '20' },
    ...rest,
  });
  await agent.start();
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 60; i++) await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(0);
    for (let i = 0; i < 60; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    cluster,
    clock,
    runtime,
    agent,
    recorder,
    folder,
    async pod(name, spec, metadata = {}) {
      const made = await client.create(
        Pod,
        {
          metadata: { name, namespace: 'default', ...metadata },
          spec: { nodeName: 'n1', containers: [{ name: 'main', image: 'host', command: ['true'] }], ...spec },
        },
        { namespace: 'default' },
      );
      await settle();
      return made;
    },
    get: (name) => cluster.object<Pod>(Pod, name, 'default'),
    settle,
    async until(what, isSo) {
      const limit = Date.now() + 5000;
      while (!isSo()) {
        if (Date.now() > limit) throw new Error(`waited in vain: ${what}`);
        await settle();
      }
    },
    reasons: (name) =>
      cluster
        .objects<Event>(Event, 'default')
        .filter((event) => event.involvedObject.name === name)
        .map((event) => event.reason ?? ''),
    async close() {
      await agent.stop();
      if (before === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
