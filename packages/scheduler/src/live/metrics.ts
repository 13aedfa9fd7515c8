/**
 * What a scheduler counts and times, in Prometheus' text format and under kube-scheduler's names, so that its dashboards and
 * alerts work. One object serves all schedulers of a process, one after the other.
 */
export interface SchedulerMetricsOptions {
  /** Milliseconds of a clock that only goes forward; for durations. */
  readonly elapsed: () => number;
}

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

/** What the metrics ask the scheduler for when they are read. */
export interface SchedulerState {
  readonly active: number;
  readonly backoff: number;
  readonly unschedulable: number;
  readonly held: number;
  readonly nodes: number;
  readonly pods: number;
  readonly assumed: number;
}

interface Histogram {
  readonly counts: number[];
  sum: number;
  total: number;
}

interface Attempt {
  readonly profile: string;
  readonly began: number;
  /** When it came into the queue, by `elapsed`. */
  readonly queued: number;
  readonly attempts: number;
}

const powers = (start: number, count: number): readonly number[] =>
  Array.from({ length: count }, (_, i) => Number((start * 2 ** i).toPrecision(12)));

/** Upper bounds, as upstream has them. */
const buckets = {
  scheduler_scheduling_attempt_duration_seconds: powers(0.001, 15),
  scheduler_scheduling_algorithm_duration_seconds: powers(0.001, 15),
  scheduler_pod_scheduling_sli_duration_seconds: powers(0.01, 20),
  scheduler_pod_scheduling_attempts: powers(1, 5),
  scheduler_preemption_victims: powers(1, 7),
} as const;
type HistogramName = keyof typeof buckets;

const help: Readonly<Record<string, string>> = {
  scheduler_pending_pods: 'Pods, or gangs of pods, that wait, by the queue they wait in.',
  scheduler_schedule_attempts_total: 'Attempts to schedule pods, by what came of them.',
  scheduler_scheduling_attempt_duration_seconds: 'Time of an attempt, its binding counted in.',
  scheduler_scheduling_algorithm_duration_seconds: 'Time of a decision.',
  scheduler_pod_scheduling_sli_duration_seconds: 'Time from the queue to the node.',
  scheduler_pod_scheduling_attempts: 'Attempts it took to schedule a pod.',
  scheduler_preemption_attempts_total: 'Times somebody was to be evicted for a pod or a gang.',
  scheduler_preemption_victims: 'Pods evicted at a time.',
  scheduler_cache_size: 'Nodes, pods and assumed pods in the snapshot.',
  leader_election_master_status: '1 while this process leads.',
};

export class SchedulerMetrics {
  /** See SchedulerMetricsOptions. */
  readonly elapsed: () => number;
  /** Asked when the metrics are read; undefined while no scheduler runs. */
  state: (() => SchedulerState) | undefined;
  /** The lease and whether it is held; undefined without leader election. */
  leader: { readonly name: string; holds(): boolean } | undefined;
  readonly #attempts = new Map<string, number>();
  readonly #histograms = new Map<HistogramName, Map<string, Histogram>>();
  readonly #binding = new Map<string, Attempt>();
  #preemptions = 0;

  constructor(options: SchedulerMetricsOptions) {
    this.elapsed = options.elapsed;
  }

  /** A decision that began at `began` (by `elapsed`) is over: `pods` pods wait on. */
  unplaced(profile: string, result: 'unschedulable' | 'error', began: number, pods = 1): void {
    const seconds = (this.elapsed() - began) / 1000;
    this.#decided(seconds);
    for (let i = 0; i < pods; i++) this.#attempted(profile, result, seconds);
  }

  /** Pods have a node each and are about to be bound. `queued`: when they came into the queue, by `elapsed`. */
  placed(uids: readonly string[], attempt: Attempt): void {
    this.#decided((this.elapsed() - attempt.began) / 1000);
    for (const uid of uids) this.#binding.set(uid, attempt);
  }

