/** A runtime whose containers do what the test says. */
import { ApiError } from '@coracle/machinery';
import type { Clock } from '@coracle/operator';
import type {
  ContainerHandle,
  ContainerSpec,
  ContainerState,
  PodSandbox,
  Runtime,
  RuntimeEvents,
} from '../src/index.ts';

interface FakeContainer extends ContainerHandle {
  readonly spec: ContainerSpec;
  /** Ends it. */
  exit(code: number, reason?: 'OOMKilled'): void;
}
export interface FakeRuntime extends Runtime {
  readonly containers: FakeContainer[];
  readonly log: string[];
  /** The newest running container of a name. */
  running(name: string): FakeContainer | undefined;
  /** Called for each start; throw to make it fail. */
  onStart: ((spec: ContainerSpec) => void) | undefined;
  /** Answers of execSync by the joined command. */
  answers: Map<string, { exitCode: number; output: string } | Error>;
  hosts: Map<string, ContainerSpec['hosts']>;
  listeners: Set<RuntimeEvents>;
  mountNamespace: boolean;
}

export function fakeRuntime(clock: Clock, before?: FakeRuntime): FakeRuntime {
  const containers: FakeContainer[] = before ? before.containers : [];
  const sandboxes = new Map<string, PodSandbox>();
  const listeners = before ? before.listeners : new Set<RuntimeEvents>();
  const log: string[] = [];
  let serial = containers.length;
  const tell = (container: ContainerHandle): void => {
    for (const listener of listeners) listener.changed(container.podUid, container.id);
  };
  const make = (spec: ContainerSpec): FakeContainer => {
    let state: ContainerState = { phase: 'running', startedAt: clock.now() };
    const container: FakeContainer = {
      id: `fake://${++serial}`,
      podUid: spec.pod.metadata.uid,
      name: spec.container.name,
      attempt: spec.attempt,
      spec,
      state: () => state,
      exit(code, reason) {
        if (state.phase === 'exited') return;
        state = {
          phase: 'exited',
          startedAt: state.startedAt,
          finishedAt: clock.now(),
          exitCode: code,
          reason: reason ?? (code === 0 ? 'Completed' : 'Error'),
        };
        tell(container);
      },
    };
    return container;
  };
  const runtime: FakeRuntime = {
    name: 'process',
    containers,
    listeners,
    log,
    onStart: undefined,
    answers: new Map(),
    hosts: new Map(),
    mountNamespace: true,
    running: (name) => containers.findLast((each) => each.name === name && each.state().phase === 'running'),
    capabilities: () => ({
      mountNamespace: runtime.mountNamespace ? { available: true } : { available: false, why: 'test' },
      pidNamespace: { available: true },
      cgroup: { available: true },
      userSwitch: { available: true },
    }),
    subscribe(events) {
      listeners.add(events);
      return () => listeners.delete(events);
    },
    recover: async () => ({
      sandboxes: [...new Set(containers.map((each) => each.podUid))].map((podUid) => ({
        podUid,
        ip: '127.64.0.9',
      })),
      containers: [...containers],
    }),
    async createSandbox(pod) {
      const uid = pod.metadata.uid;
      const sandbox = sandboxes.get(uid) ?? { podUid: uid, ip: `127.64.0.${sandboxes.size + 1}` };
      sandboxes.set(uid, sandbox);
      return sandbox;
    },
    async updateHosts(uid, hosts) {
      runtime.hosts.set(uid, hosts);
    },
    async removeSandbox(uid) {
      log.push(`removeSandbox ${uid}`);
      for (const container of containers) if (container.podUid === uid) container.exit(137);
      for (let i = containers.length - 1; i >= 0; i--)
        if (containers[i]?.podUid === uid) containers.splice(i, 1);
    },
    async start(spec) {
      runtime.onStart?.(spec);
      log.push(`start ${spec.container.name} ${spec.attempt}`);
      const container = make(spec);
      containers.push(container);
      return container;
    },
    async removeContainer(id) {
      log.push(`removeContainer ${id}`);
      const index = containers.findIndex((each) => each.id === id);
      if (index >= 0) containers.splice(index, 1);
    },
    async stop(id, graceMs) {
      const container = containers.find((each) => each.id === id);
      if (container === undefined || container.state().phase === 'exited') return;
      log.push(`stop ${container.name} ${graceMs}`);
      container.exit(143);
    },
    async *logs(id) {
      yield Buffer.from(`log of ${id}\n`);
    },
    exec: async () => {
      throw new ApiError('BadRequest', 'no exec');
    },
    async execSync(_id, command) {
      const answer = runtime.answers.get(command.join(' ')) ?? { exitCode: 0, output: '' };
      if (answer instanceof Error) throw answer;
      return answer;
    },
    usage: async () => ({ cpuNanos: 2_000_000_000, memoryBytes: 1024 }),
    close: async () => {},
  };
  return runtime;
}
