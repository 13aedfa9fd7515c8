/**
 * The training-job experiment of Muri (SIGCOMM'22), slow and obvious, as its rules are known: an independent check of what
 * the simulator's engine and ordering policies say. It shares no code with them. Times are seconds.
 *
 * At every arrival and end all jobs are put in order and given places anew, from an empty cluster. The work of a job since
 * the last event counts but for the overhead of its model; the event at which it ends comes without it.
 */
export interface ReferenceJob {
  readonly gpus: number;
  readonly submit: number;
  /** Work, in seconds. */
  readonly work: number;
  readonly iterations: number;
  readonly overhead: number;
}

export type ReferencePolicy = 'srtf' | 'srsf' | 'tiresias' | 'themis';

interface State {
  readonly job: ReferenceJob;
  left: number;
  running: boolean;
  /** Time it has had cards. */
  held: number;
  queue: number;
  /** Themis. */
  stepsBefore: number | undefined;
  shareBefore: number;
  isolated: number;
  share: number;
  due: number;
}

const limits = [3250, 7200];
/** Seconds of cards that rounding may leave. */
const dust = 1e-6;
const nodes = 8;
const cards = 8;

/** Ends of the jobs, in their order. */
export function runReference(jobs: readonly ReferenceJob[], policy: ReferencePolicy): number[] {
  const ends = jobs.map(() => NaN);
  const todo = jobs.map((job, index) => ({ job, index })).toSorted((a, b) => a.job.submit - b.job.submit);
  let active: (State & { index: number })[] = [];
  const queues: State[][] = [[], [], []];
  let now = 0;
  let last = 0;
  for (;;) {
    const end = Math.min(...active.filter((s) => s.running).map((s) => now + s.left), Infinity);
    const jump = policy === 'tiresias' ? nextJump(active, now) : Infinity;
    const arrival = todo[0]?.job.submit ?? Infinity;
    const next = Math.min(end, arrival, jump);
    if (next === Infinity) return ends;
    const ended = next === end ? active.filter((s) => s.running && now + s.left === end) : [];
    for (const state of ended) {
      ends[state.index] = next;
      queues[state.queue]!.splice(queues[state.queue]!.indexOf(state), 1);
    }
    active = active.filter((s) => !ended.includes(s));
    for (const state of active) {
      if (!state.running) continue;
      state.left -= Math.max(0, next - now - state.job.overhead);
      state.held += next - now;
    }
    last = now;
    now = next;
    while (todo[0]?.job.submit === now) {
      const { job, index } = todo.shift()!;
      const state = {
        job,
        index,
        left: job.work,
        running: false,
        held: 0,
        queue: 0,
        stepsBefore: undefined,
        shareBefore: 0,
        isolated: 0,
        share: 0,
        due: 0,
      };
      active.push(state);
      queues[0]!.push(state);
    }
    if (policy === 'tiresias') tiresias(active, queues);
    else if (policy === 'themis') themis(active, now, now - last);
    else {
      const size = (s: State): number => s.left * (policy === 'srsf' ? s.job.gpus : 1);
      active.sort((a, b) => size(a) - size(b));
      place(active);
    }
  }
}

/** First fit, from an empty cluster. */
function place(order: readonly State[]): void {
  const free = Array.from({ length: nodes }, () => cards);
  for (const state of order) {
    const { gpus } = state.job;
    const each = Math.min(gpus, cards);
    const fitting = free
      .keys()
      .filter((n) => free[n]! >= each)
      .take(gpus / each)
      .toArray();
    state.running = fitting.length === gpus / each;
    if (state.running) for (const n of fitting) free[n]! -= each;
  }
}

function nextJump(active: readonly State[], now: number): number {
  let next = Infinity;
  for (const { running, queue, held, job } of active) {
    if (running && queue < 2) next = Math.min(next, Math.ceil(limits[queue]! / job.gpus) - held + now);
  }
  return next;
}

function tiresias(active: readonly State[], queues: State[][]): void {
  for (const state of active) {
    if (!state.running || state.queue >= 2 || state.held * state.job.gpus < limits[state.queue]! - dust)
      continue;
    queues[state.queue]!.splice(queues[state.queue]!.indexOf(state), 1);
    queues[++state.queue]!.push(state);
  }
  let free = nodes * cards;
  for (const [i, queue] of queues.entries()) {
    for (const state of queue) {
      state.running = state.job.gpus <= free;
      if (state.running) free -= state.job.gpus;
    }
    queues[i] = [...queue.filter((s) => s.running), ...queue.filter((s) => !s.running)];
  }
}

function themis(active: State[], now: number, passed: number): void {
  const total = nodes * cards;
  const part = Math.ceil(total / active.length);
  const elapsed: number[] = [];
  const alone: number[] = [];
  for (const state of active) {
    const { job } = state;
    const steps = (state.left / job.work) * job.iterations;
    if (state.stepsBefore !== undefined) state.isolated += (state.stepsBefore - steps) / state.shareBefore;
    const share = part / job.gpus;
    state.shareBefore = share / Math.max(1, share);
    state.stepsBefore = steps;
    elapsed.push(now - job.submit);
    alone.push(state.isolated + steps / state.shareBefore);
  }
  const shares = (ratio: number): number[] =>
    active.map((s, i) => {
      const time = ratio * alone[i]! - elapsed[i]!;
      return time > s.left ? s.left / time : 1;
    });
  const asked = (ratio: number): number =>
    shares(ratio).reduce((sum, share, i) => sum + share * active[i]!.job.gpus, 0);
  let low = 0;
  let high = 1;
  while (asked(high) > total) high *= 2;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (asked(middle) <= total) high = middle;
    else low = middle;
  }
  const x = shares(high);
  active.forEach((state, i) => {
    state.share = x[i]!;
  });
  const value = (s: State): number => (s.held === 0 ? s.share * 1e9 : s.share / s.held);
  const rank = new Map(active.map((s) => [s, { value: value(s), deficit: s.due - s.held }]));
  for (const s of active) s.due += s.share * passed;
  active.sort((a, b) => {
    const [ra, rb] = [rank.get(a)!, rank.get(b)!];
    return rb.value - ra.value || rb.deficit - ra.deficit || b.share - a.share;
  });
  place(active);
  const chosen = active.filter((s) => s.running);
  active.sort((a, b) => b.job.gpus - a.job.gpus);
  place(active.filter((s) => chosen.includes(s)));
}
