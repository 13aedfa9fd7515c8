/** How far a job of a replay has come. */
import type { Pod } from '@coracle/machinery/api';
import type { Job } from '@coracle/simulator';
import { manifestsOf, type Manifests } from './manifests.ts';

export class ReplayedJob {
  readonly job: Job;
  readonly index: number;
  readonly namespace: string;
  /** When its pods were made first, had nodes first, had ended; NaN: not yet. */
  submitMs = NaN;
  startMs = NaN;
  endMs = NaN;
  /** When all its pods had nodes, in this start. */
  startedMs = NaN;
  /** Number of the stay that has not ended. */
  stay: number | undefined;
  /** Pods of this start that are there, by name: their nodes, once they have them. */
  #pods = new Map<string, string | undefined>();
  readonly #ended = new Set<string>();
  /** In this start, in the order of the pods. */
  #names: readonly string[] = [];
  #starts = -1;
  #leaving = false;
  /** Work that is left at the beginning of this start. */
  #leftMs: number;

  constructor(job: Job, index: number, namespace: string) {
    this.job = job;
    this.index = index;
    this.namespace = namespace;
    this.#leftMs = job.runMs;
  }

  get over(): boolean {
    return !Number.isNaN(this.endMs);
  }
  /** It runs and will end, or is on its way out: something will happen without anybody's doing. */
  get moving(): boolean {
    if (this.over || this.#starts < 0) return false;
    return this.#leaving || (this.stay !== undefined && this.job.runMs < Infinity);
  }
  /** Of its pods, in their order. */
  get nodes(): string[] {
    return this.#names.map((name) => this.#pods.get(name)!);
  }

  begin(schedulerName: string, preemption: boolean): Manifests {
    const { job, index, namespace } = this;
    this.#starts++;
    this.#leaving = false;
    this.#ended.clear();
    const manifests = manifestsOf({
      job,
      index,
      starts: this.#starts,
      runMs: this.#leftMs,
      namespace,
      schedulerName,
      preemption,
    });
    this.#names = manifests.pods.map(({ metadata }) => metadata!.name!);
    this.#pods = new Map(this.#names.map((name) => [name, undefined]));
    return manifests;
  }

  /** True if this pod was the last that had no node. */
  placed({ metadata, spec }: Pod): boolean {
    if (!spec?.nodeName || !this.#pods.has(metadata.name) || this.#pods.get(metadata.name) !== undefined)
      return false;
    this.#pods.set(metadata.name, spec.nodeName);
    return [...this.#pods.values()].every((node) => node !== undefined) && !this.#leaving;
  }

  /** True if this pod was the last that had not ended. */
  ended({ metadata, status }: Pod): boolean {
    if (this.over || (status?.phase !== 'Succeeded' && status?.phase !== 'Failed')) return false;
    if (!this.#pods.has(metadata.name)) return false;
    this.#ended.add(metadata.name);
    return this.#ended.size === this.#pods.size && !this.#leaving;
  }

  /** A pod is gone. Answers which others must go, or that all are. */
  interrupted({ metadata }: Pod, nowMs: number): readonly string[] | 'gone' {
    const first = !this.#leaving;
    this.#leaving = true;
    if (first && this.stay !== undefined) this.#leftMs = this.job.runMs - this.#kept(nowMs);
    this.#pods.delete(metadata.name);
    if (this.#pods.size === 0) return 'gone';
    return first ? [...this.#pods.keys()] : [];
  }

  /** Work that is not lost by an interruption, as the simulator reckons. */
  #kept(nowMs: number): number {
    const { checkpointMs, startMs = 0, stopMs = 0, runMs } = this.job;
    const saved = runMs - this.#leftMs;
    if (checkpointMs === undefined) return 0;
    const since = Math.max(0, nowMs - this.startedMs - startMs);
    const safe = checkpointMs === 0 ? since : Math.floor(since / checkpointMs) * checkpointMs;
    return saved + Math.max(0, safe - stopMs);
  }

  podsOn(nodes: ReadonlySet<string>): string[] {
    if (this.over) return [];
    return [...this.#pods].flatMap(([name, node]) => (node !== undefined && nodes.has(node) ? [name] : []));
  }
}
