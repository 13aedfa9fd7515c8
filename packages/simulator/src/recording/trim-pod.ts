/**
 * What is recorded of a pod: what scheduling reads, and nothing else. Fields are taken one by one, so that what nobody thought of
 * (commands, environment, mounts, secrets) is never written.
 */
import { countAnnotation, milliAnnotation, modelAnnotation } from '@coracle/machinery';
import type { Pod, PodSpec } from '@coracle/machinery/api';
import type { PodTemplate } from '../model/job.ts';
import type { RecordedPod, RecordedRef } from './format.ts';
import type { Names } from './names.ts';

/** Annotations that scheduling reads. */
const annotationsKept: ReadonlySet<string> = new Set([
  milliAnnotation,
  countAnnotation,
  modelAnnotation,
  'alibabacloud.com/gpu-mem',
  'scheduling.coracle.dev/preferred-topology',
  'scheduling.coracle.dev/placement',
]);

/** Labels that differ from pod to pod of one owner; kept only where the pod's own constraints name them. */
const labelsOfOne =
  /^(pod-template-hash|controller-revision-hash|pod-template-generation|controller-uid|job-name|(batch|apps|statefulset)\.kubernetes\.io\/.*|jobset\.sigs\.k8s\.io\/.*|training\.kubeflow\.org\/(replica-index|job-name)|volcano\.sh\/.*|ray\.io\/.*|scheduling\.x-k8s\.io\/pod-group)$/;

/** Where pods say which set of their owner's they belong to, the first that is there. */
const roleLabels = [
  'training.kubeflow.org/replica-type',
  'jobset.sigs.k8s.io/replicatedjob-name',
  'volcano.sh/task-spec',
  'ray.io/node-type',
];

export type PodFacts = Omit<RecordedPod, 'template'>;

export function trimPod(pod: Pod, names: Names): { template: PodTemplate; facts: PodFacts } {
  return { template: templateOf(pod, names), facts: factsOf(pod, names) };
}

