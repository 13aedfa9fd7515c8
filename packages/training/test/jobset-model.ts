/** A JobSet and its Jobs in memory, with the controller's core as the only actor: decisions are carried out as they are. */
import { deepFreeze, formatTime } from '@coracle/machinery';
import type { Job, Service } from '@coracle/machinery/api';
import { decideJobSet, type JobSet, type JobSetDecision, type JobSetSpec } from '../src/index.ts';

export class JobSetModel {
  jobSet: JobSet;
  readonly jobs = new Map<string, Job>();
  readonly services = new Map<string, Service>();
  /** `Reason: message` of all events so far. */
  readonly events: string[] = [];
  now = Date.UTC(2026, 0, 1);
  deleted = false;
  #uid = 0;

  constructor(spec: JobSetSpec, metadata: { annotations?: Record<string, string>; name?: string } = {}) {
    this.jobSet = deepFreeze({
      apiVersion: 'jobset.x-k8s.io/v1alpha2',
      kind: 'JobSet',
      metadata: {
        name: 'js',
        namespace: 'ml',
        uid: 'uid-js',
        resourceVersion: '1',
        creationTimestamp: formatTime(this.now),
        ...metadata,
      },
      spec,
    });
  }

  /** One look of the controller. */
  look(): JobSetDecision {
    const decision = decideJobSet({ jobSet: this.jobSet, jobs: [...this.jobs.values()], now: this.now });
    if (!decision.status) return decision;
    for (const job of decision.deleteJobs) this.jobs.delete(job.metadata.name);
    for (const service of decision.services) {
      this.services.set(service.metadata.name!, { apiVersion: 'v1', kind: 'Service', ...service } as Service);
    }
    for (const job of decision.createJobs) {
      const stored = { apiVersion: 'batch/v1', kind: 'Job', ...structuredClone(job), status: {} } as Job;
      stored.metadata.uid = `uid-${++this.#uid}`;
      if (this.jobs.has(job.metadata.name!)) throw new Error(`job ${job.metadata.name} exists`);
      this.jobs.set(job.metadata.name!, deepFreeze(stored));
    }
    for (const job of decision.suspendJobs) this.#change(job.metadata.name, (j) => (j.spec!.suspend = true));
    for (const { job } of decision.resumeJobs)
      this.#change(job.metadata.name, (j) => (j.spec!.suspend = false));
    if (decision.expired) this.deleted = true;
    this.jobSet = deepFreeze({ ...this.jobSet, status: structuredClone(decision.status) });
    this.events.push(...decision.events.map((e) => `${e.reason}: ${e.message}`));
    return decision;
  }

  /** Looks until nothing changes any more. */
  settle(): void {
    for (let i = 0, before = ''; i < 20; i++) {
      this.look();
      const after = JSON.stringify([this.jobSet.status, [...this.jobs.values()]]);
      if (after === before) return;
      before = after;
    }
    throw new Error('the controller does not come to rest');
  }

  change(spec: Partial<JobSetSpec>): void {
    this.jobSet = deepFreeze({ ...this.jobSet, spec: { ...this.jobSet.spec, ...spec } });
  }

  /** All pods of the job run and are ready. */
  run(name: string): void {
    this.#change(name, (job) => {
      const pods = job.spec?.parallelism ?? 1;
      job.status = { ...job.status, active: pods, ready: pods };
    });
  }
  complete(name: string): void {
    this.#end(name, 'Complete', '', '');
  }
  fail(
    name: string,
    reason = 'BackoffLimitExceeded',
    message = 'Job has reached the specified backoff limit',
  ): void {
    this.#end(name, 'Failed', reason, message);
  }

  get names(): string[] {
    return [...this.jobs.keys()].toSorted();
  }
  job(name: string): Job {
    const job = this.jobs.get(name);
    if (!job) throw new Error(`there is no job ${name}, only ${this.names.join(', ')}`);
    return job;
  }
  /** `Type=Status Reason`, of all conditions. */
  get conditions(): string[] {
    return (this.jobSet.status?.conditions ?? []).map((c) => `${c.type}=${c.status} ${c.reason}`);
  }

  #end(name: string, type: string, reason: string, message: string): void {
    this.now += 1000;
    const lastTransitionTime = formatTime(this.now);
    this.#change(name, (job) => {
      job.status = { conditions: [{ type, status: 'True', reason, message, lastTransitionTime }] };
    });
  }
  #change(name: string, change: (job: Job) => void): void {
    const job = structuredClone(this.job(name));
    change(job);
    this.jobs.set(name, deepFreeze(job));
  }
}

/** A replicated job whose template is the least that is valid. */
export function replicated(
  name: string,
  more: { replicas?: number; pods?: number; [field: string]: unknown } = {},
) {
  const { pods = 1, ...rest } = more;
  return {
    name,
    template: {
      spec: {
        parallelism: pods,
        completions: pods,
        template: { spec: { containers: [{ name: 'main', image: 'busybox' }] } },
      },
    },
    ...rest,
  };
}
