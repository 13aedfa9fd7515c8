/**
 * Runs a workload on a cluster with virtual nodes, through its API: pods are made when their jobs come, live as long as their jobs
 * run, and are made anew when they are evicted, as a job controller would. What happened is told as the simulator tells it.
 */
import type { Client } from '@coracle/client';
import { isReason } from '@coracle/machinery';
import { Namespace, Node, Pod, PodGroup, PriorityClass, ServiceAccount } from '@coracle/machinery/api';
import { createInformerFactory, sleep, type Clock, type Logger } from '@coracle/operator';
import type { Job, Maintenance, Stay, Workload } from '@coracle/simulator';
import { ReplayedJob } from './replayed-job.ts';
import { nameOf, priorityClassOf } from './manifests.ts';

export interface ReplayOptions {
  /** May do all that is needed: an administrator's. */
  readonly client: Client;
  /** Times of submission are since it was asked first, after preparations. */
  readonly clock: Clock;
  readonly workload: Workload;
  /** Whose pods they are. */
  readonly schedulerName: string;
  /** Pods may evict others. */
  readonly preemption: boolean;
  readonly maintenance?: readonly Maintenance[] | undefined;
  /** Names of nodes of a pool, for maintenance. */
  readonly poolNodes?: ((pool: string) => readonly string[]) | undefined;
  /** Resolves when all that can happen by itself at this time has. */
  readonly idle: () => Promise<void>;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
  /** Ends, whatever still runs, when so much time has passed. */
  readonly untilMs?: number | undefined;
  /** Told now and then. */
  readonly progress?: ((state: { nowMs: number; jobs: number; ended: number }) => void) | undefined;
}

export interface Replayed {
  /** In the order of the starts. Times are since the start of the workload. */
  readonly stays: readonly Stay[];
  /** One a job, in the order of submission; NaN: it did not come to that. */
  readonly submitMs: readonly number[];
  readonly startMs: readonly number[];
  readonly endMs: readonly number[];
  readonly pods: number;
}

/** Resolves when nothing is left to happen: all that ends has ended, and what waits finds no place. */
export async function replay(options: ReplayOptions): Promise<Replayed> {
  const { client, clock, workload, signal, logger } = options;
  const jobs = [...workload.jobs()];
  const namespaces = await prepare(client, jobs, options);
  const informers = createInformerFactory({ client, clock, logger });
  const replayed = new Replay(jobs, namespaces, options);
  const undo = await informers.informer(Pod).join({
    add: (pod) => replayed.seen(pod),
    update: (_before, pod) => replayed.seen(pod),
    delete: (pod) => replayed.gone(pod),
  });
  try {
    await informers.start();
    await informers.informer(Pod).ready();
    await options.idle();
    await replayed.run(signal);
    return replayed.result();
  } finally {
    undo();
    await informers.stop();
  }
}

/** Makes what the pods need. Answers the namespace of each tenant. */
async function prepare(
  client: Client,
  jobs: readonly Job[],
  { preemption, clock }: ReplayOptions,
): Promise<ReadonlyMap<string, string>> {
  const namespaces = new Map<string, string>();
  const classes = new Set<string>();
  const taken = new Set<string>();
  for (const job of jobs) {
    const priorityClass = priorityClassOf(job, preemption);
    if (priorityClass && !classes.has(priorityClass.metadata!.name!)) {
      classes.add(priorityClass.metadata!.name!);
      await unlessThere(client.create(PriorityClass, priorityClass));
    }
    if (namespaces.has(job.tenant)) continue;
    const base = nameOf(job.tenant).slice(0, 50);
    let name = base;
    for (let i = 2; taken.has(name); i++) name = `${base}-${i}`;
    taken.add(name);
    namespaces.set(job.tenant, name);
    await unlessThere(client.create(Namespace, { metadata: { name } }));
  }
  for (const namespace of taken) {
    while ((await client.list(ServiceAccount, { namespace, limit: 1 })).items.length === 0)
      await sleep(clock, 20);
  }
  return namespaces;
}

async function unlessThere(made: Promise<unknown>): Promise<void> {
  try {
    await made;
  } catch (error) {
    if (!isReason(error, 'AlreadyExists')) throw error;
  }
}

class Replay {
  readonly #options: ReplayOptions;
  readonly #jobs: readonly ReplayedJob[];
  readonly #byPod = new Map<string, ReplayedJob>();
  readonly #stays: { job: number; fromMs: number; toMs: number; nodes: readonly string[] }[] = [];
  #zeroMs = 0;
  /** Timers of this replay that have not fired, and writes under way. */
  #left = 0;
  #pods = 0;
  #over: (() => void) | undefined;
  #failed: ((error: unknown) => void) | undefined;
  #looking = false;

  constructor(jobs: readonly Job[], namespaces: ReadonlyMap<string, string>, options: ReplayOptions) {
    this.#options = options;
    this.#jobs = jobs.map((job, index) => new ReplayedJob(job, index, namespaces.get(job.tenant)!));
  }

