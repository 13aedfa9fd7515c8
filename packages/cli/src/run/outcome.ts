/** How a workload stands, read from its conditions, for every kind that `coracle run` can follow. */
import type { Unstructured } from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';

export type Outcome = { done: false; text: string } | { done: true; ok: boolean; text: string };

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
}

/** Kinds that can be followed: the label that marks their pods, and the conditions that end them. */
const followed: Record<string, { podLabel?: string; success: string; failure: string }> = {
  TrainJob: { podLabel: 'jobset.sigs.k8s.io/jobset-name', success: 'Complete', failure: 'Failed' },
  JobSet: { podLabel: 'jobset.sigs.k8s.io/jobset-name', success: 'Completed', failure: 'Failed' },
  Job: { podLabel: 'batch.kubernetes.io/job-name', success: 'Complete', failure: 'Failed' },
  Pod: { success: '', failure: '' },
};

/** True for a kind that runs to an end. */
export function canFollow(kind: string): boolean {
  return kind in followed;
}

/** Selects the pods of a workload. */
export function podsOf(object: Unstructured): { labelSelector?: string; fieldSelector?: string } {
  const label = followed[object.kind]?.podLabel;
  return label
    ? { labelSelector: `${label}=${object.metadata.name}` }
    : { fieldSelector: `metadata.name=${object.metadata.name}` };
}

/** Where a workload stands. */
export function outcomeOf(object: Unstructured): Outcome {
  const rule = followed[object.kind];
  const status = object['status'] as
    | { conditions?: Condition[]; phase?: string; message?: string }
    | undefined;
  if (object.kind === 'Pod') {
    if (status?.phase === 'Succeeded') return { done: true, ok: true, text: 'Succeeded' };
    if (status?.phase === 'Failed')
      return { done: true, ok: false, text: `Failed${status.message ? `: ${status.message}` : ''}` };
    return { done: false, text: status?.phase ?? 'Pending' };
  }
  const met = (type: string): Condition | undefined =>
    status?.conditions?.find((c) => c.type === type && c.status === 'True');
  const success = met(rule?.success ?? '');
  if (success) return { done: true, ok: true, text: success.type };
  const failure = met(rule?.failure ?? '');
  if (failure) {
    const why = [failure.reason, failure.message].filter(Boolean).join(': ');
    return { done: true, ok: false, text: `${failure.type}${why ? ` (${why})` : ''}` };
  }
  const waiting = met('Suspended');
  return { done: false, text: waiting ? 'Suspended' : 'Running' };
}

/** What one worker is doing, in the words `kubectl get pods` uses. */
export function podState(pod: Pod): string {
  if (pod.metadata.deletionTimestamp) return 'Terminating';
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const { state } of statuses) {
    if (state?.waiting?.reason && state.waiting.reason !== 'PodInitializing') return state.waiting.reason;
    if (state?.terminated && state.terminated.exitCode !== 0) {
      return state.terminated.reason === 'OOMKilled' ? 'OOMKilled' : `Exit ${state.terminated.exitCode}`;
    }
  }
  const scheduled = pod.status?.conditions?.find((c) => c.type === 'PodScheduled');
  if (scheduled?.status === 'False') return scheduled.reason ?? 'Unschedulable';
  return pod.status?.phase ?? 'Pending';
}

/**
 * Why a worker does not run, as one line; empty for one that runs or that ended well. The scheduler's own words for what no
 * node had, and the node's for a container that cannot start.
 */
export function podWhy(pod: Pod): string {
  const oneLine = (text: string | undefined): string => (text ?? '').replaceAll(/\s*\n\s*/g, ' ').trim();
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const { state, lastState } of statuses) {
    const before = lastState?.terminated;
    if (state?.waiting?.reason === 'CrashLoopBackOff' && before) {
      return `it ended with exit code ${before.exitCode}${before.reason === 'OOMKilled' ? ' (OOMKilled)' : ''} and is started again`;
    }
    if (state?.waiting?.message) return oneLine(state.waiting.message);
    if (state?.terminated && state.terminated.exitCode !== 0) return oneLine(state.terminated.message);
  }
  const scheduled = pod.status?.conditions?.find((c) => c.type === 'PodScheduled');
  if (scheduled?.status === 'False') return oneLine(scheduled.message);
  return pod.status?.phase === 'Failed' ? oneLine(pod.status.message) : '';
}

/** The exit code of the container that failed first, over all pods; of equal times the first pod's. Undefined if none did. */
export function firstFailure(
  pods: readonly Pod[],
): { pod: string; exitCode: number; reason?: string; message?: string } | undefined {
  let first: { pod: string; exitCode: number; reason?: string; message?: string; at: string } | undefined;
  for (const pod of pods) {
    for (const { state, lastState } of pod.status?.containerStatuses ?? []) {
      const ended = state?.terminated ?? lastState?.terminated;
      if (!ended || ended.exitCode === 0) continue;
      const at = ended.finishedAt ?? '';
      if (!first || at < first.at) {
        first = {
          pod: pod.metadata.name,
          exitCode: ended.exitCode,
          ...(ended.reason ? { reason: ended.reason } : {}),
          ...(ended.message ? { message: ended.message } : {}),
          at,
        };
      }
    }
  }
  return first;
}

/** GPUs a pod was given, from the agent's note (`coracle.dev/gpu-ids`: `container=id,id;container=id`). */
export function gpusOf(pod: Pod): string[] {
  const note = pod.metadata.annotations?.['coracle.dev/gpu-ids'];
  if (!note) return [];
  return note.split(/[;\s]+/).flatMap((part) =>
    part
      .slice(part.indexOf('=') + 1)
      .split(',')
      .filter(Boolean),
  );
}
