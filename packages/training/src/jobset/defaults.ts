import type { FailureRule, JobSet, JobSetFailurePolicy, JobSetSpec, ReplicatedJob } from './types.ts';

/** A JobSet's spec in which everything that upstream's admission fills in is filled in. */
export interface CompleteSpec extends Omit<JobSetSpec, 'failurePolicy'> {
  failurePolicy?: (Omit<JobSetFailurePolicy, 'rules'> & { rules: NamedRule[] }) | undefined;
  replicatedJobs: CompleteReplicatedJob[];
  successPolicy: NonNullable<JobSetSpec['successPolicy']>;
  inOrder: boolean;
  dnsHostnames: boolean;
  publishNotReadyAddresses: boolean;
  /** Service name and DNS subdomain of the pods. */
  subdomain: string;
}
export type NamedRule = FailureRule & { name: string };
export interface CompleteReplicatedJob extends ReplicatedJob {
  groupName: string;
  replicas: number;
}

/**
 * The spec with its defaults, as a new value. They are applied here and not only at admission, because the controller also
 * works on clusters where nothing else fills them in.
 */
export function withDefaults(jobSet: JobSet): CompleteSpec {
  const { failurePolicy, ...spec } = jobSet.spec;
  return {
    ...spec,
    replicatedJobs: (spec.replicatedJobs ?? []).map(completeJob),
    successPolicy: spec.successPolicy ?? { operator: 'All' },
    inOrder: spec.startupPolicy?.startupPolicyOrder === 'InOrder',
    dnsHostnames: spec.network?.enableDNSHostnames ?? true,
    publishNotReadyAddresses: spec.network?.publishNotReadyAddresses ?? true,
    subdomain: spec.network?.subdomain || jobSet.metadata.name,
    ...(failurePolicy
      ? {
          failurePolicy: {
            ...failurePolicy,
            rules: (failurePolicy.rules ?? []).map((rule, i) => ({
              ...rule,
              name: rule.name || `failurePolicyRule${i}`,
            })),
          },
        }
      : {}),
  };
}

function completeJob(job: ReplicatedJob): CompleteReplicatedJob {
  const spec = job.template.spec;
  const podSpec = spec?.template.spec;
  return {
    ...job,
    groupName: job.groupName ?? 'default',
    replicas: job.replicas ?? 1,
    template: {
      ...job.template,
      spec: {
        ...spec,
        completionMode: spec?.completionMode ?? 'Indexed',
        template: {
          ...spec?.template,
          spec: {
            containers: [],
            ...podSpec,
            restartPolicy: podSpec?.restartPolicy || 'OnFailure',
          },
        },
      },
    },
  };
}
