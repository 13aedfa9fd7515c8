/**
 * A runtime whose containers are state machines: they follow the pod's declared stages and run nothing. For one agent with
 * everything a real one has (probes and hooks pass, volumes are made) and no processes; for many nodes use `virtualNodes`.
 */
import { randomUUID } from 'node:crypto';
import { ApiError, type ExecOptions, type LogOptions, type StreamSession } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import type { Clock } from '@coracle/operator';
import type {
  ContainerHandle,
  ContainerSpec,
  ContainerState,
  PodSandbox,
  Runtime,
  RuntimeEvents,
} from '../runtime.ts';
import { PodAddresses } from '../process/addresses.ts';
import { isSidecar } from '../pod/resources.ts';
import { defaultStages, type Stages, stagesOf } from './stages.ts';

export interface VirtualRuntimeOptions {
  clock: Clock;
  stages?: Partial<Stages> | undefined;
  random?: (() => number) | undefined;
}

interface VirtualContainer extends ContainerHandle {
  set(state: ContainerState): void;
  cancel: (() => void) | undefined;
  waiters: Set<() => void>;
}

/** Nothing survives the process: `recover` finds nothing. */
export function virtualRuntime(options: VirtualRuntimeOptions): Runtime {
  const { clock, random = Math.random } = options;
  const defaults: Stages = { ...defaultStages, ...options.stages };
  const addresses = new PodAddresses('linux');
  const sandboxes = new Map<string, PodSandbox>();
  const containers = new Map<string, VirtualContainer>();
  const listeners = new Set<RuntimeEvents>();
  const available = { available: true };

  const end = (container: VirtualContainer, exitCode: number): void => {
    const state = container.state();
    if (state.phase === 'exited') return;
    container.cancel?.();
    container.set({
      phase: 'exited',
      startedAt: state.startedAt,
      finishedAt: clock.now(),
      exitCode,
      reason: exitCode === 0 ? 'Completed' : 'Error',
    });
    for (const wake of container.waiters) wake();
    for (const listener of listeners) listener.changed(container.podUid, container.id);
  };
  const known = (id: string): VirtualContainer => {
    const container = containers.get(id);
    if (container === undefined) throw new Error(`container ${id} is not known`);
    return container;
  };

  return {
    name: 'virtual',
    capabilities: () => ({
      mountNamespace: available,
      pidNamespace: available,
      cgroup: available,
      userSwitch: available,
    }),
    subscribe(events) {
      listeners.add(events);
      return () => listeners.delete(events);
    },
    recover: async () => ({ sandboxes: [], containers: [] }),
    async createSandbox(pod: Pod) {
      const { uid } = pod.metadata;
      const sandbox = sandboxes.get(uid) ?? { podUid: uid, ip: addresses.assign(uid) };
      sandboxes.set(uid, sandbox);
      return sandbox;
    },
    async updateHosts() {},
    async removeSandbox(podUid) {
      for (const container of containers.values()) {
        if (container.podUid !== podUid) continue;
        end(container, 137);
        containers.delete(container.id);
      }
      const sandbox = sandboxes.get(podUid);
      if (sandbox !== undefined) addresses.release(sandbox.ip);
      sandboxes.delete(podUid);
    },
    async start(spec: ContainerSpec) {
      let state: ContainerState = { phase: 'running', startedAt: clock.now() };
      const container: VirtualContainer = {
        id: `virtual://${randomUUID()}`,
        podUid: spec.pod.metadata.uid,
        name: spec.container.name,
        attempt: spec.attempt,
        state: () => state,
        set: (next) => {
          state = next;
        },
        cancel: undefined,
        waiters: new Set(),
      };
      containers.set(container.id, container);
      const stages = stagesOf(spec.pod, defaults);
      const sidecar = isSidecar(spec.container);
      const runMs = spec.kind === 'init' && !sidecar ? 0 : sidecar ? undefined : stages.runMs;
      if (runMs !== undefined) {
        const failed = spec.kind === 'app' && random() < stages.failProbability;
        const exitCode = failed ? 1 : spec.kind === 'app' ? stages.exitCode : 0;
        container.cancel = clock.after(stages.startMs + runMs, () => end(container, exitCode));
      }
      return container;
    },
    async removeContainer(id) {
      const container = containers.get(id);
      if (container !== undefined) end(container, 137);
      containers.delete(id);
    },
    async stop(id) {
      const container = containers.get(id);
      if (container !== undefined) end(container, 143);
    },
    async *logs(id: string, options: LogOptions, signal: AbortSignal) {
      const container = known(id);
      yield Buffer.from(`virtual container ${container.name}, attempt ${container.attempt}\n`);
      while (options.follow && container.state().phase === 'running' && !signal.aborted) {
        await new Promise<void>((resolve) => {
          container.waiters.add(resolve);
          signal.addEventListener('abort', () => resolve(), { once: true });
        });
      }
    },
    async exec(_id: string, _options: ExecOptions, _session: StreamSession) {
      throw new ApiError('BadRequest', 'a virtual container has no processes to run commands beside');
    },
    execSync: async () => ({ exitCode: 0, output: '' }),
    usage: async () => ({ cpuNanos: 0, memoryBytes: 0 }),
    async close() {
      for (const container of containers.values()) container.cancel?.();
    },
  };
}
