import { formatDuration, type Unstructured } from '@coracle/machinery';
import type { Job, Pod } from '@coracle/machinery/api';
import { gpusOf, podState } from '../run/outcome.ts';
import { age, conditions, heading, ownership, time } from './common.ts';
import { containersPart } from './containers.ts';
import { map, type Part, parts, table, textOf } from './text.ts';

export function describeJob(job: Job, pods: readonly Pod[], now: number): Part[] {
  const { spec, status } = job;
  const { startTime, completionTime } = status ?? {};
  const ran = startTime && completionTime ? Date.parse(completionTime) - Date.parse(startTime) : undefined;
  const template = spec?.template?.spec;
  return [
    ...heading(job),
    ...ownership(job),
    ['Selector', map(spec?.selector?.matchLabels)],
    ['Parallelism', spec?.parallelism],
    ['Completions', spec?.completions ?? '<unset>'],
    ['Completion Mode', spec?.completionMode],
    ['Suspend', spec?.suspend],
    ['Backoff Limit', spec?.backoffLimit],
    [
      'Active Deadline',
      spec?.activeDeadlineSeconds === undefined ? undefined : `${spec.activeDeadlineSeconds}s`,
    ],
    [
      'TTL After Finished',
      spec?.ttlSecondsAfterFinished === undefined ? undefined : `${spec.ttlSecondsAfterFinished}s`,
    ],
    ['Start Time', time(startTime)],
    ['Completed At', completionTime && time(completionTime)],
    ['Duration', ran === undefined ? undefined : formatDuration(ran)],
    [
      'Pods Statuses',
      `${status?.active ?? 0} Active (${status?.ready ?? 0} Ready) / ${status?.succeeded ?? 0} Succeeded / ${status?.failed ?? 0} Failed`,
    ],
    ['Completed Indexes', status?.completedIndexes],
    ['Failed Indexes', status?.failedIndexes],
    ['Conditions', conditions(status?.conditions, now)],
    [
      'Pod Template',
      parts([
        containersPart('Init Containers', template?.initContainers),
        containersPart('Containers', template?.containers),
      ]),
    ],
    podsPart(pods, now),
  ];
}

/** The fields of TrainJob and JobSet that are shown by name; all are optional here, as their servers may be of other versions. */
interface Training {
  spec?: {
    runtimeRef?: { kind?: string; name: string };
    suspend?: boolean;
    managedBy?: string;
    trainer?: {
      numNodes?: number;
      numProcPerNode?: unknown;
      image?: string;
      command?: string[];
      args?: string[];
      resourcesPerNode?: unknown;
    };
    replicatedJobs?: { name: string; replicas?: number }[];
    failurePolicy?: { maxRestarts?: number };
    successPolicy?: unknown;
    network?: unknown;
  };
  status?: {
    conditions?: Parameters<typeof conditions>[0];
    jobsStatus?: JobCounts[];
    replicatedJobsStatus?: JobCounts[];
    restarts?: number;
    restartsCountTowardsMax?: number;
    terminalState?: string;
  };
}
type JobCounts = { name: string } & Partial<
  Record<'ready' | 'active' | 'succeeded' | 'failed' | 'suspended', number>
>;

export function describeTrainJob(object: Unstructured, pods: readonly Pod[], now: number): Part[] {
  const { spec, status } = object as Training;
  const trainer = spec?.trainer;
  return [
    ...heading(object),
    ...ownership(object),
    ['Created', time(object.metadata.creationTimestamp)],
    [
      'Runtime',
      spec?.runtimeRef && `${spec.runtimeRef.kind ?? 'ClusterTrainingRuntime'}/${spec.runtimeRef.name}`,
    ],
    ['Suspend', spec?.suspend],
    [
      'Trainer',
      trainer &&
        parts([
          ['Nodes', trainer.numNodes],
          [
            'Processes per Node',
            trainer.numProcPerNode === undefined ? undefined : textOf(trainer.numProcPerNode),
          ],
          ['Image', trainer.image],
          ['Command', trainer.command && { lines: trainer.command }],
          ['Args', trainer.args && { lines: trainer.args }],
          [
            'Resources per Node',
            trainer.resourcesPerNode === undefined ? undefined : textOf(trainer.resourcesPerNode),
          ],
        ]),
    ],
    ['Jobs', jobsTable(status?.jobsStatus)],
    ['Conditions', conditions(status?.conditions, now)],
    podsPart(pods, now),
  ];
}

export function describeJobSet(object: Unstructured, pods: readonly Pod[], now: number): Part[] {
  const { spec, status } = object as Training;
  return [
    ...heading(object),
    ...ownership(object),
    ['Created', time(object.metadata.creationTimestamp)],
    ['Suspend', spec?.suspend],
    ['Max Restarts', spec?.failurePolicy?.maxRestarts],
    ['Restarts', status?.restarts],
    ['Success Policy', spec?.successPolicy === undefined ? undefined : textOf(spec.successPolicy)],
    ['Network', spec?.network === undefined ? undefined : textOf(spec.network)],
    [
      'Replicated Jobs',
      map(
        Object.fromEntries((spec?.replicatedJobs ?? []).map((j) => [j.name, `${j.replicas ?? 1} replicas`])),
        ': ',
      ),
    ],
    ['Terminal State', status?.terminalState],
    ['Jobs', jobsTable(status?.replicatedJobsStatus)],
    ['Conditions', conditions(status?.conditions, now)],
    podsPart(pods, now),
  ];
}

function jobsTable(list: readonly JobCounts[] | undefined): Part[1] {
  if (!list?.length) return undefined;
  const columns = ['ready', 'active', 'succeeded', 'failed', 'suspended'] as const;
  const rows = list.map((job) => [job.name, ...columns.map((column) => String(job[column] ?? 0))]);
  return table(['Name', 'Ready', 'Active', 'Succeeded', 'Failed', 'Suspended'], rows);
}

function podsPart(pods: readonly Pod[], now: number): Part {
  const rows = pods
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .map((pod) => [
      pod.metadata.name,
      podState(pod),
      pod.spec?.nodeName ?? '<none>',
      gpusOf(pod).join(',') || '<none>',
      age(pod.metadata.creationTimestamp, now),
    ]);
  return ['Pods', rows.length === 0 ? '<none>' : table(['Name', 'State', 'Node', 'GPUs', 'Age'], rows)];
}
