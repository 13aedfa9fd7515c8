/** When generated jobs come. */
import type { Settings } from '../settings.ts';
import type { Random } from './random.ts';

export interface Arrivals {
  /** Times in milliseconds from 0 on, rising, without end. */
  times(random: Random): Iterable<number>;
}

export const arrivalKinds = ['poisson', 'gamma', 'diurnal', 'fixed', 'at-once'] as const;
export const arrivalSettings = [
  'process',
  'perHour',
  'every',
  'cv',
  'hours',
  'days',
  'load',
  'cards',
  'startHour',
] as const;

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const defaultPerHour = 60;

/**
 * How many come by hour of the day where nothing is said: two and a half times as many in the afternoon as at night, a plain
 * cosine with its peak at 15:00; and five working days with twice the jobs of a day of the weekend. An assumption, no measurement.
 */
const defaultHours = Array.from({ length: 24 }, (_, h) => 1 + 0.43 * Math.cos((2 * Math.PI * (h - 15)) / 24));
const defaultDays = [1, 1, 1, 1, 1, 0.5, 0.5];

/** `cardMs`: what a job takes of cards, in the mean, in card-milliseconds: for `load`. */
export function arrivalsOf(settings: Settings | undefined, cardMs: number): Arrivals {
  const kind = settings?.oneOf('process', arrivalKinds, 'poisson') ?? 'poisson';
  if (kind === 'at-once') return { times: atOnce };
  const meanMs = meanInterval(settings, cardMs);
  switch (kind) {
    case 'fixed':
      return { times: () => fixed(meanMs) };
    case 'gamma': {
      const cv = settings!.number('cv', 3, { min: 0.01, max: 100 });
      return { times: (random) => gamma(random, meanMs, cv) };
    }
    case 'diurnal': {
      const rates = weekOf(settings!);
      const start = settings!.number('startHour', 0, { min: 0, max: 167 }) * hourMs;
      return { times: (random) => thinned(random, meanMs, rates, start) };
    }
    default:
      return { times: (random) => poisson(random, meanMs) };
  }
}

function meanInterval(settings: Settings | undefined, cardMs: number): number {
  if (!settings) return hourMs / defaultPerHour;
  const given = ['perHour', 'every', 'load'].filter((name) => settings.has(name));
  if (given.length > 1)
    throw settings.error(given[1]!, `cannot stand beside ${given[0]}: one says how many come`);
  const every = settings.duration('every', undefined);
  if (every !== undefined) {
    if (every <= 0) throw settings.error('every', 'must be more than nothing');
    return every;
  }
  const load = settings.number('load', undefined, { min: 0.001, max: 100 });
  if (load !== undefined) {
    const cards = settings.number('cards', undefined, { min: 1 });
    if (cards === undefined) throw settings.error('cards', 'is missing: load is a part of so many cards');
    if (cardMs <= 0) throw settings.error('load', 'is a part of the cards, and no job asks for any');
    return cardMs / (load * cards);
  }
  return hourMs / settings.number('perHour', defaultPerHour, { min: 0.000_1, max: 1e9 });
}

function* atOnce(): Generator<number> {
  for (;;) yield 0;
}

function* fixed(meanMs: number): Generator<number> {
  for (let i = 0; ; i += 1) yield i * meanMs;
}

function* poisson(random: Random, meanMs: number): Generator<number> {
  for (let now = random.exponential() * meanMs; ; now += random.exponential() * meanMs) yield now;
}

/** Intervals of a gamma distribution: `cv` 1 is Poisson, more comes in bursts. */
function* gamma(random: Random, meanMs: number, cv: number): Generator<number> {
  const shape = 1 / (cv * cv);
  const scale = meanMs / shape;
  for (let now = random.gamma(shape) * scale; ; now += random.gamma(shape) * scale) yield now;
}

/** The rate of each hour of a week, as a multiple of the mean. */
function weekOf(settings: Settings): readonly number[] {
  const hours = weights(settings, 'hours', 24) ?? defaultHours;
  const days = weights(settings, 'days', 7) ?? defaultDays;
  const week = days.flatMap((day) => hours.map((hour) => hour * day));
  const mean = week.reduce((sum, rate) => sum + rate, 0) / week.length;
  return week.map((rate) => rate / mean);
}

function weights(settings: Settings, name: string, length: number): readonly number[] | undefined {
  const list = settings.list(name);
  if (!list) return undefined;
  const good =
    list.length === length && list.every((one) => typeof one === 'number' && one >= 0 && one < 1e9);
  if (!good || !list.some((one) => (one as number) > 0)) {
    throw settings.error(name, `must be ${length} numbers of at least 0, not all of them 0`);
  }
  return list as readonly number[];
}

/** A Poisson process whose rate changes with the hour of the week (Lewis and Shedler's thinning). */
function* thinned(
  random: Random,
  meanMs: number,
  rates: readonly number[],
  start: number,
): Generator<number> {
  const most = Math.max(...rates);
  for (let now = 0; ;) {
    now += (random.exponential() * meanMs) / most;
    const hour = Math.floor(((start + now) % (7 * dayMs)) / hourMs);
    if (random.uniform() * most < rates[hour]!) yield now;
  }
}
