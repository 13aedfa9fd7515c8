/** Results to make reports of, made by a small queue of its own: the engine has its own tests. */
import { seededRandom } from '@coracle/machinery';
import { outcomes, type RunResult } from '@coracle/simulator';

export interface SyntheticOptions {
  readonly jobs?: number;
  readonly nodes?: number;
  readonly seed?: number;
  readonly ordering?: string;
  readonly placement?: string;
  readonly cluster?: string;
  readonly workload?: string;
  readonly tenants?: readonly string[];
  /** How a job is called. */
  readonly id?: (index: number) => string;
  readonly days?: number;
  /** Stretches of the gantt chart at most. */
  readonly gantt?: number;
  readonly heatColumns?: number;
  /** Asked for against what there is. */
  readonly load?: number;
}

const random = (seed: number): (() => number) => seededRandom(`report ${seed}`);

const hourMs = 3_600_000;

/** Jobs of 1 to 8 cards on nodes of 8; shortest first if the ordering is `sjf`, else as submitted. */
export function synthetic(options: SyntheticOptions = {}): RunResult {
  const { jobs = 300, nodes = 12, seed = 1, ordering = 'fifo', days = 2, load = 1 } = options;
  const tenants = options.tenants ?? ['vision', 'speech', 'recsys'];
  const next = random(seed);
  const sizes = [1, 1, 1, 2, 4, 8];
  const spanMs = days * 24 * hourMs;
  const meanRunMs = (load * spanMs * nodes * 8) / (jobs * 2.83);
  const submitMs = Float64Array.from({ length: jobs }, () => next() * spanMs).sort();
  const size = Uint8Array.from({ length: jobs }, () => sizes[Math.floor(next() * sizes.length)]!);
  const runMs = Float64Array.from(
    { length: jobs },
    () => 30_000 - Math.log(1 - next()) * meanRunMs * (next() < 0.1 ? 4 : 0.66),
  );
  const tenant = Uint32Array.from({ length: jobs }, () => Math.floor(next() ** 2 * tenants.length));
  const free = new Uint8Array(nodes).fill(8);
  const startMs = new Float64Array(jobs).fill(Number.NaN);
  const endMs = new Float64Array(jobs).fill(Number.NaN);
  const on = new Int32Array(jobs).fill(-1);
  const running: number[] = [];
  const waiting: number[] = [];
  let [now, coming] = [0, 0];
  const length = 200;
  const stepMs = (spanMs * 1.5) / length;
  const columns = options.heatColumns ?? 100;
  const zeros = (): Float64Array => new Float64Array(length);
  const series = { used: zeros(), waiting: zeros(), running: zeros(), asked: zeros(), fragmented: zeros() };
  const heat = new Float64Array(nodes * columns);
  const heatStepMs = (spanMs * 1.5) / columns;
  const spread = (
    into: Float64Array,
    row: number,
    count: number,
    step: number,
    from: number,
    to: number,
    value: number,
  ): void => {
    for (let at = from; at < to;) {
      const column = Math.floor(at / step + 1e-9);
      if (column >= count) break;
      const until = Math.min(to, (column + 1) * step);
      into[row * count + column]! += (value * (until - at)) / step;
      at = Math.max(until, at + 1);
    }
  };
  while (coming < jobs || running.length > 0) {
    const arrival = coming < jobs ? submitMs[coming]! : Number.POSITIVE_INFINITY;
    const done = running.length > 0 ? endMs[running[0]!]! : Number.POSITIVE_INFINITY;
    now = Math.min(arrival, done);
    if (arrival <= done) waiting.push(coming++);
    else {
      const job = running.shift()!;
      free[on[job]!]! += size[job]!;
    }
    if (ordering === 'sjf') waiting.sort((a, b) => runMs[a]! - runMs[b]!);
    for (let index = 0; index < waiting.length;) {
      const job = waiting[index]!;
      const node = free.findIndex((cards) => cards >= size[job]!);
      if (node < 0) {
        if (ordering === 'fifo') break;
        index++;
        continue;
      }
      waiting.splice(index, 1);
      free[node]! -= size[job]!;
      on[job] = node;
      startMs[job] = now;
      endMs[job] = now + runMs[job]!;
      running.push(job);
      running.sort((a, b) => endMs[a]! - endMs[b]!);
    }
  }
  for (let job = 0; job < jobs; job++) {
    const [submit, start, end, cards] = [submitMs[job]!, startMs[job]!, endMs[job]!, size[job]!];
    spread(series.used, 0, length, stepMs, start, end, cards * 1000);
    spread(series.running, 0, length, stepMs, start, end, 1);
    spread(series.waiting, 0, length, stepMs, submit, start, 1);
    spread(series.asked, 0, length, stepMs, submit, start, cards * 1000);
    spread(heat, on[job]!, columns, heatStepMs, start, end, (cards / 8) * 100);
  }
  const shown = Math.min(jobs, options.gantt ?? 20_000);
  const up = zeros().fill(nodes * 8000);
  return {
    placement: options.placement ?? 'binpack',
    ordering,
    seed,
    cluster: options.cluster ?? `${nodes} x a100x8`,
    workload: options.workload ?? 'synthetic',
    endMs: now,
    jobs: {
      ids: Array.from({ length: jobs }, (_, index) => options.id?.(index) ?? `job-${index}`),
      tenants,
      tenant,
      submitMs,
      startMs,
      endMs,
      idealMs: runMs,
      waitMs: startMs.map((start, index) => start - submitMs[index]!),
      lostMs: Float64Array.from({ length: jobs }, (_, index) => (index % 50 === 0 ? runMs[index]! * 0.1 : 0)),
      gpuMilli: Float64Array.from(size, (cards) => cards * 1000),
      cpuMilli: Float64Array.from(size, (cards) => cards * 8000),
      pods: Uint32Array.from(size, () => 1),
      restarts: Uint32Array.from({ length: jobs }, (_, index) => (index % 50 === 0 ? 1 : 0)),
      outcome: new Uint8Array(jobs).fill(outcomes.indexOf('succeeded')),
    },
    series: {
      fromMs: 0,
      stepMs,
      length,
      gpuMilliUp: up,
      cpuMilliUp: up.map((value) => value * 8),
      nodesUp: zeros().fill(nodes),
      gpuMilliUsed: series.used,
      cpuMilliUsed: series.used.map((value) => value * 8),
      gpuMilliGood: series.used.map((value) => value * 0.93),
      cpuMilliGood: series.used.map((value) => value * 8 * 0.93),
      gpuMilliFragmented: series.used.map((value, index) => (up[index]! - value) * 0.3),
      jobsWaiting: series.waiting,
      jobsRunning: series.running,
      gpuMilliWaiting: series.asked,
      cpuMilliWaiting: series.asked.map((value) => value * 8),
    },
    heat: {
      nodes: Array.from({ length: nodes }, (_, index) => `node-${String(index).padStart(4, '0')}`),
      fromMs: 0,
      stepMs: heatStepMs,
      columns,
      percent: Uint8Array.from(heat, (value) => Math.min(100, Math.round(value))),
    },
    gantt: {
      job: Uint32Array.from({ length: shown }, (_, index) => index),
      node: Uint32Array.from(on.subarray(0, shown)),
      fromMs: startMs.slice(0, shown),
      toMs: endMs.slice(0, shown),
      gpuMilli: Float64Array.from(size.subarray(0, shown), (cards) => cards * 1000),
      cpuMilli: new Float64Array(shown),
      left: jobs - shown,
    },
    counts: {
      events: 2 * jobs,
      decisions: jobs,
      preemptions: 0,
      nodeFailures: 2,
      jobFailures: 0,
      nodesAdded: 0,
      nodesRemoved: 0,
    },
    unplaced: [],
  };
}
