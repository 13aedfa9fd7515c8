/** A pod's status from what is seen of it: phase, conditions and container statuses as a kubelet reports them. Pure. */
import { formatTime } from '@coracle/machinery';
import type {
  Container,
  ContainerState as ApiContainerState,
  ContainerStateTerminated,
  ContainerStatus,
  Pod,
  PodCondition,
  PodStatus,
} from '@coracle/machinery/api';
import { type ContainerKind, staysUp } from './containers.ts';
import type { ContainerView, Exited, Views } from './decide.ts';
import { isSidecar, qosClass } from './resources.ts';

export interface Waiting {
  reason: string;
  message?: string | undefined;
}

export interface StatusInput {
  pod: Pod;
  views: Views;
  /** Why containers that do not run are waiting, where it is not just their turn. */
  waiting: ReadonlyMap<string, Waiting>;
  /** Termination messages by container id. */
  messages: ReadonlyMap<string, string>;
  podIP: string | undefined;
  hostIP: string;
  /** Decided from outside: rejected, deadline exceeded, evicted. */
  verdict?: { phase: 'Failed'; reason: string; message: string } | undefined;
  /** Everything has ended and nothing will be started: a terminal phase may be reported. */
  over: boolean;
  now: number;
}

export function podStatus(input: StatusInput): PodStatus {
  const { pod, views, verdict, podIP, hostIP } = input;
  const before = pod.status ?? {};
  const spec = pod.spec ?? { containers: [] };
  const inits = spec.initContainers ?? [];
  const initStatuses = inits.map((each) => containerStatus(each, 'init', input));
  const statuses = spec.containers.map((each) => containerStatus(each, 'app', input));
  const ephemeral = (spec.ephemeralContainers ?? []).map((each) => containerStatus(each, 'ephemeral', input));
  const phase = verdict?.phase ?? phaseOf(pod, initStatuses, statuses, input.over);
  const status: PodStatus = {
    ...before,
    phase,
    hostIP,
    hostIPs: [{ ip: hostIP }],
    startTime: before.startTime ?? formatTime(input.now),
    qosClass: before.qosClass ?? qosClass(pod),
    conditions: conditions(input, phase, initStatuses, statuses, views),
  };
  if (pod.metadata.generation !== undefined) status.observedGeneration = pod.metadata.generation;
  if (podIP !== undefined) Object.assign(status, { podIP, podIPs: [{ ip: podIP }] });
  setOrRemove(status, 'reason', verdict?.reason);
  setOrRemove(status, 'message', verdict?.message);
  setOrRemove(status, 'initContainerStatuses', initStatuses.length > 0 ? initStatuses : undefined);
  setOrRemove(status, 'ephemeralContainerStatuses', ephemeral.length > 0 ? ephemeral : undefined);
  status.containerStatuses = statuses;
  return status;
}

function setOrRemove<K extends keyof PodStatus>(status: PodStatus, key: K, value: PodStatus[K]): void {
  if (value === undefined) delete status[key];
  else status[key] = value;
}

function containerStatus(container: Container, kind: ContainerKind, input: StatusInput): ContainerStatus {
  const view: ContainerView = input.views.get(container.name) ?? { started: false, ready: false };
  const waiting = input.waiting.get(container.name);
  const hasInits = (input.pod.spec?.initContainers?.length ?? 0) > 0 && kind !== 'ephemeral';
  let state: ApiContainerState;
  let last: ApiContainerState = {};
  const running = view.state?.phase === 'running';
  if (view.state?.phase === 'running') {
    state = { running: { startedAt: formatTime(view.state.startedAt) } };
  } else if (view.state !== undefined && view.id !== undefined) {
    const terminated = terminatedState(view.state, view.id, input.messages);
    if (waiting === undefined) state = { terminated };
    else {
      state = { waiting: clean(waiting) };
      last = { terminated };
    }
  } else {
    state = {
      waiting: waiting ? clean(waiting) : { reason: hasInits ? 'PodInitializing' : 'ContainerCreating' },
    };
  }
  if (last.terminated === undefined && view.last !== undefined)
    last = { terminated: terminatedState(view.last.state, view.last.id, input.messages) };
  const succeeded = view.state?.phase === 'exited' && view.state.exitCode === 0;
  const counts = staysUp(container, kind);
  const status: ContainerStatus = {
    name: container.name,
    image: container.image ?? '',
    imageID: '',
    ready: counts ? running && view.ready : kind === 'init' && succeeded,
    restartCount: view.attempt ?? 0,
    started: kind !== 'ephemeral' && running && view.started,
    state,
    lastState: last,
  };
  if (view.id !== undefined) status.containerID = view.id;
  const { resources } = container;
  if (resources?.requests !== undefined) status.allocatedResources = resources.requests;
  if (resources?.requests !== undefined || resources?.limits !== undefined) {
    const { requests, limits } = resources;
    status.resources = { ...(limits ? { limits } : {}), ...(requests ? { requests } : {}) };
  }
  return status;
}

const clean = (waiting: Waiting): Waiting =>
  waiting.message === undefined ? { reason: waiting.reason } : waiting;

