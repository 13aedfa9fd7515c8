/** Scales and where their ticks go. */
export interface Tick {
  readonly value: number;
  readonly text: string;
}

export interface Axis {
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly Tick[];
  /** What it shows, with its unit. */
  readonly title: string;
  /** 0 at `from`, 1 at `to`; values beyond are put to the nearest end. */
  part(value: number): number;
  /** The value at a part. */
  value(part: number): number;
}

const clamp = (part: number): number => Math.max(0, Math.min(1, part));

function linear(from: number, to: number, ticks: readonly Tick[], title: string): Axis {
  const span = to - from || 1;
  return {
    from,
    to,
    ticks,
    title,
    part: (value) => clamp((value - from) / span),
    value: (part) => from + part * span,
  };
}

/** From 0 to a round number. */
export function countAxis(most: number, title: string): Axis {
  const step = roundStep(most / 4);
  const to = Math.max(step, Math.ceil(most / step - 1e-9) * step);
  return linear(0, to, every(step, to), title);
}

/** 0 to 1 as percent; to what is needed if that is little. */
export function percentAxis(most: number, title: string): Axis {
  const percents = most > 0.5 && most <= 1 ? 100 : Math.max(1, most * 100);
  const step = percents === 100 ? 25 : roundStep(percents / 4);
  const to = Math.ceil(percents / step - 1e-9) * step;
  return linear(
    0,
    to / 100,
    every(step, to).map(({ value, text }) => ({ value: value / 100, text })),
    title,
  );
}

const timeUnits = [
  { ms: 86_400_000, name: 'days' },
  { ms: 3_600_000, name: 'hours' },
  { ms: 60_000, name: 'minutes' },
  { ms: 1000, name: 'seconds' },
] as const;

/** Time since the start, in the unit that suits its length. */
export function timeAxis(fromMs: number, toMs: number, wanted: number): Axis {
  const unit = timeUnits.find(({ ms }) => toMs - fromMs >= 2.5 * ms) ?? timeUnits[3];
  const step = timeStep((toMs - fromMs) / unit.ms / Math.max(2, wanted), unit.name);
  const ticks: Tick[] = [];
  for (
    let at = Math.ceil(fromMs / unit.ms / step - 1e-9) * step;
    at <= (toMs / unit.ms) * (1 + 1e-9);
    at += step
  ) {
    // Not -0.
    ticks.push({ value: at * unit.ms, text: digitsOf(at || 0) });
  }
  return linear(fromMs, toMs, ticks, `time since the start (${unit.name})`);
}

function timeStep(least: number, unit: string): number {
  const nice =
    unit === 'hours' ? [1, 2, 3, 6, 12, 24] : unit === 'days' ? [1, 2, 5, 7, 14, 30] : [1, 2, 5, 10, 15, 30];
  return nice.find((step) => step >= least) ?? roundStep(least);
}

const durationTicks: readonly Tick[] = [
  { value: 1000, text: '1 s' },
  { value: 10_000, text: '10 s' },
  { value: 60_000, text: '1 min' },
  { value: 600_000, text: '10 min' },
  { value: 3_600_000, text: '1 h' },
  { value: 6 * 3_600_000, text: '6 h' },
  { value: 86_400_000, text: '1 d' },
  { value: 7 * 86_400_000, text: '7 d' },
  { value: 30 * 86_400_000, text: '30 d' },
  { value: 100 * 86_400_000, text: '100 d' },
  { value: 365 * 86_400_000, text: '1 y' },
];

/** Lengths of time on a logarithmic scale. Shorter than `least` is drawn at the left end. */
export function logDurationAxis(least: number, most: number, title: string): Axis {
  const from = durationTicks.findLast(({ value }) => value <= least)?.value ?? 1000;
  const to = Math.max(most, from * 10);
  const ticks = durationTicks.map((tick) =>
    tick.value === from ? { ...tick, text: `≤ ${tick.text}` } : tick,
  );
  return logarithmic(from, to, ticks, title);
}

/** Factors, from 1 on a logarithmic scale. */
export function logFactorAxis(most: number, title: string): Axis {
  const ticks: Tick[] = [];
  for (let power = 1; power <= most * 10; power *= 10) {
    for (const by of [1, 2, 5])
      ticks.push({ value: by * power, text: `${(by * power).toLocaleString('en-US')}x` });
  }
  return logarithmic(1, Math.max(2, most), ticks, title);
}

function logarithmic(from: number, to: number, ticks: readonly Tick[], title: string): Axis {
  const span = Math.log(to / from);
  return {
    from,
    to,
    ticks: ticks.filter(({ value }) => value >= from && value <= to * 1.0001),
    title,
    part: (value) => (value <= from ? 0 : clamp(Math.log(value / from) / span)),
    value: (part) => from * Math.exp(part * span),
  };
}

/** Ticks whose texts do not run into each other on so many pixels. */
export function thinned(axis: Axis, width: number): Tick[] {
  const kept: Tick[] = [];
  let freeFrom = Number.NEGATIVE_INFINITY;
  for (const tick of axis.ticks) {
    const at = axis.part(tick.value) * width;
    const half = 4 + tick.text.length * 3.6;
    if (at - half < freeFrom) continue;
    kept.push(tick);
    freeFrom = at + half + 4;
  }
  return kept;
}

function every(step: number, to: number): Tick[] {
  const ticks: Tick[] = [];
  for (let index = 0; index * step <= to * (1 + 1e-9); index++) {
    const value = index * step;
    ticks.push({ value, text: digitsOf(value) });
  }
  return ticks;
}

/** 1, 2 or 5 times a power of ten, not below the value. */
function roundStep(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return (([1, 2, 5, 10] as const).find((by) => by * power >= value * (1 - 1e-9)) ?? 10) * power;
}

function digitsOf(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString('en-US') : String(Number(value.toPrecision(3)));
}