  async run(signal: AbortSignal | undefined): Promise<void> {
    const { clock, maintenance = [], poolNodes, untilMs } = this.#options;
    // Whole seconds, which the API has its times in, begin together on both sides.
    this.#zeroMs = Math.ceil(clock.now() / 1000) * 1000;
    const cancels: (() => void)[] = [];
    const at = (ms: number, act: () => Promise<void>): void => {
      this.#left++;
      cancels.push(clock.after(this.#zeroMs + ms - clock.now(), () => void this.#act(act)));
    };
    const over = new Promise<void>((resolve, reject) => {
      this.#over = resolve;
      this.#failed = reject;
    });
    for (const job of this.#jobs) at(job.job.submitMs, () => this.#make(job));
    for (const { fromMs, toMs, nodes, mode } of maintenance) {
      const names = 'pool' in nodes ? (poolNodes?.(nodes.pool) ?? []) : nodes;
      at(fromMs, () => this.#cordon(names, true, mode === 'drain'));
      at(toMs, () => this.#cordon(names, false, false));
    }
    if (untilMs !== undefined)
      cancels.push(clock.after(this.#zeroMs + untilMs - clock.now(), () => this.#over!()));
    signal?.addEventListener('abort', () => this.#over!(), { once: true });
    if (signal?.aborted) this.#over!();
    this.#look();
    try {
      await over;
    } finally {
      for (const cancel of cancels) cancel();
    }
  }

  get #nowMs(): number {
    return this.#options.clock.now() - this.#zeroMs;
  }

  async #act(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.#failed!(error);
    }
    this.#left--;
    this.#look();
  }

  /** Over when nothing of ours is to come, nothing runs that will end, and the cluster has nothing left to do. */
  #look(): void {
    if (this.#looking || !this.#resting()) return;
    this.#looking = true;
    void this.#options.idle().then(() => {
      this.#looking = false;
      if (this.#resting()) this.#over!();
    });
  }
  #resting(): boolean {
    return this.#left === 0 && !this.#jobs.some((job) => job.moving);
  }

  async #make(job: ReplayedJob): Promise<void> {
    const { client, schedulerName, preemption } = this.#options;
    if (Number.isNaN(job.submitMs)) job.submitMs = this.#nowMs;
    const { namespace } = job;
    const { group, pods } = job.begin(schedulerName, preemption);
    if (group) await client.create(PodGroup, group, { namespace });
    this.#pods += pods.length;
    for (const pod of pods) this.#byPod.set(`${namespace}/${pod.metadata!.name!}`, job);
    await Promise.all(pods.map((pod) => client.create(Pod, pod, { namespace })));
  }

  seen(pod: Pod): void {
    const job = this.#jobOf(pod);
    if (!job) return;
    const nowMs = this.#nowMs;
    if (job.placed(pod)) {
      job.stay = this.#stays.length;
      this.#stays.push({ job: job.index, fromMs: nowMs, toMs: NaN, nodes: job.nodes });
      if (Number.isNaN(job.startMs)) job.startMs = nowMs;
      job.startedMs = nowMs;
    }
    if (job.ended(pod)) {
      this.#leave(job, nowMs);
      job.endMs = nowMs;
      const { progress } = this.#options;
      if (progress)
        progress({ nowMs, jobs: this.#jobs.length, ended: this.#jobs.filter((j) => j.over).length });
    }
    this.#look();
  }

  /** It was evicted: its job begins anew when all its pods are gone. */
  gone(pod: Pod): void {
    const job = this.#jobOf(pod);
    if (!job) return;
    this.#byPod.delete(keyOf(pod));
    if (job.over) return;
    const others = job.interrupted(pod, this.#nowMs);
    if (job.stay !== undefined) this.#leave(job, this.#nowMs);
    if (others === 'gone') {
      this.#left++;
      void this.#act(() => this.#make(job));
      return;
    }
    for (const name of others) {
      this.#left++;
      void this.#act(() => this.#delete(name, job.namespace));
    }
  }

  #leave(job: ReplayedJob, nowMs: number): void {
    this.#stays[job.stay!]!.toMs = nowMs;
    job.stay = undefined;
  }

  #jobOf(pod: Pod): ReplayedJob | undefined {
    return this.#byPod.get(keyOf(pod));
  }

  async #delete(name: string, namespace: string): Promise<void> {
    try {
      await this.#options.client.delete(Pod, name, { namespace });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }

  async #cordon(nodes: readonly string[], unschedulable: boolean, drain: boolean): Promise<void> {
    const { client } = this.#options;
    for (const name of nodes)
      await client.patch(Node, name, 'merge', { spec: { unschedulable: unschedulable || null } });
    if (!drain) return;
    const where = new Set(nodes);
    const leaving = this.#jobs.flatMap((job) => job.podsOn(where).map((name) => ({ name, job })));
    await Promise.all(leaving.map(({ name, job }) => this.#delete(name, job.namespace)));
  }

  result(): Replayed {
    const jobs = this.#jobs;
    return {
      stays: this.#stays,
      submitMs: jobs.map((job) => job.submitMs),
      startMs: jobs.map((job) => job.startMs),
      endMs: jobs.map((job) => job.endMs),
      pods: this.#pods,
    };
  }
}

const keyOf = ({ metadata }: Pod): string => `${metadata.namespace ?? ''}/${metadata.name}`;
