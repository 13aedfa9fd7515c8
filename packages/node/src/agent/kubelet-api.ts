/** The kubelet's own API over the agent's pods: logs, exec, attach, port-forward, statistics. */
import { connect, type Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import {
  ApiError,
  type ContainerRef,
  formatTime,
  type ExecOptions,
  type KubeletApi,
  type LogOptions,
  type StreamSession,
} from '@coracle/machinery';
import { type Clock } from '@coracle/operator';
import { containersOf } from '../pod/containers.ts';
import type { ContainerHandle, Runtime } from '../runtime.ts';
import type { PodWorker } from './pod-worker.ts';

export interface KubeletDeps {
  nodeName: string;
  clock: Clock;
  runtime: Runtime;
  workers: ReadonlyMap<string, PodWorker>;
}

export function kubeletApi(deps: KubeletDeps): KubeletApi {
  const { runtime, workers } = deps;
  const workerOf = (ref: Omit<ContainerRef, 'container'>): PodWorker => {
    const worker = workers.get(ref.podUid);
    if (worker === undefined)
      throw new ApiError(
        'NotFound',
        `pod "${ref.pod}" in namespace "${ref.namespace}" is not known to node "${deps.nodeName}"`,
      );
    return worker;
  };
  const checkName = (worker: PodWorker, ref: ContainerRef): void => {
    if (!containersOf(worker.pod).some((each) => each.container.name === ref.container))
      throw new ApiError('BadRequest', `container ${ref.container} is not valid for pod ${ref.pod}`);
  };
  const started = (ref: ContainerRef): ContainerHandle => {
    const worker = workerOf(ref);
    checkName(worker, ref);
    const handle = worker.handle(ref.container);
    if (handle === undefined)
      throw new ApiError(
        'BadRequest',
        `container "${ref.container}" in pod "${ref.pod}" is waiting to start: ${worker.waitingReason(ref.container)}`,
      );
    return handle;
  };
  const running = (ref: ContainerRef): ContainerHandle => {
    const handle = started(ref);
    if (handle.state().phase !== 'running')
      throw new ApiError(
        'BadRequest',
        `cannot exec in a stopped container: container "${ref.container}" of pod "${ref.pod}" has ended`,
      );
    return handle;
  };
  const logHandle = (ref: ContainerRef, options: LogOptions): ContainerHandle => {
    if (!options.previous) return started(ref);
    const worker = workerOf(ref);
    checkName(worker, ref);
    const newest = worker.handle(ref.container);
    const handle = worker.previous(ref.container);
    if (handle !== undefined && newest !== undefined) return handle;
    throw new ApiError(
      'BadRequest',
      `previous terminated container "${ref.container}" in pod "${ref.pod}" not found`,
    );
  };
  const usage = usageReader(deps);

  return {
    logs(ref, options, signal) {
      if (options.stream !== undefined && options.stream !== 'All')
        throw new ApiError('BadRequest', `the ${runtime.name} runtime keeps stdout and stderr in one log`);
      return runtime.logs(logHandle(ref, options).id, options, signal);
    },
    async exec(ref, options, session) {
      await runtime.exec(running(ref).id, options, session);
    },
    async attach(ref, _options: Omit<ExecOptions, 'command'>, session: StreamSession) {
      const handle = running(ref);
      const options = { follow: true, previous: false, timestamps: false, tailLines: 0 };
      for await (const chunk of runtime.logs(handle.id, options, session.signal))
        await session.stdout?.(chunk);
      const state = handle.state();
      await session.finish({ exitCode: state.phase === 'exited' ? state.exitCode : 0 });
    },
    async portForward(ref, session) {
      const address = workerOf(ref).ip;
      if (address === undefined)
        throw new ApiError('BadRequest', `unable to forward port because pod is not running`);
      const streams = (session.ports ?? []).map(async ({ port, stream }) => {
        // The program may listen on every address, its pod's, or the loopback only.
        const socket = await dial(address, port).catch(() => dial('127.0.0.1', port));
        const stop = (): void => void socket.destroy();
        session.signal.addEventListener('abort', stop, { once: true });
        await Promise.all([pipeline(stream, socket), pipeline(socket, stream)]).catch(() => undefined);
        session.signal.removeEventListener('abort', stop);
      });
      try {
        await Promise.all(streams);
        await session.finish({ exitCode: 0 });
      } catch (error) {
        await session.finish({ error: error instanceof Error ? error : new Error(String(error)) });
      }
    },
    async stats() {
      const pods = await Promise.all([...workers.values()].map((worker) => podStats(worker, usage)));
      return { node: { nodeName: deps.nodeName, ...total(pods) }, pods };
    },
  };
}

function dial(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
  });
}

interface Usage {
  time: string;
  usageCoreNanoSeconds: number;
  usageNanoCores: number;
  workingSetBytes: number;
}

/** Rates come from two looks: the first of a container gives its mean since it started. */
function usageReader({
  runtime,
  clock,
}: KubeletDeps): (handle: ContainerHandle) => Promise<Usage | undefined> {
  const before = new Map<string, { at: number; nanos: number }>();
  return async (handle) => {
    if (handle.state().phase !== 'running') {
      before.delete(handle.id);
      return undefined;
    }
    const used = await runtime.usage(handle.id);
    if (used === undefined) return undefined;
    const at = clock.now();
    const last = before.get(handle.id) ?? { at: handle.state().startedAt, nanos: 0 };
    before.set(handle.id, { at, nanos: used.cpuNanos });
    const seconds = Math.max(0.001, (at - last.at) / 1000);
    return {
      time: formatTime(at),
      usageCoreNanoSeconds: used.cpuNanos,
      usageNanoCores: Math.round((used.cpuNanos - last.nanos) / seconds),
      workingSetBytes: used.memoryBytes,
    };
  };
}

interface PodStats {
  podRef: { name: string; namespace: string; uid: string };
  containers: ({ name: string } & Totals)[];
}
interface Totals {
  cpu?: { time: string; usageNanoCores: number; usageCoreNanoSeconds: number };
  memory?: { time: string; workingSetBytes: number };
}

async function podStats(
  worker: PodWorker,
  usage: (handle: ContainerHandle) => Promise<Usage | undefined>,
): Promise<PodStats & Totals> {
  const { name, namespace = '', uid } = worker.pod.metadata;
  const containers: PodStats['containers'] = [];
  for (const { container } of containersOf(worker.pod)) {
    const handle = worker.handle(container.name);
    const used = handle === undefined ? undefined : await usage(handle);
    if (used === undefined) continue;
    const { time, usageNanoCores, usageCoreNanoSeconds, workingSetBytes } = used;
    containers.push({
      name: container.name,
      cpu: { time, usageNanoCores, usageCoreNanoSeconds },
      memory: { time, workingSetBytes },
    });
  }
  return { podRef: { name, namespace, uid }, containers, ...total(containers) };
}

function total(parts: readonly Totals[]): Totals {
  const time = parts.find((part) => part.cpu)?.cpu?.time;
  if (time === undefined) return {};
  const sum = (of: (part: Totals) => number | undefined): number =>
    parts.reduce((all, part) => all + (of(part) ?? 0), 0);
  return {
    cpu: {
      time,
      usageNanoCores: sum((part) => part.cpu?.usageNanoCores),
      usageCoreNanoSeconds: sum((part) => part.cpu?.usageCoreNanoSeconds),
    },
    memory: { time, workingSetBytes: sum((part) => part.memory?.workingSetBytes) },
  };
}
