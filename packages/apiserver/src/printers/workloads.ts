/** Tables of workloads: apps, batch, autoscaling, disruption budgets, scheduling. */
import type {
  apps_v1,
  autoscaling_v1,
  autoscaling_v2,
  batch_v1,
  HorizontalPodAutoscaler,
  Job,
  policy_v1,
  ReplicationController,
  scheduling_v1,
  scheduling_v1alpha2,
} from '@coracle/machinery/api';
import { humanDuration } from '@coracle/machinery';
import type { TablePrinter } from '../contracts.ts';
import { age, containerCells, labelsText, none, orNone, printer, selectorText, since } from './columns.ts';

const wide = ['Containers+', 'Images+', 'Selector+'];

export const deployments: TablePrinter = printer<apps_v1.Deployment>(
  ['Ready', 'Up-to-date', 'Available', 'Age', ...wide],
  (object, now) => [
    `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`,
    object.status?.updatedReplicas ?? 0,
    object.status?.availableReplicas ?? 0,
    age(object, now),
    ...containerCells(object.spec?.template.spec),
    selectorText(object.spec?.selector),
  ],
);

/** A ReplicaSet and a ReplicationController differ in how they say which pods are theirs. */
const replicas = <T extends apps_v1.ReplicaSet | ReplicationController>(
  selector: (object: T) => string,
): TablePrinter =>
  printer<T>(['Desired#', 'Current#', 'Ready#', 'Age', ...wide], (object, now) => [
    object.spec?.replicas ?? 0,
    object.status?.replicas ?? 0,
    object.status?.readyReplicas ?? 0,
    age(object, now),
    ...containerCells(object.spec?.template?.spec),
    selector(object),
  ]);
export const replicaSets = replicas<apps_v1.ReplicaSet>(({ spec }) => selectorText(spec?.selector));
export const replicationControllers = replicas<ReplicationController>(({ spec }) =>
  labelsText(spec?.selector),
);

export const statefulSets: TablePrinter = printer<apps_v1.StatefulSet>(
  ['Ready', 'Age', 'Containers+', 'Images+'],
  (object, now) => [
    `${object.status?.readyReplicas ?? 0}/${object.spec?.replicas ?? 0}`,
    age(object, now),
    ...containerCells(object.spec?.template.spec),
  ],
);

export const daemonSets: TablePrinter = printer<apps_v1.DaemonSet>(
  ['Desired#', 'Current#', 'Ready#', 'Up-to-date#', 'Available#', 'Node Selector', 'Age', ...wide],
  (object, now) => [
    object.status?.desiredNumberScheduled ?? 0,
    object.status?.currentNumberScheduled ?? 0,
    object.status?.numberReady ?? 0,
    object.status?.updatedNumberScheduled ?? 0,
    object.status?.numberAvailable ?? 0,
    labelsText(object.spec?.template.spec?.nodeSelector),
    age(object, now),
    ...containerCells(object.spec?.template.spec),
    selectorText(object.spec?.selector),
  ],
);

export const controllerRevisions: TablePrinter = printer<apps_v1.ControllerRevision>(
  ['Controller', 'Revision', 'Age'],
  (object, now) => {
    const owner = object.metadata.ownerReferences?.find((one) => one.controller === true);
    const group = owner?.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : '';
    return [
      owner ? `${owner.kind.toLowerCase()}${group}/${owner.name}` : none,
      object.revision ?? 0,
      age(object, now),
    ];
  },
);

/** The STATUS column of a job. */
function jobStatus(job: Job): string {
  const is = (type: string): boolean =>
    (job.status?.conditions ?? []).some((one) => one.type === type && one.status === 'True');
  if (is('Complete')) return 'Complete';
  if (is('Failed')) return 'Failed';
  if (job.metadata.deletionTimestamp) return 'Terminating';
  for (const type of ['Suspended', 'FailureTarget', 'SuccessCriteriaMet']) if (is(type)) return type;
  return 'Running';
}

export const jobs: TablePrinter = printer<Job>(
  ['Status', 'Completions', 'Duration', 'Age', ...wide],
  (job, now) => {
    const { completions, parallelism } = job.spec ?? {};
    const succeeded = job.status?.succeeded ?? 0;
    const { startTime, completionTime } = job.status ?? {};
    let duration = '';
    if (startTime)
      duration = completionTime
        ? humanDuration(Date.parse(completionTime) - Date.parse(startTime))
        : since(startTime, now);
    return [
      jobStatus(job),
      completions != null
        ? `${succeeded}/${completions}`
        : (parallelism ?? 0) > 1
          ? `${succeeded}/1 of ${parallelism}`
          : `${succeeded}/1`,
      duration,
      age(job, now),
      ...containerCells(job.spec?.template.spec),
      selectorText(job.spec?.selector),
    ];
  },
);

const truth = (value: boolean | undefined | null): string =>
  value == null ? '<unset>' : value ? 'True' : 'False';

