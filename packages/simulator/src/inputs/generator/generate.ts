/** Makes workloads: seeded, one job after the other, however many there are. The same settings and seed give the same jobs. */
import type { Job, PodSet, Workload } from '../../model/job.ts';
import { Shapes } from '../pod-shape.ts';
import { Settings } from '../settings.ts';
import { arrivalSettings, arrivalsOf } from './arrivals.ts';
import { lengthSettings, lengthsOf } from './lengths.ts';
import { Random, Weighted } from './random.ts';

/**
 * All of it may be left out; lengths of time are texts such as `90s`. docs/simulator.md and the scenario schema say each setting.
 */
export interface GeneratorSettings {
  readonly name?: string;
  /** How many. Default 1,000. */
  readonly jobs?: number;
  /** None comes after so long. */
  readonly for?: string;
  readonly seed?: number;
  readonly arrivals?: {
    readonly process?: 'poisson' | 'gamma' | 'diurnal' | 'fixed' | 'at-once';
    /** In the mean. Default 60. */
    readonly perHour?: number;
    /** The mean interval, instead of `perHour`. */
    readonly every?: string;
    /** Instead of both: what comes is this part of so many `cards`, in the mean. */
    readonly load?: number;
    readonly cards?: number;
    /** Of the intervals of `gamma`: deviation by mean. Default 3. */
    readonly cv?: number;
    /** Of `diurnal`: 24 and 7 weights, the week from Monday 0:00, and the hour of the week at which time 0 is. */
    readonly hours?: readonly number[];
    readonly days?: readonly number[];
    readonly startHour?: number;
  };
  readonly sizes?: readonly {
    readonly weight?: number;
    readonly pods?: number;
    /** Of each pod: cores, GiB, cards, thousandths of each card, models that will do. */
    readonly cpu?: number;
    readonly memory?: number;
    readonly gpus?: number;
    readonly gpuMilli?: number;
    readonly models?: readonly string[];
  }[];
  readonly lengths?: {
    readonly distribution?: 'lognormal' | 'weibull' | 'pareto' | 'fixed' | 'quantiles';
    readonly median?: string;
    readonly sigma?: number;
    readonly scale?: string;
    readonly shape?: number;
    readonly min?: string;
    readonly max?: string;
    readonly value?: string;
    readonly quantiles?: readonly { readonly part: number; readonly length: string }[];
  };
  readonly tenants?: {
    /** Default 10. */
    readonly count?: number;
    /** The k-th has a weight of 1/k^zipf. Default 1. */
    readonly zipf?: number;
    /** By name, instead of both. */
    readonly weights?: Readonly<Record<string, number>>;
  };
  /** What owners say of their jobs' lengths: the true one times a number between `min` and `max`. */
  readonly estimates?: { readonly min?: number; readonly max?: number };
  readonly priorities?: readonly { readonly value: number; readonly weight?: number }[];
  /** Parts of the jobs that end so. */
  readonly outcomes?: { readonly failed?: number; readonly cancelled?: number };
  /** What each start costs. */
  readonly start?: string;
  /** Work is saved each time a job has run so long. */
  readonly checkpoint?: string;
}

/**
 * Cards of the 5,755 jobs of Muri's trace2, which was made from Philly's log: one card 41 %, 8 cards 32 %, 4 cards 16 %. Cores
 * and memory are those of an eighth of a node of 96 cores and 1 TiB for each card.
 */
const defaultSizes = [
  { weight: 2335, gpus: 1, cpu: 10, memory: 100 },
  { weight: 171, gpus: 2, cpu: 20, memory: 200 },
  { weight: 937, gpus: 4, cpu: 40, memory: 400 },
  { weight: 1825, gpus: 8, cpu: 80, memory: 800 },
  { weight: 424, pods: 2, gpus: 8, cpu: 80, memory: 800 },
  { weight: 63, pods: 4, gpus: 8, cpu: 80, memory: 800 },
];

const known = [
  'name',
  'jobs',
  'for',
  'seed',
  'arrivals',
  'sizes',
  'lengths',
  'tenants',
  'estimates',
  'priorities',
  'outcomes',
  'start',
  'checkpoint',
] as const;
const sizeSettings = ['weight', 'pods', 'cpu', 'memory', 'gpus', 'gpuMilli', 'models'] as const;

/**
 * The workload that the settings (as GeneratorSettings says, but not yet checked) describe. Throws InputError, whose file is
 * `where`, for what they get wrong.
 */