  /** The binding of a pod has its answer. */
  bound(uid: string, result: 'scheduled' | 'error' | undefined): void {
    const attempt = this.#binding.get(uid);
    if (!attempt) return;
    this.#binding.delete(uid);
    if (!result) return;
    const now = this.elapsed();
    this.#attempted(attempt.profile, result, (now - attempt.began) / 1000);
    if (result !== 'scheduled') return;
    const label = `attempts="${attempt.attempts > 15 ? '16+' : attempt.attempts}"`;
    this.#observe(
      'scheduler_pod_scheduling_sli_duration_seconds',
      label,
      Math.max(0, now - attempt.queued) / 1000,
    );
    this.#observe('scheduler_pod_scheduling_attempts', '', attempt.attempts);
  }

  /** So many pods are evicted for one that waits. */
  preempting(victims: number): void {
    this.#preemptions++;
    this.#observe('scheduler_preemption_victims', '', victims);
  }

  /** The scheduler has ended: what was on its way is not followed any more. */
  ended(): void {
    this.state = undefined;
    this.#binding.clear();
  }

  /** The document at `/metrics`. */
  text(): string {
    const lines: string[] = [];
    const begin = (name: string, type: string): void =>
      void lines.push(`# HELP ${name} ${help[name]}`, `# TYPE ${name} ${type}`);
    const state = this.state?.();
    begin('scheduler_pending_pods', 'gauge');
    const queues = {
      active: 'active',
      backoff: 'backoff',
      unschedulable: 'unschedulable',
      held: 'gated',
    } as const;
    for (const [key, queue] of Object.entries(queues))
      lines.push(`scheduler_pending_pods{queue="${queue}"} ${state?.[key as keyof typeof queues] ?? 0}`);
    begin('scheduler_cache_size', 'gauge');
    for (const [key, type] of [
      ['nodes', 'nodes'],
      ['pods', 'pods'],
      ['assumed', 'assumed_pods'],
    ] as const)
      lines.push(`scheduler_cache_size{type="${type}"} ${state?.[key] ?? 0}`);
    begin('scheduler_schedule_attempts_total', 'counter');
    for (const [labels, count] of this.#attempts)
      lines.push(`scheduler_schedule_attempts_total{${labels}} ${count}`);
    begin('scheduler_preemption_attempts_total', 'counter');
    lines.push(`scheduler_preemption_attempts_total ${this.#preemptions}`);
    for (const name of Object.keys(buckets) as HistogramName[]) {
      begin(name, 'histogram');
      for (const [labels, histogram] of this.#histograms.get(name) ?? [])
        lines.push(...histogramLines(name, labels, histogram));
    }
    if (this.leader) {
      begin('leader_election_master_status', 'gauge');
      lines.push(
        `leader_election_master_status{name="${escape(this.leader.name)}"} ${this.leader.holds() ? 1 : 0}`,
      );
    }
    return `${lines.join('\n')}\n`;
  }

  #decided(seconds: number): void {
    this.#observe('scheduler_scheduling_algorithm_duration_seconds', '', seconds);
  }

  #attempted(profile: string, result: AttemptResult, seconds: number): void {
    const labels = `profile="${escape(profile)}",result="${result}"`;
    this.#attempts.set(labels, (this.#attempts.get(labels) ?? 0) + 1);
    this.#observe('scheduler_scheduling_attempt_duration_seconds', labels, seconds);
  }

  #observe(name: HistogramName, labels: string, value: number): void {
    let series = this.#histograms.get(name);
    if (!series) this.#histograms.set(name, (series = new Map()));
    let histogram = series.get(labels);
    if (!histogram)
      series.set(labels, (histogram = { counts: buckets[name].map(() => 0), sum: 0, total: 0 }));
    const index = buckets[name].findIndex((bound) => value <= bound);
    if (index >= 0) histogram.counts[index]!++;
    histogram.sum += value;
    histogram.total++;
  }
}

function histogramLines(name: HistogramName, labels: string, { counts, sum, total }: Histogram): string[] {
  const more = labels ? `${labels},` : '';
  const own = labels ? `{${labels}}` : '';
  let running = 0;
  return [
    ...buckets[name].map((bound, i) => `${name}_bucket{${more}le="${bound}"} ${(running += counts[i]!)}`),
    `${name}_bucket{${more}le="+Inf"} ${total}`,
    `${name}_sum${own} ${sum}`,
    `${name}_count${own} ${total}`,
  ];
}

function escape(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
