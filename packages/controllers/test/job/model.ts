/**
 * A cluster reduced to one Job: keeps the API's rules the Job controller depends on (resourceVersion checks, finalizers,
 * deletion) and runs `decide` as the controller does, one write at a time, so that a test can crash it between any two.
 */

import type { Draft } from '@coracle/machinery';
import type { Job, Pod, batch_v1 } from '@coracle/machinery/api';
import { defaultBackoff } from '../../src/job/backoff.ts';
import type { BackoffLimits, PodEnds } from '../../src/job/backoff.ts';
import { isFinished } from '../../src/job/conditions.ts';
import { trackingFinalizer } from '../../src/job/constants.ts';
import { decide } from '../../src/job/decide.ts';

export function newJob(spec: Partial<batch_v1.JobSpec> = {}): Job {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: 'train',
      namespace: 'default',
      uid: 'job-uid',
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: {},
    },
    spec: {
      parallelism: 1,
      completions: 1,
      completionMode: 'NonIndexed',
      backoffLimit: 6,
      suspend: false,
      podReplacementPolicy: 'TerminatingOrFailed',
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'job-uid' } },
      template: {
        metadata: { labels: { 'batch.kubernetes.io/controller-uid': 'job-uid' } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'app' }] },
      },
      ...spec,
    },
    status: {},
  };
}

export class Crash extends Error {}

export class JobModel {
  job: Job;
  pods = new Map<string, Pod>();
  now = Date.UTC(2026, 0, 1);
  events: string[] = [];
  /** Pods ever made, by uid, with how each ended as far as the cluster knows. */
  made = new Map<string, Pod>();
  backoff: BackoffLimits;
  /** Throws Crash when it returns true before a write. */
  crashBefore: () => boolean = () => false;
  again: number | undefined;
  #ends: PodEnds = new Map();
  #serial = 0;

  constructor(job: Job, backoff = defaultBackoff) {
    this.job = job;
    this.backoff = backoff;
  }

  get status(): batch_v1.JobStatus {
    return this.job.status ?? {};
  }
  condition(type: string) {
    return this.status.conditions?.find((c) => c.type === type && c.status === 'True');
  }
  get finished(): boolean {
    return isFinished(this.job);
  }
  list(): Pod[] {
    return [...this.pods.values()];
  }
  active(): Pod[] {
    return this.list().filter(
      (p) => !['Succeeded', 'Failed'].includes(p.status?.phase ?? '') && !p.metadata.deletionTimestamp,
    );
  }
  /** Names of pods without their generated end: `train-0`. */
  indexes(): number[] {
    return this.active()
      .map((p) => Number(p.metadata.annotations?.['batch.kubernetes.io/job-completion-index']))
      .toSorted((a, b) => a - b);
  }

  /** A new process: what was only in memory is lost. */
  restart(): void {
    this.#ends = new Map();
  }

  /** Reconciles until nothing is left to do now. */
  settle(): void {
    for (let round = 0; round < 200; round += 1) {
      if (this.finished) {
        for (const pod of this.list()) this.#release(pod);
        return;
      }
      const decision = decide({
        job: this.job,
        pods: this.list(),
        now: this.now,
        ends: this.#ends,
        backoff: this.backoff,
      });
      this.#ends = decision.ends;
      this.again = decision.again;
      for (const draft of decision.create) this.#create(draft);
      for (const { pod, counted } of decision.remove) {
        if (!counted) this.#release(pod);
        this.#write();
        this.delete(pod.metadata.uid);
      }
      if (decision.create.length + decision.remove.length > 0) continue;
      if (decision.status) {
        this.#write();
        this.job = { ...this.job, status: structuredClone(decision.status) };
      }
      for (const event of decision.events) this.events.push(event.reason);
      for (const pod of decision.release) this.#release(pod);
      if (!decision.status && decision.release.length === 0) return;
    }
    throw new Error('the controller does not come to rest');
  }

  /** `settle`, with time moved on whenever the controller waits for it. */
  settleInTime(): void {
    for (let i = 0; i < 50; i += 1) {
      this.settle();
      if (this.finished || this.again === undefined || this.again <= this.now) return;
      this.now = this.again;
    }
  }

  set(uid: string, status: Pod['status']): void {
    const pod = this.pods.get(uid);
    if (pod) this.#put({ ...pod, status: { ...pod.status, ...status } });
  }
  end(uid: string, phase: 'Succeeded' | 'Failed', exitCode = phase === 'Failed' ? 1 : 0): void {
    this.set(uid, {
      phase,
      containerStatuses: [
        {
          name: 'main',
          image: '',
          imageID: '',
          ready: false,
          restartCount: 0,
          state: { terminated: { exitCode, finishedAt: new Date(this.now).toISOString() } },
        },
      ],
    });
  }
  /** Somebody deletes the pod; it stays until it has no finalizer and `gone` says its containers are. */
  delete(uid: string): void {
    const pod = this.pods.get(uid);
    if (!pod) return;
    this.#put({
      ...pod,
      metadata: { ...pod.metadata, deletionTimestamp: new Date(this.now).toISOString() },
    });
    this.#collect(uid);
  }

  #create(draft: Draft<Pod>): void {
    this.#write();
    this.#serial += 1;
    const uid = `pod-${this.#serial}`;
    this.#put({
      apiVersion: 'v1',
      kind: 'Pod',
      ...draft,
      metadata: {
        ...draft.metadata,
        name: uid,
        uid,
        resourceVersion: '1',
        creationTimestamp: new Date(this.now).toISOString(),
      },
      status: { phase: 'Pending' },
    } as Pod);
  }
  #release(pod: Pod): void {
    const current = this.pods.get(pod.metadata.uid);
    if (!current?.metadata.finalizers?.includes(trackingFinalizer)) return;
    this.#write();
    this.#put({ ...current, metadata: { ...current.metadata, finalizers: [] } });
    this.#collect(pod.metadata.uid);
  }
  #collect(uid: string): void {
    const pod = this.pods.get(uid);
    if (pod?.metadata.deletionTimestamp && !pod.metadata.finalizers?.length) this.pods.delete(uid);
  }
  #put(pod: Pod): void {
    this.pods.set(pod.metadata.uid, pod);
    this.made.set(pod.metadata.uid, pod);
  }
  #write(): void {
    if (this.crashBefore()) throw new Crash('crash');
  }
}