function templateOf(pod: Pod, names: Names): PodTemplate {
  const { metadata, spec } = pod;
  const kept = spec ? specOf(spec, names) : ({ containers: [] } as unknown as PodSpec);
  const constraints = JSON.stringify([spec?.affinity ?? 0, spec?.topologySpreadConstraints ?? 0]);
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (labelsOfOne.test(key) && !constraints.includes(`"${key}"`)) continue;
    labels[names.labelKey(key)] = names.labelValue(key, value);
  }
  const annotations: Record<string, string> = {};
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    if (annotationsKept.has(key)) annotations[key] = value;
  }
  return {
    metadata: {
      ...(Object.keys(labels).length > 0 ? { labels } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
    spec: kept,
  };
}

type Container = PodSpec['containers'][number];

function specOf(spec: PodSpec, names: Names): PodSpec {
  const kept: Record<string, unknown> = {
    containers: spec.containers.map((container, i) => containerOf(container, `c${i}`)),
  };
  if (spec.initContainers?.length) {
    kept['initContainers'] = spec.initContainers.map((container, i) => containerOf(container, `i${i}`));
  }
  for (const field of plainFields) if (spec[field] !== undefined) kept[field] = spec[field];
  if (spec.schedulerName !== undefined) kept['schedulerName'] = names.scheduler(spec.schedulerName);
  const { nodeSelector, tolerations, affinity, topologySpreadConstraints: spread } = spec;
  if (nodeSelector) kept['nodeSelector'] = names.labels(nodeSelector);
  // What every pod gets by default says nothing.
  const own = (tolerations ?? []).filter(({ key = '', tolerationSeconds }) => {
    return !(tolerationSeconds !== undefined && /^node\.kubernetes\.io\/(not-ready|unreachable)$/.test(key));
  });
  if (own.length > 0) kept['tolerations'] = own.map((toleration) => names.keyed(toleration));
  if (affinity) kept['affinity'] = names.constraints(affinity);
  if (spread?.length) kept['topologySpreadConstraints'] = names.constraints(spread);
  return kept as unknown as PodSpec;
}

const plainFields = [
  'preemptionPolicy',
  'overhead',
  'hostNetwork',
  'restartPolicy',
  'terminationGracePeriodSeconds',
  'resources',
] as const satisfies readonly (keyof PodSpec)[];

function containerOf({ resources, ports, restartPolicy }: Container, name: string): Container {
  const { requests, limits } = resources ?? {};
  const hostPorts = (ports ?? []).filter(({ hostPort }) => hostPort !== undefined);
  return {
    name,
    image: 'x',
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
    resources: { ...(requests ? { requests } : {}), ...(limits ? { limits } : {}) },
    ...(hostPorts.length > 0
      ? {
          ports: hostPorts.map(({ containerPort, hostPort, hostIP, protocol }) => ({
            containerPort,
            ...(hostPort === undefined ? {} : { hostPort }),
            ...(hostIP === undefined ? {} : { hostIP }),
            ...(protocol === undefined ? {} : { protocol }),
          })),
        }
      : {}),
  } as Container;
}

function factsOf({ metadata, spec, status }: Pod, names: Names): PodFacts {
  const { started, ended } = containerTimes(status);
  const owner = controllerOf(metadata.ownerReferences, names);
  const group = groupOf(metadata, spec, names);
  const role = roleLabels.map((label) => metadata.labels?.[label]).find((value) => value !== undefined);
  const mirror =
    metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined || owner?.kind === 'Node';
  const claims = spec?.resourceClaims?.length ?? 0;
  const volumes = (spec?.volumes ?? []).filter((volume) => volume.persistentVolumeClaim ?? volume.ephemeral);
  return {
    uid: metadata.uid ?? '',
    ns: names.name(metadata.namespace ?? ''),
    name: names.name(metadata.name ?? ''),
    created: timeOf(metadata.creationTimestamp) ?? 0,
    ...(owner ? { owner } : {}),
    ...(group ? { group } : {}),
    ...(role === undefined ? {} : { role: names.name(role) }),
    ...(spec?.priority ? { priority: spec.priority } : {}),
    ...(spec?.nodeName ? { node: names.name(spec.nodeName) } : {}),
    ...(status?.phase ? { phase: status.phase } : {}),
    ...(started === undefined ? {} : { started }),
    ...(ended === undefined ? {} : { ended }),
    ...(spec?.activeDeadlineSeconds === undefined ? {} : { deadline: spec.activeDeadlineSeconds }),
    ...(mirror || owner?.kind === 'DaemonSet' ? { pinned: true } : {}),
    ...(claims > 0 ? { claims } : {}),
    ...(volumes.length > 0 ? { volumes: volumes.length } : {}),
  };
}

function groupOf(metadata: Pod['metadata'], spec: Pod['spec'], names: Names): string | undefined {
  const { labels = {}, annotations = {} } = metadata;
  const name =
    spec?.schedulingGroup?.podGroupName ??
    labels['scheduling.x-k8s.io/pod-group'] ??
    annotations['scheduling.k8s.io/group-name'] ??
    annotations['scheduling.volcano.sh/group-name'];
  return name ? names.name(name) : undefined;
}

export function controllerOf(
  references: Pod['metadata']['ownerReferences'],
  names: Names,
): RecordedRef | undefined {
  const owner = references?.find(({ controller }) => controller) ?? references?.[0];
  if (!owner) return undefined;
  const { apiVersion, kind, name, uid } = owner;
  return { ...names.kind(apiVersion, kind), name: names.name(name), uid };
}

/** RFC 3339 in milliseconds; undefined if there is none. */
export function timeOf(text: string | undefined): number | undefined {
  const value = text === undefined ? NaN : Date.parse(text);
  return Number.isNaN(value) ? undefined : value;
}

function containerTimes(status: Pod['status']): { started: number | undefined; ended: number | undefined } {
  let started: number | undefined;
  let ended: number | undefined;
  for (const { state, lastState } of status?.containerStatuses ?? []) {
    const begins = [
      lastState?.terminated?.startedAt,
      state?.terminated?.startedAt,
      state?.running?.startedAt,
    ];
    for (const begin of begins.map(timeOf))
      if (begin !== undefined && begin > 0) started = Math.min(started ?? begin, begin);
    const end = timeOf(state?.terminated?.finishedAt);
    if (end !== undefined && end > 0) ended = Math.max(ended ?? end, end);
  }
  const over = status?.phase === 'Succeeded' || status?.phase === 'Failed';
  return { started, ended: over ? ended : undefined };
}
