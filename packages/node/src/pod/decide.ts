/**
 * What to do next for a pod: the kubelet's rules for init containers, sidecars, restarts and back-off, as a pure function
 * from what is seen to what is to be done. It is asked again after every change, so it never has to remember.
 */
import type { Container, Pod } from '@coracle/machinery/api';
import type { ContainerState } from '../runtime.ts';
import type { ContainerKind } from './containers.ts';
import { isSidecar } from './resources.ts';

export type Exited = Extract<ContainerState, { phase: 'exited' }>;

/** One container as it is now. */
export interface ContainerView {
  /** Of the newest attempt; undefined: never started. */
  state?: ContainerState | undefined;
  id?: string | undefined;
  attempt?: number | undefined;
  /** The end of the attempt before. */
  last?: { state: Exited; id: string } | undefined;
  /** Running, its startup probe passed and its postStart hook done. */
  started: boolean;
  ready: boolean;
}
export type Views = ReadonlyMap<string, ContainerView>;

export interface Decision {
  start: { container: Container; kind: ContainerKind; attempt: number }[];
  /** Sidecars to stop, one after the other in this order, because the work is done. */
  stop: string[];
  /** Containers held back by back-off: milliseconds of the clock when they may start. */
  backOff: Map<string, number>;
  /** The work is over, well or badly: nothing will be started again. */
  finished: boolean;
}

/** May this container be started again after ending so? Container rules come first, then its own policy, then the pod's. */
export function shouldRestart(pod: Pod, container: Container, end: Exited): boolean {
  for (const rule of container.restartPolicyRules ?? []) {
    const { operator, values = [] } = rule.exitCodes ?? { operator: '' };
    const listed = values.includes(end.exitCode);
    if ((operator === 'In' && listed) || (operator === 'NotIn' && !listed))
      return rule.action === 'Restart' || rule.action === 'RestartAllContainers';
  }
  const policy = container.restartPolicy ?? pod.spec?.restartPolicy ?? 'Always';
  return policy === 'Always' || (policy === 'OnFailure' && end.exitCode !== 0);
}

/** `mayStartAt` answers when a container that ended may be started again (its back-off), undefined for at once. */
export function decide(
  pod: Pod,
  views: Views,
  now: number,
  mayStartAt: (container: string, end: Exited) => number | undefined,
): Decision {
  const decision: Decision = { start: [], stop: [], backOff: new Map(), finished: false };
  const spec = pod.spec;
  if (spec === undefined) return decision;
  const viewOf = (container: Container): ContainerView =>
    views.get(container.name) ?? { started: false, ready: false };

  const startAgain = (container: Container, kind: ContainerKind): void => {
    const view = viewOf(container);
    if (view.state?.phase === 'exited') {
      const at = mayStartAt(container.name, view.state);
      if (at !== undefined && at > now) {
        decision.backOff.set(container.name, at);
        return;
      }
    }
    decision.start.push({ container, kind, attempt: (view.attempt ?? -1) + 1 });
  };

  const appsBegun = spec.containers.some((container) => viewOf(container).state !== undefined);
  const appsOver =
    appsBegun &&
    spec.containers.every((container) => {
      const { state } = viewOf(container);
      return state?.phase === 'exited' && !shouldRestart(pod, container, state);
    });
  const inits = spec.initContainers ?? [];
  const initFailed =
    !appsBegun && inits.some((each) => !isSidecar(each) && isFinalFailure(pod, each, viewOf(each)));

  if (appsOver || initFailed) {
    decision.finished = true;
    const alive = (container: Container): boolean => viewOf(container).state?.phase === 'running';
    decision.stop = inits
      .filter((container) => isSidecar(container) && alive(container))
      .map((container) => container.name)
      .toReversed();
    return decision;
  }

  for (const container of inits) {
    const { state, started } = viewOf(container);
    if (isSidecar(container)) {
      if (state?.phase !== 'running') startAgain(container, 'init');
      if (!appsBegun && !started) return decision;
      continue;
    }
    // Once the apps have begun, init containers are history.
    if (appsBegun || (state?.phase === 'exited' && state.exitCode === 0)) continue;
    if (state?.phase !== 'running') startAgain(container, 'init');
    return decision;
  }

  for (const container of spec.containers) {
    const { state } = viewOf(container);
    if (state === undefined || (state.phase === 'exited' && shouldRestart(pod, container, state)))
      startAgain(container, 'app');
  }
  for (const container of spec.ephemeralContainers ?? []) {
    if (viewOf(container).state === undefined)
      decision.start.push({ container, kind: 'ephemeral', attempt: 0 });
  }
  return decision;
}

/** An init container that ended badly and is not tried again. Its policy `Always` means "until it succeeds". */
function isFinalFailure(pod: Pod, container: Container, view: ContainerView): boolean {
  const { state } = view;
  return state?.phase === 'exited' && state.exitCode !== 0 && !shouldRestart(pod, container, state);
}
