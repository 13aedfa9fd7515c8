/** The objects a JobSet makes: child Jobs, the headless Service, volume claims. */
import type { Draft } from '@coracle/machinery';
import type { Job, PersistentVolumeClaim, Service, core_v1 } from '@coracle/machinery/api';
import { ownedBy } from '../lib/owner.ts';
import type { CompleteReplicatedJob, CompleteSpec } from './defaults.ts';
import { jobSetKeys as keys } from './keys.ts';
import { claimName, coordinatorEndpoint, jobKey, jobName } from './names.ts';
import { placeExclusively } from './placement.ts';
import { JobSet, type JobSetStatus } from './types.ts';

/** The Job at `index` of a replicated job, for the run that `status` says is the current one. */
export function constructJob(
  jobSet: JobSet,
  spec: CompleteSpec,
  job: CompleteReplicatedJob,
  index: number,
  status: JobSetStatus,
): Draft<Job> {
  const { name, namespace = '' } = jobSet.metadata;
  const { metadata, spec: jobSpec } = job.template;
  const labels = standardLabels(jobSet, spec, job, index, status);
  const annotations = { ...labels, ...placementAnnotations(jobSet, job) };
  const podTemplate = jobSpec!.template;
  const podSpec: core_v1.PodSpec = {
    ...podTemplate.spec!,
    ...(spec.dnsHostnames ? { subdomain: spec.subdomain } : {}),
  };
  placeExclusively(podSpec, annotations, {
    namespace,
    name: jobName(name, job.name, index),
    key: labels[keys.jobKey]!,
  });
  addClaims(podSpec, jobSet, spec);
  return {
    metadata: {
      name: jobName(name, job.name, index),
      namespace,
      labels: { ...metadata?.labels, ...labels },
      annotations: { ...metadata?.annotations, ...annotations },
      ownerReferences: [ownedBy(JobSet, jobSet)],
    },
    spec: {
      ...jobSpec!,
      suspend: spec.suspend ?? false,
      template: {
        metadata: {
          ...podTemplate.metadata,
          labels: { ...podTemplate.metadata?.labels, ...labels },
          annotations: { ...podTemplate.metadata?.annotations, ...annotations },
        },
        spec: podSpec,
      },
    },
  };
}

const replicas = (jobs: readonly CompleteReplicatedJob[]): number => jobs.reduce((n, j) => n + j.replicas, 0);

/** The same on Jobs and pods, as labels and as annotations. */
function standardLabels(
  jobSet: JobSet,
  spec: CompleteSpec,
  job: CompleteReplicatedJob,
  index: number,
  status: JobSetStatus,
): Record<string, string> {
  const { name, namespace = '', uid } = jobSet.metadata;
  const before = spec.replicatedJobs.slice(0, spec.replicatedJobs.indexOf(job));
  const inGroup = (j: CompleteReplicatedJob): boolean => j.groupName === job.groupName;
  const coordinator = coordinatorEndpoint(name, spec);
  return {
    [keys.jobSetName]: name,
    [keys.jobSetUid]: uid,
    [keys.replicatedJobName]: job.name,
    [keys.replicatedJobReplicas]: String(job.replicas),
    [keys.globalReplicas]: String(replicas(spec.replicatedJobs)),
    [keys.jobIndex]: String(index),
    [keys.jobGlobalIndex]: String(replicas(before) + index),
    [keys.jobKey]: jobKey(namespace, jobName(name, job.name, index)),
    [keys.groupName]: job.groupName,
    [keys.groupReplicas]: String(replicas(spec.replicatedJobs.filter(inGroup))),
    [keys.jobGroupIndex]: String(replicas(before.filter(inGroup)) + index),
    [keys.restartAttempt]: String(status.restarts ?? 0),
    [keys.jobRestartAttempt]: String(jobRestarts(status, job.name)[index] ?? 0),
    ...(coordinator === undefined ? {} : { [keys.coordinator]: coordinator }),
  };
}

/** How often each job of a replicated job was made anew by itself. */
export function jobRestarts(status: JobSetStatus | undefined, replicatedJob: string): readonly number[] {
  return status?.replicatedJobsStatus?.find((s) => s.name === replicatedJob)?.jobRestarts ?? [];
}

/** Exclusive placement asked for on the JobSet or, before it, on the replicated job's template. */
function placementAnnotations(jobSet: JobSet, job: CompleteReplicatedJob): Record<string, string> {
  const found: Record<string, string> = {};
  for (const from of [jobSet.metadata.annotations, job.template.metadata?.annotations]) {
    if (from?.[keys.exclusiveTopology] === undefined) continue;
    found[keys.exclusiveTopology] = from[keys.exclusiveTopology]!;
    const strategy = from[keys.nodeSelectorStrategy];
    if (strategy !== undefined) found[keys.nodeSelectorStrategy] = strategy;
  }
  return found;
}

export function constructService(jobSet: JobSet, spec: CompleteSpec): Draft<Service> {
  const { name, namespace } = jobSet.metadata;
  return {
    metadata: { name: spec.subdomain, namespace, ownerReferences: [ownedBy(JobSet, jobSet)] },
    spec: {
      clusterIP: 'None',
      selector: { [keys.jobSetName]: name },
      publishNotReadyAddresses: spec.publishNotReadyAddresses,
    },
  };
}

export function constructClaims(jobSet: JobSet, spec: CompleteSpec): Draft<PersistentVolumeClaim>[] {
  const { name, namespace } = jobSet.metadata;
  return (spec.volumeClaimPolicies ?? []).flatMap((policy) => {
    const kept = policy.retentionPolicy?.whenDeleted === 'Retain';
    return (policy.templates ?? []).map((template) => ({
      metadata: {
        name: claimName(name, template.metadata?.name ?? ''),
        namespace,
        labels: { ...template.metadata?.labels, [keys.jobSetName]: name },
        ...(template.metadata?.annotations ? { annotations: template.metadata.annotations } : {}),
        ...(kept ? {} : { ownerReferences: [ownedBy(JobSet, jobSet)] }),
      },
      spec: template.spec,
    }));
  });
}

/** A claim becomes a volume of the pods that mount it by its template's name. */
function addClaims(podSpec: core_v1.PodSpec, jobSet: JobSet, spec: CompleteSpec): void {
  const containers = [...podSpec.containers, ...(podSpec.initContainers ?? [])];
  const mounted = new Set(containers.flatMap((c) => (c.volumeMounts ?? []).map((m) => m.name)));
  for (const policy of spec.volumeClaimPolicies ?? []) {
    for (const template of policy.templates ?? []) {
      const volume = template.metadata?.name ?? '';
      if (!mounted.has(volume)) continue;
      podSpec.volumes = [
        ...(podSpec.volumes ?? []),
        { name: volume, persistentVolumeClaim: { claimName: claimName(jobSet.metadata.name, volume) } },
      ];
    }
  }
}