function terminatedState(
  end: Exited,
  id: string,
  messages: ReadonlyMap<string, string>,
): ContainerStateTerminated {
  const state: ContainerStateTerminated = {
    exitCode: end.exitCode,
    reason: end.reason,
    startedAt: formatTime(end.startedAt),
    finishedAt: formatTime(end.finishedAt),
    containerID: id,
  };
  const message = messages.get(id) ?? end.message;
  if (message !== undefined && message !== '') state.message = message;
  return state;
}

function phaseOf(
  pod: Pod,
  inits: ContainerStatus[],
  apps: ContainerStatus[],
  over: boolean,
): 'Pending' | 'Running' | 'Succeeded' | 'Failed' {
  const specs = pod.spec?.initContainers ?? [];
  const policyOf = (index: number): string | undefined =>
    specs[index]?.restartPolicy ?? pod.spec?.restartPolicy;
  const appsBegun = apps.some((each) => each.state?.waiting === undefined || each.lastState?.terminated);
  let pendingInit = false;
  let failedInit = false;
  for (const [index, status] of inits.entries()) {
    const spec = specs[index];
    if (spec !== undefined && isSidecar(spec)) {
      if (status.started !== true && !appsBegun) pendingInit = true;
      continue;
    }
    const code = status.state?.terminated?.exitCode;
    if (code === 0) continue;
    if (code !== undefined && policyOf(index) === 'Never') failedInit = true;
    else if (!appsBegun) pendingInit = true;
  }
  if (failedInit) return over ? 'Failed' : 'Pending';
  if (pendingInit) return 'Pending';
  if (apps.some((each) => each.state?.waiting !== undefined && each.lastState?.terminated === undefined))
    return 'Pending';
  if (!over) return 'Running';
  const ends = apps.map((each) => each.state?.terminated ?? each.lastState?.terminated);
  return ends.every((end) => end?.exitCode === 0) ? 'Succeeded' : 'Failed';
}

function conditions(
  input: StatusInput,
  phase: string,
  inits: ContainerStatus[],
  apps: ContainerStatus[],
  views: Views,
): PodCondition[] {
  const { pod } = input;
  const specs = pod.spec?.initContainers ?? [];
  const begun = apps.some((each) => views.get(each.name)?.state !== undefined);
  const incomplete = inits
    .filter((status, index) => {
      const spec = specs[index];
      if (spec !== undefined && isSidecar(spec)) return status.started !== true && !begun;
      return !status.ready && !begun;
    })
    .map((status) => status.name);
  const unready = [
    ...inits.filter((status, index) => isSidecar(specs[index] as Container) && !status.ready),
    ...apps.filter((status) => !status.ready),
  ].map((status) => status.name);
  const terminal =
    phase === 'Succeeded'
      ? { reason: 'PodCompleted' }
      : phase === 'Failed'
        ? { reason: 'PodFailed' }
        : undefined;

  const initialized: Outcome =
    phase === 'Succeeded'
      ? { status: 'True', reason: 'PodCompleted' }
      : incomplete.length === 0
        ? { status: 'True' }
        : {
            status: 'False',
            reason: 'ContainersNotInitialized',
            message: `containers with incomplete status: [${incomplete.join(' ')}]`,
          };
  const containersReady: Outcome =
    terminal !== undefined
      ? { status: 'False', ...terminal }
      : unready.length === 0
        ? { status: 'True' }
        : {
            status: 'False',
            reason: 'ContainersNotReady',
            message: `containers with unready status: [${unready.join(' ')}]`,
          };
  const gates = (pod.spec?.readinessGates ?? []).flatMap(({ conditionType }) => {
    const found = pod.status?.conditions?.find((each) => each.type === conditionType);
    if (found?.status === 'True') return [];
    return [
      found === undefined
        ? `corresponding condition of pod readiness gate "${conditionType}" does not exist.`
        : `the status of pod readiness gate "${conditionType}" is not "True", but ${found.status}`,
    ];
  });
  const ready: Outcome =
    containersReady.status === 'True' && gates.length > 0
      ? { status: 'False', reason: 'ReadinessGatesNotReady', message: gates.join(', ') }
      : containersReady;
  const hasSandbox = input.podIP !== undefined && terminal === undefined;
  const ours: Record<string, Outcome> = {
    PodReadyToStartContainers: { status: hasSandbox ? 'True' : 'False' },
    Initialized: initialized,
    Ready: ready,
    ContainersReady: containersReady,
    PodScheduled: { status: 'True' },
  };
  const before = pod.status?.conditions ?? [];
  const mine = Object.entries(ours).map(([type, outcome]) => condition(type, outcome, before, input));
  return [...mine, ...before.filter((each) => !Object.hasOwn(ours, each.type))];
}

interface Outcome {
  status: 'True' | 'False';
  reason?: string;
  message?: string;
}

function condition(
  type: string,
  outcome: Outcome,
  before: readonly PodCondition[],
  { pod, now }: StatusInput,
): PodCondition {
  const old = before.find((each) => each.type === type);
  const since = old?.status === outcome.status ? old.lastTransitionTime : undefined;
  return {
    type,
    ...outcome,
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    lastTransitionTime: since ?? formatTime(now),
  };
}
