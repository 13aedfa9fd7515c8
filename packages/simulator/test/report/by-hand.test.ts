/** Every figure of a run that was worked out on paper. */
import { expect, test } from 'vitest';
import { metrics, simulate, summarise } from '../../src/index.ts';
import { job, nodes, pods, second, spec } from '../engine/helpers.ts';

/*
 * Two nodes of 4 cards; the first is drained from 60 s to 80 s. First come, first served.
 *
 *   n0  aaaaaaaaaaaa|....|aaaaaaaaaaaaaaaa      a: 4 cards, 100 s, a start of 10 s, checkpoints every 30 s
 *       0          60   80             160        at 60 s: 50 s of work done, 30 kept; again at 80 s, the other 70 s until 160 s
 *   n1  bbbbbbbbbbcccccccc                      b: 3 cards, 50 s
 *       0        50     90                      c: 4 cards, 40 s, comes at 20 s
 */
const run = simulate(
  spec(
    nodes(2, 4),
    [
      job('a', 0, 100 * second, pods(1, 4), { tenant: 'x', startMs: 10 * second, checkpointMs: 30 * second }),
      job('b', 0, 50 * second, pods(1, 3), { tenant: 'y' }),
      job('c', 20 * second, 40 * second, pods(1, 4), { tenant: 'y' }),
    ],
    {
      ties: 'first',
      maintenance: [{ fromMs: 60 * second, toMs: 80 * second, nodes: ['n0'], mode: 'drain' }],
      points: { series: 4000 },
    },
  ),
);

const cardSeconds = 8 * 160;
const held = 4 * (60 + 80) + 3 * 50 + 4 * 40;
const useful = 4 * 100 + 3 * 50 + 4 * 40;
const slowdowns = { a: 160 / 110, b: 1, c: 70 / 40 };
const tenants = [slowdowns.a, (slowdowns.b + slowdowns.c) / 2] as const;

const onPaper: Record<(typeof metrics)[number]['key'], number> = {
  // a waits 20 s, after it was interrupted; c 30 s.
  meanWait: (50 / 3) * second,
  p50Wait: 20 * second,
  p90Wait: 28 * second,
  p95Wait: 29 * second,
  p99Wait: 29.8 * second,
  meanQueue: 50 / 160,
  maxQueue: 1,
  meanCompletion: ((160 + 50 + 70) / 3) * second,
  p50Completion: 70 * second,
  p90Completion: (70 + 0.8 * 90) * second,
  p95Completion: (70 + 0.9 * 90) * second,
  p99Completion: (70 + 0.98 * 90) * second,
  meanSlowdown: (slowdowns.a + slowdowns.b + slowdowns.c) / 3,
  p95Slowdown: slowdowns.a + 0.9 * (slowdowns.c - slowdowns.a),
  makespan: 160 * second,
  allocation: held / cardSeconds,
  utilisation: useful / cardSeconds,
  goodput: useful / held,
  // Beside b there is one card that nobody asks for: all ask for three or four.
  fragmentation: 50 / cardSeconds,
  // A core for each pod, of 128.
  coreAllocation: (60 + 80 + 50 + 40) / (128 * 160),
  placed: 1,
  hours: (4 * 110 + 3 * 50 + 4 * 40) / 3600,
  fairness: (tenants[0] + tenants[1]) ** 2 / (2 * (tenants[0] ** 2 + tenants[1] ** 2)),
  // In 4 cards of its own x takes 110 s; y would be no worse off than (50 + 57.5) s, and takes 50 + 70.
  worstFinishTime: 160 / 110,
  restarts: 1,
  // 20 s of work, and the second start.
  lostHours: (4 * (20 + 10)) / 3600,
  preemptions: 0,
  nodeFailures: 0,
  jobFailures: 0,
  jobs: 3,
  ended: 3,
  waiting: 0,
  dropped: 0,
  nodes: 2,
  // Three that come, three that end, and both ends of the drain.
  events: 8,
  decisions: NaN,
};

test.each(metrics.filter(({ key }) => key !== 'decisions'))(
  '$label is what was worked out on paper',
  ({ key }) => {
    expect(summarise(run).values[key] / (onPaper[key] || 1)).toBeCloseTo(onPaper[key] === 0 ? 0 : 1, 3);
  },
);
