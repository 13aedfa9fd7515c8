/** The state machine of a virtual pod. Pure: time and chance come in, the next status comes out. */
import type { Pod, PodStatus } from '@coracle/machinery/api';
import { containersOf } from '../pod/containers.ts';
import { type ContainerView, shouldRestart } from '../pod/decide.ts';
import { podStatus, type Waiting } from '../pod/status.ts';
import { isSidecar } from '../pod/resources.ts';
import type { ContainerState } from '../runtime.ts';
import { type Stages } from './stages.ts';

export interface VirtualPod {
  ip: string;
  /** 0 at first, +1 each restart of its containers. */
  attempt: number;
  step: 'starting' | 'running' | 'waiting' | 'ended';
  startedAt: number;
  /** How the attempt before ended. */
  lastEnd?: { startedAt: number; finishedAt: number; exitCode: number } | undefined;
}

export const freshPod = (ip: string): VirtualPod => ({ ip, attempt: 0, step: 'starting', startedAt: 0 });

/** What an earlier process had got to, from the status it wrote. */
export function restoredPod(pod: Pod): VirtualPod | undefined {
  const { phase, podIP, containerStatuses } = pod.status ?? {};
  const first = containerStatuses?.[0];
  if (podIP === undefined || first === undefined) return undefined;
  const running = first.state?.running;
  if (phase === 'Succeeded' || phase === 'Failed')
    return { ip: podIP, attempt: first.restartCount, step: 'ended', startedAt: 0 };
  if (running !== undefined)
    return {
      ip: podIP,
      attempt: first.restartCount,
      step: 'running',
      startedAt: Date.parse(running.startedAt ?? ''),
    };
  return { ...freshPod(podIP), attempt: first.restartCount };
}

export interface Step {
  state: VirtualPod;
  /** When to step again; undefined: never by itself. */
  nextAt: number | undefined;
}

/** First delay of a restart after the first, doubling to the most: CrashLoopBackOff. */
const backOff = { baseMs: 10_000, mostMs: 300_000 };

/** The time set for the pod has come: goes on to its next step. `chance` is in [0, 1). */
export function step(pod: Pod, state: VirtualPod, stages: Stages, now: number, chance: number): Step {
  if (state.step === 'starting' || state.step === 'waiting') {
    const running: VirtualPod = { ...state, step: 'running', startedAt: now };
    return { state: running, nextAt: stages.runMs === undefined ? undefined : now + stages.runMs };
  }
  if (state.step === 'ended') return { state, nextAt: undefined };
  const exitCode = chance < stages.failProbability ? 1 : stages.exitCode;
  const lastEnd = { startedAt: state.startedAt, finishedAt: now, exitCode };
  const container = pod.spec?.containers[0];
  const end = {
    phase: 'exited' as const,
    ...lastEnd,
    reason: exitCode === 0 ? ('Completed' as const) : ('Error' as const),
  };
  if (container === undefined || !shouldRestart(pod, container, end))
    return { state: { ...state, step: 'ended', lastEnd }, nextAt: undefined };
  const delay = state.attempt === 0 ? 0 : Math.min(backOff.mostMs, backOff.baseMs * 2 ** (state.attempt - 1));
  return {
    state: { ...state, attempt: state.attempt + 1, step: 'waiting', lastEnd },
    nextAt: now + delay,
  };
}

/** The status of a pod in this state. */
export function virtualStatus(pod: Pod, state: VirtualPod, hostIP: string, now: number): PodStatus {
  const views = new Map<string, ContainerView>();
  const waiting = new Map<string, Waiting>();
  const uid = pod.metadata.uid;
  const id = (name: string, attempt: number): string => `virtual://${uid}/${name}/${attempt}`;
  const ended = (end: NonNullable<VirtualPod['lastEnd']>): Extract<ContainerState, { phase: 'exited' }> => ({
    phase: 'exited',
    ...end,
    reason: end.exitCode === 0 ? 'Completed' : 'Error',
  });
  for (const { container, kind } of containersOf(pod)) {
    const { name } = container;
    if (state.step === 'starting' || kind === 'ephemeral') continue;
    if (kind === 'init' && !isSidecar(container)) {
      const at = state.startedAt;
      const done = ended({ startedAt: at, finishedAt: at, exitCode: 0 });
      views.set(name, { state: done, id: id(name, 0), attempt: 0, started: false, ready: false });
      continue;
    }
    const running = state.step === 'running' || (kind === 'init' && state.step === 'waiting');
    const end = state.lastEnd;
    if (running || end === undefined) {
      views.set(name, {
        state: { phase: 'running', startedAt: state.startedAt },
        id: id(name, state.attempt),
        attempt: state.attempt,
        started: true,
        ready: true,
        ...(end === undefined ? {} : { last: { state: ended(end), id: id(name, state.attempt - 1) } }),
      });
      continue;
    }
    const last = kind === 'init' ? { ...end, exitCode: 0 } : end;
    // While it waits, the newest attempt is the one that ended.
    const attempt = state.step === 'waiting' ? state.attempt - 1 : state.attempt;
    views.set(name, { state: ended(last), id: id(name, attempt), attempt, started: false, ready: false });
    if (state.step === 'waiting')
      waiting.set(name, { reason: 'CrashLoopBackOff', message: `restarting failed container=${name}` });
  }
  return podStatus({
    pod,
    views,
    waiting,
    messages: new Map(),
    podIP: state.ip,
    hostIP,
    over: state.step === 'ended',
    now,
  });
}
