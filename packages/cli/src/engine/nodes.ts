/** The nodes of an engine: the one that runs processes of this machine, and virtual ones. */
import type { Client } from '@coracle/client';
import type { Credentials } from '@coracle/machinery';
import {
  createDeviceManager,
  createNodeAgent,
  discoverGpus,
  fakeGpus,
  processRuntime,
  virtualNodes,
  virtualTaint,
} from '@coracle/node';
import { systemClock } from '@coracle/operator';
import type { Clock, EventRecorder, InformerFactory, SpareTime } from '@coracle/operator';
import { mkdtemp, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EngineOptions } from './engine.ts';
import type { Gateway } from './gateway.ts';
import { identities } from './identities.ts';
import { pooledInformers } from './pooled-informers.ts';

export interface NodeParts {
  options: EngineOptions;
  clock: Clock;
  /** Where the API listens: containers find it by KUBERNETES_SERVICE_HOST and _PORT. */
  address: { host: string; port: number };
  clientFor(credentials: Credentials): Client;
  factory(client: Client): InformerFactory;
  /** The controllers' informers; all parts share those of pods and nodes. */
  shared: InformerFactory;
  recorder(client: Client, component: string): EventRecorder;
  spareTime: SpareTime;
  gateway: Gateway;
  notes: string[];
  undo: (() => Promise<void> | void)[];
}

/** Starts them; what is to be undone, and what the user should know, goes to `undo` and `notes`. */
export async function startNodes(parts: NodeParts): Promise<void> {
  await Promise.all([startProcessNode(parts), startVirtualNodes(parts)]);
}

/** A Node's name must be a DNS subdomain; a host's name may be anything. */
export function nodeNameOf(host: string): string {
  const name = host
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '');
  return name || 'localhost';
}

async function startProcessNode(parts: NodeParts): Promise<void> {
  const { options, address, clientFor, factory, recorder, gateway, notes, undo } = parts;
  if (options.nodeName === false) return;
  const nodeName = options.nodeName ?? nodeNameOf(hostname());
  const { logger } = options;
  let folder: string;
  if (options.home) folder = join(options.home.nodes, nodeName);
  else {
    folder = await mkdtemp(join(tmpdir(), 'coracle-node-'));
    undo.push(() => rm(folder, { recursive: true, force: true }));
  }
  const client = clientFor(identities.node(nodeName));
  const gpus =
    options.fakeGpus === undefined
      ? await discoverGpus()
      : fakeGpus(options.fakeGpus, {
          seed: nodeName,
          topology: options.fakeGpuTopology,
          mig: options.fakeGpuMig,
        });
  const runtime = await processRuntime({ dataDir: join(folder, 'runtime'), clock: systemClock, logger });
  undo.push(() => runtime.close());
  for (const [what, { available, why }] of Object.entries(runtime.capabilities())) {
    if (!available) notes.push(`pods have no ${words[what] ?? what} here: ${why ?? 'not available'}`);
  }
  const informers = factory(client);
  const agent = createNodeAgent({
    client,
    informers,
    clock: systemClock,
    recorder: recorder(client, 'kubelet'),
    logger,
    nodeName,
    runtime,
    devices: createDeviceManager({ devices: gpus, checkpointPath: join(folder, 'devices.json') }),
    dataDir: folder,
    serviceEnv: { KUBERNETES_SERVICE_HOST: address.host, KUBERNETES_SERVICE_PORT: String(address.port) },
    // Nobody wants training processes that go on after Ctrl-C; after kill -9 they are found again.
    stopContainersOnStop: true,
  });
  gateway.add(nodeName, agent.kubelet);
  undo.push(() => agent.stop());
  await agent.start();
}
const words: Record<string, string> = {
  mountNamespace: 'file system view of their own (volumes at their mount paths, host names of peers)',
  pidNamespace: 'process tree of their own',
  cgroup: 'CPU and memory limits',
  userSwitch: 'users of their own',
};

async function startVirtualNodes(parts: NodeParts): Promise<void> {
  const { options, clock, clientFor, factory, shared, recorder, spareTime, gateway, undo } = parts;
  if (options.virtualNodes === 0) return;
  const client = clientFor(identities.virtualNodes);
  const nodes = virtualNodes({
    client,
    informers: pooledInformers(factory(client), shared),
    clock,
    logger: options.logger,
    random: Math.random,
    seed: options.seed,
    spareTime,
    stageObjects: true,
    recorder: recorder(client, 'virtual-nodes'),
    count: options.virtualNodes,
    ...(options.heartbeats === false && { renewSeconds: 0 }),
    ...options.virtualShape,
    progress: (registered) => {
      // Of a few there is nothing to tell.
      if (registered % 100 === 0)
        options.progress?.(`registering virtual nodes: ${registered} of ${options.virtualNodes}`);
    },
    // Beside a node that runs things, a real job must not land by surprise on one that only pretends to.
    taints: options.nodeName === false ? [] : [virtualTaint],
  });
  gateway.addMany(nodes);
  undo.push(() => nodes.stop());
  await nodes.start();
}
