/** How long generated jobs run. */
import type { Settings } from '../settings.ts';
import type { Random } from './random.ts';

export interface Lengths {
  /** Milliseconds. */
  draw(random: Random): number;
  /** Milliseconds, over very many draws. */
  readonly meanMs: number;
}

export const lengthKinds = ['lognormal', 'weibull', 'pareto', 'fixed', 'quantiles'] as const;
export const lengthSettings = [
  'distribution',
  'median',
  'sigma',
  'scale',
  'shape',
  'min',
  'max',
  'value',
  'quantiles',
] as const;

/**
 * The default is what 6,203 pods with cards of the openb trace (Alibaba's cluster-trace-gpu-v2023) ran from schedule to deletion:
 * half of them 11 minutes, 5 % less than 48 s, 5 % more than 4.7 h; a lognormal distribution of sigma 1.9 comes near it
 * (5 %: 29 s, 25 %: 183 s, 75 %: 40 min, 95 %: 4.2 h).
 */
const defaultMedianMs = 660_000;
const defaultSigma = 1.9;

/** Lengths as the settings say; `min` and `max` cut whatever is drawn, and `meanMs` does not know of that (but for pareto). */
export function lengthsOf(settings: Settings | undefined): Lengths {
  if (!settings) return lognormal(defaultMedianMs, defaultSigma);
  const kind = settings.oneOf('distribution', lengthKinds, 'lognormal');
  const min = settings.duration('min', undefined);
  const max = settings.duration('max', undefined);
  if (min !== undefined && max !== undefined && max < min) throw settings.error('max', 'is less than min');
  if (kind === 'pareto') return pareto(settings, min, max);
  const all = unbounded(kind, settings);
  if (min === undefined && max === undefined) return all;
  const draw = (random: Random): number => Math.min(max ?? Infinity, Math.max(min ?? 0, all.draw(random)));
  return { draw, meanMs: Math.min(max ?? Infinity, Math.max(min ?? 0, all.meanMs)) };
}

function unbounded(kind: (typeof lengthKinds)[number], settings: Settings): Lengths {
  switch (kind) {
    case 'weibull':
      return weibull(settings);
    case 'fixed': {
      const value = settings.duration('value', undefined);
      if (value === undefined) throw settings.error('value', 'is missing');
      return { draw: () => value, meanMs: value };
    }
    case 'quantiles':
      return quantiles(settings);
    default:
      return lognormal(
        settings.duration('median', defaultMedianMs),
        settings.number('sigma', defaultSigma, { min: 0, max: 10 }),
      );
  }
}

/** `sigma` is the deviation of the logarithm. */
function lognormal(medianMs: number, sigma: number): Lengths {
  return {
    draw: (random) => medianMs * Math.exp(sigma * random.normal()),
    meanMs: medianMs * Math.exp((sigma * sigma) / 2),
  };
}

function weibull(settings: Settings): Lengths {
  const scale = settings.duration('scale', defaultMedianMs);
  const shape = settings.number('shape', 0.5, { min: 0.1, max: 20 });
  return {
    draw: (random) => scale * random.exponential() ** (1 / shape),
    meanMs: scale * gammaFunction(1 + 1 / shape),
  };
}

/** Bounded: between `min` and `max` with a tail of index `shape`. */
function pareto(settings: Settings, min = 60_000, max = 14 * 86_400_000): Lengths {
  const alpha = settings.number('shape', 1.1, { min: 0.05, max: 20 });
  if (min <= 0 || max <= min) throw settings.error('max', 'must be more than min, and min more than 0');
  const ratio = (min / max) ** alpha;
  const meanMs =
    alpha === 1
      ? (min * Math.log(max / min)) / (1 - min / max)
      : ((min ** alpha / (1 - ratio)) * alpha * (min ** (1 - alpha) - max ** (1 - alpha))) / (alpha - 1);
  return { draw: (random) => min * (1 - random.uniform() * (1 - ratio)) ** (-1 / alpha), meanMs };
}

/** Pairs of a part (0 to 1) and a length, rising; between two the logarithm of the length grows evenly. */
function quantiles(settings: Settings): Lengths {
  const given = settings.objects('quantiles', ['part', 'length']);
  if (!given || given.length < 2) throw settings.error('quantiles', 'needs at least two of {part, length}');
  const parts: number[] = [];
  const logs: number[] = [];
  for (const one of given) {
    const part = one.number('part', undefined, { min: 0, max: 1 });
    const length = one.duration('length', undefined);
    if (part === undefined) throw one.error('part', 'is missing');
    if (length === undefined || length <= 0) throw one.error('length', 'must be there and more than nothing');
    const log = Math.log(length);
    if (parts.length > 0 && (part <= parts.at(-1)! || log < logs.at(-1)!))
      throw one.error('part', 'must rise, and lengths too');
    parts.push(part);
    logs.push(log);
  }
  if (parts[0] !== 0 || parts.at(-1) !== 1)
    throw settings.error('quantiles', 'must begin with part 0 and end with part 1');
  let meanMs = 0;
  for (let i = 1; i < parts.length; i += 1) {
    const [a, b] = [logs[i - 1]!, logs[i]!];
    const inside = b - a < 1e-9 ? Math.exp(a) : (Math.exp(b) - Math.exp(a)) / (b - a);
    meanMs += (parts[i]! - parts[i - 1]!) * inside;
  }
  const draw = (random: Random): number => {
    const at = random.uniform();
    let i = 1;
    while (i < parts.length - 1 && parts[i]! < at) i += 1;
    const share = (at - parts[i - 1]!) / (parts[i]! - parts[i - 1]!);
    return Math.exp(logs[i - 1]! + share * (logs[i]! - logs[i - 1]!));
  };
  return { draw, meanMs };
}

/** Lanczos' approximation, for arguments of at least 1. */
function gammaFunction(x: number): number {
  const z = x - 1;
  let sum = lanczos[0]!;
  for (let i = 1; i < lanczos.length; i += 1) sum += lanczos[i]! / (z + i);
  const t = z + 7.5;
  return Math.sqrt(2 * Math.PI) * t ** (z + 0.5) * Math.exp(-t) * sum;
}
const lanczos = [
  0.999_999_999_999_809_93, 676.520_368_121_885_1, -1_259.139_216_722_402_8, 771.323_428_777_653_13,
  -176.615_029_162_140_6, 12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_572e-6,
  1.505_632_735_149_311_6e-7,
];
