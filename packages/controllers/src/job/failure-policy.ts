/** spec.podFailurePolicy: what a failed pod means for the Job. The first rule that matches decides. */
import type { ContainerStatus, Pod } from '@coracle/machinery/api';
import type { batch_v1 } from '@coracle/machinery/api';

type Policy = batch_v1.PodFailurePolicy;

export interface FailureVerdict {
  /** Does the failure count towards backoffLimit (or the index's limit)? */
  counts: boolean;
  /** FailJob, FailIndex, Ignore or Count; undefined when no rule matched. */
  action?: string | undefined;
  /** With FailJob: why, for the Job's condition. */
  message?: string | undefined;
}

export function judgeFailure(policy: Policy | undefined, pod: Pod): FailureVerdict {
  for (const [index, rule] of (policy?.rules ?? []).entries()) {
    const why = matchRule(rule, pod);
    if (why === undefined) continue;
    if (rule.action === 'Ignore') return { counts: false, action: 'Ignore' };
    if (rule.action === 'FailJob') {
      return { counts: true, action: 'FailJob', message: `${why} matching FailJob rule at index ${index}` };
    }
    if (rule.action === 'FailIndex' || rule.action === 'Count') return { counts: true, action: rule.action };
    // An action from a newer API: as if the rule were not there.
  }
  return { counts: true };
}

function matchRule(rule: batch_v1.PodFailurePolicyRule, pod: Pod): string | undefined {
  const name = `${pod.metadata.namespace}/${pod.metadata.name}`;
  if (rule.onExitCodes) {
    const container = matchExitCodes(rule.onExitCodes, pod);
    return (
      container &&
      `Container ${container.name} for pod ${name} failed with exit code ${container.state?.terminated?.exitCode}`
    );
  }
  for (const pattern of rule.onPodConditions ?? []) {
    const wanted = pattern.status ?? 'True';
    const found = pod.status?.conditions?.some((c) => c.type === pattern.type && c.status === wanted);
    if (found) return `Pod ${name} has condition ${pattern.type}`;
  }
  return undefined;
}

function matchExitCodes(
  requirement: batch_v1.PodFailurePolicyOnExitCodesRequirement,
  pod: Pod,
): ContainerStatus | undefined {
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  return statuses.find((status) => {
    const exitCode = status.state?.terminated?.exitCode;
    // Zero is success, never a failure to match, not even with NotIn.
    if (exitCode === undefined || exitCode === 0) return false;
    if (requirement.containerName !== undefined && requirement.containerName !== status.name) return false;
    const listed = requirement.values.includes(exitCode);
    if (requirement.operator === 'In') return listed;
    return requirement.operator === 'NotIn' && !listed;
  });
}
