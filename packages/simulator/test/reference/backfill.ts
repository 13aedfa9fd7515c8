/**
 * Backfill on one machine, slow and obvious, from its definitions (EASY: Lifka 1995; conservative: Mu'alem and Feitelson 2001):
 * an independent check of the simulator's plans. It shares no code with them. Times are whole numbers of any unit.
 */
export interface ReferenceJob {
  readonly submit: number;
  readonly run: number;
  /** At least 1. What runs longer is expected to end at once. */
  readonly estimate: number;
  readonly processors: number;
}

interface Running {
  readonly end: number;
  readonly expected: number;
  readonly processors: number;
}

/** Starts of the jobs, which are in the order of submission. */
export function backfillReference(
  mode: 'easy' | 'conservative',
  processors: number,
  jobs: readonly ReferenceJob[],
): number[] {
  const starts = jobs.map(() => NaN);
  let running: Running[] = [];
  let queue: number[] = [];
  let arrived = 0;
  for (;;) {
    const nextArrival = jobs[arrived]?.submit ?? Infinity;
    const now = Math.min(nextArrival, ...running.map(({ end }) => end));
    if (now === Infinity) return starts;
    running = running.filter(({ end }) => end > now);
    while (jobs[arrived]?.submit === now) queue.push(arrived++);
    const free = (): number => running.reduce((left, job) => left - job.processors, processors);
    const start = (index: number): void => {
      const job = jobs[index]!;
      starts[index] = now;
      running.push({ end: now + job.run, expected: now + job.estimate, processors: job.processors });
    };
    queue =
      mode === 'easy'
        ? easy(jobs, queue, now, () => running, free, start)
        : conservative(jobs, queue, now, () => running, free, start);
  }
}

type Pass = (
  jobs: readonly ReferenceJob[],
  queue: readonly number[],
  now: number,
  running: () => readonly Running[],
  free: () => number,
  start: (index: number) => void,
) => number[];

const easy: Pass = (jobs, queue, now, running, free, start) => {
  const left = [...queue];
  while (left.length > 0 && jobs[left[0]!]!.processors <= free()) start(left.shift()!);
  const first = left.shift();
  if (first === undefined) return [];
  const ends = running()
    .map((job) => ({ at: Math.max(now, job.expected), processors: job.processors }))
    .toSorted((a, b) => a.at - b.at);
  const freeAt = (time: number): number =>
    ends.reduce((sum, end) => sum + (end.at <= time ? end.processors : 0), free());
  const shadow = ends.find((end) => freeAt(end.at) >= jobs[first]!.processors)?.at ?? Infinity;
  let extra = shadow === Infinity ? Infinity : freeAt(shadow) - jobs[first]!.processors;
  const waiting = [first];
  for (const index of left) {
    const job = jobs[index]!;
    const ends_ = now + job.estimate <= shadow;
    if (job.processors > free() || (!ends_ && job.processors > extra)) {
      waiting.push(index);
      continue;
    }
    if (!ends_) extra -= job.processors;
    start(index);
  }
  return waiting;
};

/** What is free is written down for each unit of time from now on. */
const conservative: Pass = (jobs, queue, now, running, free, start) => {
  const horizon =
    Math.max(0, ...running().map((job) => job.expected - now)) +
    queue.reduce((sum, index) => sum + jobs[index]!.estimate, 0) +
    1;
  const all = free() + running().reduce((sum, job) => sum + job.processors, 0);
  const profile = Array.from({ length: horizon }, () => all);
  for (const job of running()) for (let t = 0; t < job.expected - now; t++) profile[t]! -= job.processors;
  const waiting: number[] = [];
  for (const index of queue) {
    const job = jobs[index]!;
    let at = 0;
    while (profile.slice(at, at + job.estimate).some((left) => left < job.processors)) at++;
    if (at === 0 && job.processors <= free()) start(index);
    else waiting.push(index);
    for (let t = at; t < at + job.estimate; t++) profile[t]! -= job.processors;
  }
  return waiting;
};