export function generate(settings: GeneratorSettings | unknown = {}, where = 'generate'): Workload {
  const all = new Settings(where, settings, known);
  const count = all.number('jobs', all.has('for') ? Infinity : 1000, { min: 0, whole: true });
  const forMs = all.duration('for', Infinity);
  const seed = all.number('seed', 1, { whole: true });
  const sizes = sizesOf(all);
  const lengths = lengthsOf(all.object('lengths', lengthSettings));
  const arrivals = arrivalsOf(all.object('arrivals', arrivalSettings), sizes.meanCards * lengths.meanMs);
  const process = all.object('arrivals', arrivalSettings)?.text('process', undefined);
  if (process === 'at-once' && count === Infinity)
    throw all.error('jobs', 'is missing: all at once never ends');
  const tenants = tenantsOf(all);
  const estimate = estimatesOf(all);
  const priorities = prioritiesOf(all);
  const outcome = outcomesOf(all);
  const startMs = all.duration('start', undefined);
  const checkpointMs = all.duration('checkpoint', undefined);
  const rest = {
    ...(startMs === undefined ? {} : { startMs }),
    ...(checkpointMs === undefined ? {} : { checkpointMs }),
  };

  function* jobs(): Generator<Job, void, undefined> {
    const stream = (purpose: string): Random => new Random(seed, purpose);
    const size = stream('size');
    const length = stream('length');
    const tenant = stream('tenant');
    const guess = stream('estimate');
    const rank = stream('priority');
    const end = stream('outcome');
    let made = 0;
    if (count === 0) return;
    for (const submitMs of arrivals.times(stream('arrival'))) {
      if (submitMs > forMs) return;
      made += 1;
      const runMs = lengths.draw(length);
      const priority = priorities?.(rank);
      const ends = outcome?.(end);
      yield {
        id: `job-${made}`,
        tenant: tenants(tenant),
        submitMs,
        podSets: sizes.draw(size),
        runMs,
        ...(estimate ? { estimateMs: runMs * estimate(guess) } : {}),
        ...(priority === undefined ? {} : { priority }),
        ...(ends === undefined ? {} : { ends }),
        ...rest,
      };
      if (made >= count) return;
    }
  }
  return {
    name: all.text('name', undefined) ?? `generated (seed ${seed})`,
    jobs: () => ({ [Symbol.iterator]: jobs }),
    ...(count < Infinity && forMs === Infinity ? { count } : {}),
    notes: [],
  };
}

function sizesOf(all: Settings): { draw: (random: Random) => readonly PodSet[]; meanCards: number } {
  const given =
    all.objects('sizes', sizeSettings) ??
    defaultSizes.map((size) => new Settings('defaults', size, sizeSettings));
  if (given.length === 0) throw all.error('sizes', 'is empty');
  const shapes = new Shapes();
  const weights = given.map((size) => size.number('weight', 1, { min: 0 }));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0)) throw all.error('sizes', 'have no weight');
  let meanCards = 0;
  const sets = given.map((size, i) => {
    const pods = size.number('pods', 1, { min: 1, whole: true });
    const gpus = size.number('gpus', 0, { min: 0, max: 64, whole: true });
    const gpuMilli = size.number('gpuMilli', 1000, { min: 1, max: 1000, whole: true });
    meanCards += (weights[i]! / total) * pods * gpus * (gpuMilli / 1000);
    const models = size.texts('models');
    return shapes.pods(pods, {
      cpuMilli: Math.round(size.number('cpu', 0, { min: 0 }) * 1000),
      memoryMib: Math.round(size.number('memory', 0, { min: 0 }) * 1024),
      gpus,
      gpuMilli,
      ...(models ? { models } : {}),
    });
  });
  const weighted = new Weighted(weights);
  return { draw: (random) => sets[weighted.draw(random)]!, meanCards };
}

function tenantsOf(all: Settings): (random: Random) => string {
  const settings = all.object('tenants', ['count', 'zipf', 'weights']);
  const given = settings?.raw('weights');
  let names: readonly string[];
  let weights: readonly number[];
  if (settings && given !== undefined) {
    if (settings.has('count') || settings.has('zipf'))
      throw settings.error('weights', 'stands beside count or zipf');
    names = Object.keys(given as object);
    const inner = new Settings('generate', given, names, 'tenants.weights');
    weights = names.map((name) => inner.number(name, 0, { min: 0 }));
    if (!weights.some((weight) => weight > 0)) throw settings.error('weights', 'must have one above 0');
  } else {
    const count = settings?.number('count', 10, { min: 1, max: 1e6, whole: true }) ?? 10;
    const zipf = settings?.number('zipf', 1, { min: 0, max: 10 }) ?? 1;
    names = Array.from({ length: count }, (_, i) => `tenant-${i + 1}`);
    weights = names.map((_, i) => (i + 1) ** -zipf);
  }
  const weighted = new Weighted(weights);
  return (random) => names[weighted.draw(random)]!;
}

function estimatesOf(all: Settings): ((random: Random) => number) | undefined {
  const settings = all.object('estimates', ['min', 'max']);
  if (!settings) return undefined;
  const min = settings.number('min', 1, { min: 0.001 });
  const max = settings.number('max', Math.max(min, 5), { min: 0.001 });
  if (max < min) throw settings.error('max', 'is less than min');
  return (random) => min + (max - min) * random.uniform();
}

function prioritiesOf(all: Settings): ((random: Random) => number) | undefined {
  const given = all.objects('priorities', ['value', 'weight']);
  if (!given || given.length === 0) return undefined;
  const values = given.map((one) => one.number('value', 0, { whole: true }));
  const weights = given.map((one) => one.number('weight', 1, { min: 0 }));
  if (!weights.some((weight) => weight > 0)) throw all.error('priorities', 'have no weight');
  const weighted = new Weighted(weights);
  return (random) => values[weighted.draw(random)]!;
}

function outcomesOf(all: Settings): ((random: Random) => 'failed' | 'cancelled' | undefined) | undefined {
  const settings = all.object('outcomes', ['failed', 'cancelled']);
  if (!settings) return undefined;
  const failed = settings.number('failed', 0, { min: 0, max: 1 });
  const cancelled = settings.number('cancelled', 0, { min: 0, max: 1 });
  if (failed + cancelled > 1) throw settings.error('cancelled', 'and failed are more than all');
  return (random) => {
    const at = random.uniform();
    return at < failed ? 'failed' : at < failed + cancelled ? 'cancelled' : undefined;
  };
}
