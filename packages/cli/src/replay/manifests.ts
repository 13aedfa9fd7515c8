/** A simulator's job as objects of the API: pods that live as virtual nodes let them, and a pod group where there are several. */
import type { Draft } from '@coracle/machinery';
import type { Pod, PodGroup, PriorityClass } from '@coracle/machinery/api';
import type { Job } from '@coracle/simulator';

/** Whose pod it is, for people. */
const jobAnnotation = 'coracle.dev/job';

/** Forever, as far as a virtual node is concerned. */
const foreverSeconds = 1e9;
/** A hundredth of a millisecond. */
const apartSeconds = 1e-5;

export interface Start {
  readonly job: Job;
  /** In the order of submission, from 0. */
  readonly index: number;
  /** Starts before this one. */
  readonly starts: number;
  /** Work that is left. */
  readonly runMs: number;
  readonly namespace: string;
  readonly schedulerName: string;
  readonly preemption: boolean;
}

export interface Manifests {
  readonly group: Draft<PodGroup> | undefined;
  /** In the order in which the simulator places them: the scheduler places members by name. */
  readonly pods: readonly Draft<Pod>[];
}

export function manifestsOf(start: Start): Manifests {
  const { job, index, starts, namespace, schedulerName } = start;
  const again = starts > 0 ? `-again-${starts}` : '';
  const base = `${nameOf(job.id).slice(0, 40)}-${index}${again}`;
  const count = job.podSets.reduce((sum, set) => sum + set.count, 0);
  const seconds = job.runMs === Infinity ? foreverSeconds : start.runMs / 1000;
  const className = priorityClassName(job, start.preemption);
  const pods: Draft<Pod>[] = [];
  for (const { template } of job.podSets.flatMap((set) => Array.from({ length: set.count }, () => set))) {
    const { metadata = {}, spec } = template;
    // Members end one after the other, not all in one moment of which nobody could say what comes first.
    const runSeconds = seconds + pods.length * apartSeconds;
    const number = String(pods.length).padStart(String(count - 1).length, '0');
    pods.push({
      metadata: {
        name: count === 1 ? base : `${base}-${number}`,
        namespace,
        ...(metadata.labels ? { labels: { ...metadata.labels } } : {}),
        annotations: {
          ...metadata.annotations,
          [jobAnnotation]: job.id,
          'coracle.dev/start-seconds': String((job.startMs ?? 0) / 1000),
          'coracle.dev/run-seconds': String(runSeconds),
          'coracle.dev/exit-code': job.ends === 'failed' ? '1' : '0',
        },
      },
      spec: {
        ...structuredClone(spec),
        restartPolicy: 'Never',
        schedulerName,
        ...(className === undefined ? {} : { priorityClassName: className }),
        ...(count > 1 ? { schedulingGroup: { podGroupName: base } } : {}),
      },
    } as Draft<Pod>);
  }
  const group = {
    metadata: { name: base, namespace },
    spec: { schedulingPolicy: { gang: { minCount: count } }, disruptionMode: 'PodGroup' },
  } as unknown as Draft<PodGroup>;
  return { group: count > 1 ? group : undefined, pods };
}

/** Undefined: it needs none. */
function priorityClassName({ priority = 0 }: Job, preemption: boolean): string | undefined {
  if (priority === 0 && preemption) return undefined;
  return `replay-${priority < 0 ? 'minus-' : ''}${Math.abs(priority)}`;
}

/** The class that pods of the job name; undefined: none. Without preemption priorities only say who goes first. */
export function priorityClassOf(job: Job, preemption: boolean): Draft<PriorityClass> | undefined {
  const name = priorityClassName(job, preemption);
  if (name === undefined) return undefined;
  return {
    metadata: { name },
    value: job.priority ?? 0,
    preemptionPolicy: preemption ? 'PreemptLowerPriority' : 'Never',
  } as Draft<PriorityClass>;
}

/** As the API takes names. */
export function nameOf(text: string): string {
  const name = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return name === '' ? 'x' : name;
}