export const cronJobs: TablePrinter = printer<batch_v1.CronJob>(
  ['Schedule', 'Timezone', 'Suspend', 'Active#', 'Last Schedule', 'Age', ...wide],
  (object, now) => [
    object.spec.schedule,
    orNone(object.spec.timeZone),
    truth(object.spec.suspend),
    (object.status?.active ?? []).length,
    object.status?.lastScheduleTime ? since(object.status.lastScheduleTime, now) : none,
    age(object, now),
    ...containerCells(object.spec.jobTemplate?.spec?.template?.spec),
    selectorText(object.spec.jobTemplate?.spec?.selector),
  ],
);

export const podDisruptionBudgets: TablePrinter = printer<policy_v1.PodDisruptionBudget>(
  ['Min Available', 'Max Unavailable', 'Allowed Disruptions#', 'Age'],
  (object, now) => [
    object.spec?.minAvailable ?? 'N/A',
    object.spec?.maxUnavailable ?? 'N/A',
    object.status?.disruptionsAllowed ?? 0,
    age(object, now),
  ],
);

type Metric = autoscaling_v2.MetricSpec;
type MetricNow = autoscaling_v2.MetricStatus;

function metricText(spec: Metric, status: MetricNow | undefined): string {
  const source = spec.resource ?? spec.containerResource ?? spec.pods ?? spec.object ?? spec.external;
  const current = (
    status?.resource ??
    status?.containerResource ??
    status?.pods ??
    status?.object ??
    status?.external
  )?.current;
  const target = source?.target;
  if (!target) return '<unknown type>';
  const label = spec.resource
    ? `${spec.resource.name}: `
    : spec.containerResource
      ? `${spec.containerResource.name}: `
      : '';
  if (target.averageUtilization != null)
    return `${label}${current?.averageUtilization != null ? `${current.averageUtilization}%` : '<unknown>'}/${target.averageUtilization}%`;
  if (target.averageValue != null) {
    const average = spec.external || spec.object ? ' (avg)' : '';
    return `${label}${current?.averageValue ?? '<unknown>'}/${target.averageValue}${average}`;
  }
  return `${label}${current?.value ?? '<unknown>'}/${target.value ?? '<auto>'}`;
}

function targetsText(object: HorizontalPodAutoscaler): string {
  const v1 = object.spec as unknown as autoscaling_v1.HorizontalPodAutoscalerSpec;
  const used = (object.status as unknown as autoscaling_v1.HorizontalPodAutoscalerStatus | undefined)
    ?.currentCPUUtilizationPercentage;
  if (v1.targetCPUUtilizationPercentage != null)
    return `cpu: ${used != null ? `${used}%` : '<unknown>'}/${v1.targetCPUUtilizationPercentage}%`;
  const metrics = object.spec?.metrics ?? [];
  if (metrics.length === 0) return none;
  const shown = metrics
    .slice(0, 2)
    .map((metric, at) => metricText(metric, object.status?.currentMetrics?.[at]));
  return metrics.length > 2 ? `${shown.join(', ')} + ${metrics.length - 2} more...` : shown.join(', ');
}

export const horizontalPodAutoscalers: TablePrinter = printer<HorizontalPodAutoscaler>(
  ['Reference', 'Targets', 'MinPods', 'MaxPods', 'Replicas', 'Age'],
  (object, now) => [
    `${object.spec?.scaleTargetRef.kind}/${object.spec?.scaleTargetRef.name}`,
    targetsText(object),
    object.spec?.minReplicas ?? '<unset>',
    object.spec?.maxReplicas ?? 0,
    object.status?.currentReplicas ?? 0,
    age(object, now),
  ],
);

export const priorityClasses: TablePrinter = printer<scheduling_v1.PriorityClass>(
  ['Value#', 'Global-Default', 'Age', 'PreemptionPolicy'],
  (object, now) => [
    object.value ?? 0,
    object.globalDefault === true,
    age(object, now),
    object.preemptionPolicy ?? 'PreemptLowerPriority',
  ],
);

export const podGroups: TablePrinter = printer<scheduling_v1alpha2.PodGroup>(
  ['Policy', 'Min Count', 'Scheduled', 'Age'],
  (object, now) => {
    const gang = object.spec?.schedulingPolicy?.gang;
    const scheduled = (object.status?.conditions ?? []).find((one) => one.type === 'PodGroupScheduled');
    return [
      gang ? 'Gang' : 'Basic',
      gang?.minCount ?? none,
      scheduled?.status ?? 'Unknown',
      age(object, now),
    ];
  },
);

export const workloads: TablePrinter = printer<scheduling_v1alpha2.Workload>(
  ['Controller', 'Templates#', 'Age'],
  (object, now) => {
    const owner = object.spec?.controllerRef;
    return [
      owner ? `${owner.kind}/${owner.name}` : none,
      (object.spec?.podGroupTemplates ?? []).length,
      age(object, now),
    ];
  },
);
