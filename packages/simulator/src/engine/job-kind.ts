/**
 * Jobs that ask for the same are of one kind: what one of them could not be given, none of them can until room is made. The
 * scheduler core reads the pods of a kind once; each pod is a copy with a name of its own.
 */
import type { Pod } from '@coracle/machinery/api';
import type { PodInfo, Snapshot } from '@coracle/scheduler/core';
import type { AskedPods } from '../ordering/backfill.ts';
import type { Job, PodSet, PodTemplate } from '../model/job.ts';

/** A pod as the scheduler core takes it, with what it weighs in reports. */
export interface SimPod extends PodInfo {
  readonly gpuMilli: number;
  readonly cpuMilli: number;
}

export interface JobKind {
  readonly id: number;
  readonly sets: readonly PodSet[];
  readonly pods: number;
  /** Of all its pods; with the most it may have, for elastic jobs. */
  readonly gpuMilli: number;
  readonly cpuMilli: number;
  /** Pods it must have to run. Less than `pods` for elastic jobs. */
  readonly least: number;
  /** Rules that speak of other pods: room on nodes is not all that decides. */
  readonly wide: boolean;
  /** One of each set, of no tenant: to look whether there is room. */
  readonly samples: readonly SimPod[];
  /** Jobs of it up to this priority do not fit: one was tried since room was last made for them. -Infinity: not known. */
  blockedUpTo: number;
  /** The replan pass in which one of them did not fit. */
  failedIn: number;
  /** As backfill plans take it, once one was made. */
  asked: readonly AskedPods[] | undefined;
  /** By set, then tenant and priority. */
  readonly bases: Map<number, SimPod>[];
}

/** Descriptions of pods that are kept, one a template, tenant and priority. */
const maxKept = 65_536;

export class JobKinds {
  readonly list: JobKind[] = [];
  /** True once a template with rules about other pods has been seen: then room made anywhere may help anybody. */
  wide = false;
  /** True once a pod asked for parts of cards, or for cards by other means than the extended resource. */
  parts = false;
  readonly #snapshot: Snapshot;
  readonly #bySets = new WeakMap<readonly PodSet[], JobKind>();
  readonly #byKey = new Map<string, JobKind>();
  readonly #templateIds = new Map<PodTemplate, number>();
  readonly #kept = new Map<string, SimPod>();

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
  }

  of(job: Job): JobKind {
    const { elastic, podSets } = job;
    if (!elastic) {
      const known = this.#bySets.get(podSets);
      if (known) return known;
    }
    const key =
      podSets.map(({ count, template }) => `${count}x${this.#templateId(template)}`).join('+') +
      (elastic ? ` ${elastic.min}-${elastic.max}` : '');
    let kind = this.#byKey.get(key);
    if (!kind) {
      kind = this.#make(job);
      this.#byKey.set(key, kind);
    }
    if (!elastic) this.#bySets.set(podSets, kind);
    return kind;
  }

  #make({ id, podSets, elastic }: Job): JobKind {
    if (podSets.length === 0) throw new Error(`job "${id}" has no pods`);
    for (const { name, count } of podSets) {
      if (!(count >= 1))
        throw new Error(`job "${id}": pod set "${name}" has count ${count}; at least 1 is needed`);
    }
    if (elastic && podSets.length > 1) throw new Error(`job "${id}" is elastic and has several pod sets`);
    if (elastic && !(elastic.min >= 1 && elastic.max >= elastic.min))
      throw new Error(`job "${id}": elastic from ${elastic.min} to ${elastic.max} pods is not possible`);
    const samples = podSets.map(({ template }) => this.describe(template, '', 0));
    const counts = podSets.map(({ count }) => elastic?.max ?? count);
    const sum = (of: (pod: SimPod) => number): number =>
      samples.reduce((total, pod, i) => total + counts[i]! * of(pod), 0);
    const pods = sum(() => 1);
    const wide = podSets.some(({ template }) => isWide(template));
    if (wide) this.wide = true;
    if (samples.some(({ cards }) => cards && !cards.extended)) this.parts = true;
    const kind: JobKind = {
      id: this.list.length,
      sets: podSets,
      pods,
      gpuMilli: sum((pod) => pod.gpuMilli),
      cpuMilli: sum((pod) => pod.cpuMilli),
      least: elastic?.min ?? pods,
      wide,
      samples,
      blockedUpTo: -Infinity,
      failedIn: -1,
      asked: undefined,
      bases: [],
    };
    this.list.push(kind);
    return kind;
  }

  #templateId(template: PodTemplate): number {
    let id = this.#templateIds.get(template);
    if (id === undefined) this.#templateIds.set(template, (id = this.#templateIds.size));
    return id;
  }

  /** The pods of a job's set, but for their names. */
  baseOf(
    kind: JobKind,
    set: number,
    job: { readonly tenant: number; readonly priority: number; readonly job: Job },
  ): SimPod {
    const bases = (kind.bases[set] ??= new Map());
    // Both are whole numbers, and tenants fewer than this.
    const key = job.priority * 2 ** 21 + job.tenant;
    let base = bases.get(key);
    if (!base) {
      base = this.describe(kind.sets[set]!.template, job.job.tenant, job.priority);
      if (bases.size >= 256) bases.clear();
      bases.set(key, base);
    }
    return base;
  }

  /** A pod of the template as the core takes it, under no name. */
  describe(template: PodTemplate, tenant: string, priority: number): SimPod {
    const key = `${this.#templateId(template)} ${priority} ${tenant}`;
    let kept = this.#kept.get(key);
    if (!kept) {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { ...template.metadata, name: 'pod', namespace: tenant },
        spec: template.spec,
      } as unknown as Pod;
      const info = this.#snapshot.describe(pod, { priority });
      const cpu = info.dimensions.indexOf(0);
      kept = {
        ...info,
        gpuMilli: info.cards ? info.cards.count * info.cards.milli : 0,
        cpuMilli: cpu < 0 ? 0 : info.requests[cpu]!,
      };
      if (this.#kept.size >= maxKept) this.#kept.clear();
      this.#kept.set(key, kept);
    }
    return kept;
  }
}

function isWide({ spec }: PodTemplate): boolean {
  const { affinity, topologySpreadConstraints = [] } = spec;
  return (
    topologySpreadConstraints.length > 0 ||
    affinity?.podAffinity !== undefined ||
    affinity?.podAntiAffinity !== undefined
  );
}
