/** The answer in a few sentences: who is best at what matters, by how much, how sure that is, and what it costs. */
import { labelOf, metricOf, type Metric } from './metrics.ts';
import { difference, estimateOf, seedsOf, type Candidate, type Report } from './report.ts';
import { isClear, type Estimate } from './statistics.ts';
import type { MetricKey } from './summary.ts';
import { telling } from './telling.ts';
import { inUnit, withInterval } from './units.ts';

export interface Headline {
  readonly metric: Metric;
  /** Name of the best candidate. */
  readonly best: string;
  readonly answer: string;
  /** What else gets better, and worse, than with the first candidate. */
  readonly gains: readonly string[];
  readonly costs: readonly string[];
  /** Who is well ahead of the best in something else. */
  readonly others: readonly string[];
  /** How much to trust it. */
  readonly sure: string;
}

/** What to compare by: what was asked for; else what was turned away, else long waits, else time to completion. */
export function goalOf({ goal, candidates }: Report): Metric {
  if (goal) return metricOf(goal);
  const most = (key: MetricKey): number =>
    Math.max(...candidates.map((candidate) => estimateOf(candidate, key).mean || 0));
  if (most('dropped') > 0) return metricOf('placed');
  return metricOf(most('p95Wait') > 1000 ? 'p95Wait' : 'meanCompletion');
}

export function headlineOf(report: Report): Headline {
  const { candidates } = report;
  const metric = goalOf(report);
  const base = candidates[0]!;
  const ranked = candidates
    .map((candidate) => ({ candidate, value: estimateOf(candidate, metric.key).mean }))
    .filter(({ value }) => !Number.isNaN(value))
    .sort((a, b) => (metric.better === 'high' ? b.value - a.value : a.value - b.value));
  const said = (candidate: Candidate): string => inUnit(estimateOf(candidate, metric.key).mean, metric.unit);
  // What reads the same is no lead.
  const level = new Set(ranked.map(({ candidate }) => said(candidate))).size <= 1;
  const best = level ? base : (ranked[0]?.candidate ?? base);
  const next = ranked.find(({ candidate }) => candidate !== best)?.candidate;
  const label = labelOf(metric, base.runs[0]!.resource);
  let answer: string;
  if (!next) {
    const completion = metricOf('meanCompletion');
    const first = metric === completion ? [] : [`${lower(label)} ${said1(best, metric)}`];
    answer = `${best.name}: ${[...first, `mean completion ${said1(best, completion)}`, shareOfCards(best)].join(', ')}.`;
  } else if (level) {
    answer = `No difference: ${lower(label)} ${said(base)} with ${ranked.length === 2 ? 'both' : `all ${ranked.length}`}.`;
  } else if (best === base) {
    answer = `Nothing beats ${base.name}: ${lower(label)} ${said(base)}; next is ${next.name} with ${said(next)} (${change(base, next, metric)}).`;
  } else if (isClear(difference(base, best, metric.key)) === false) {
    answer =
      `No clear winner: ${lower(label)} is lowest with ${best.name}, ${said(best)}, against ${said(base)} with ${base.name} (${change(base, best, metric)}), and that could be chance.`.replace(
        'lowest',
        metric.better === 'high' ? 'highest' : 'lowest',
      );
  } else {
    answer = `Best is ${best.name}: ${lower(label)} ${said(best)}, against ${said(base)} with ${base.name} (${change(base, best, metric)}).`;
  }
  return {
    metric,
    best: best.name,
    answer,
    ...(best === base ? { gains: [], costs: [] } : tradeOffs(report, base, best, metric)),
    others: aheadElsewhere(report, best, metric),
    sure: sureness(report, best, base, next, metric),
  };
}

function said1(candidate: Candidate, metric: Metric): string {
  const { mean, half } = estimateOf(candidate, metric.key);
  return withInterval(mean, half, metric.unit);
}

function shareOfCards(candidate: Candidate): string {
  const what = candidate.runs[0]!.resource === 'gpu' ? 'GPU' : 'core';
  return `${said1(candidate, metricOf('allocation'))} of ${what} time given to jobs`;
}

/** `-2.9 ± 0.3 h, 71 % less`. */
export function change(from: Candidate, to: Candidate, metric: Metric): string {
  const delta = difference(from, to, metric.key);
  const before = estimateOf(from, metric.key).mean;
  const text = signed(delta, metric);
  const part = delta.mean / before;
  if (metric.unit === 'share' || !Number.isFinite(part) || before === 0) return text;
  return `${text}, ${Math.round(Math.abs(part) * 100).toLocaleString('en-US')} % ${part <= 0 ? 'less' : 'more'}`;
}

/** A difference with its sign. Shares differ in percentage points. */
export function signed({ mean, half }: Estimate, metric: Pick<Metric, 'unit'>): string {
  if (Number.isNaN(mean)) return 'not known';
  const sign = mean > 0 ? '+' : mean < 0 ? '−' : '±';
  const size = Math.abs(mean);
  if (metric.unit === 'share') {
    const spread = Number.isNaN(half) ? '' : ` ± ${(half * 100).toFixed(1)}`;
    return `${sign}${(size * 100).toFixed(1)}${spread} points`;
  }
  return `${sign}${Number.isNaN(half) ? inUnit(size, metric.unit) : withInterval(size, half, metric.unit)}`;
}

/** Differences below this part of the value are not worth a sentence. */
const worthSaying = 0.02;

function tradeOffs(
  report: Report,
  base: Candidate,
  best: Candidate,
  goal: Metric,
): { gains: string[]; costs: string[] } {
  const gains: string[] = [];
  const costs: string[] = [];
  for (const metric of telling(report, false)) {
    if (!metric.better || metric.key === goal.key) continue;
    // Without a difference in goodput it is allocation said twice.
    if (metric.key === 'utilisation' && !(Math.abs(difference(base, best, 'goodput').mean) > worthSaying / 4))
      continue;
    const before = estimateOf(base, metric.key).mean;
    const delta = difference(base, best, metric.key);
    if (Number.isNaN(delta.mean) || delta.mean === 0 || isClear(delta) === false) continue;
    const part = Math.abs(
      metric.unit === 'share' ? delta.mean : delta.mean / Math.max(Math.abs(before), 1e-12),
    );
    if (part < (metric.unit === 'share' ? worthSaying / 4 : worthSaying)) continue;
    const label = lower(labelOf(metric, base.runs[0]!.resource));
    const what = metric.key === 'meanQueue' ? ' jobs' : '';
    const text = `${label} ${inUnit(estimateOf(best, metric.key).mean, metric.unit)}${what} instead of ${inUnit(before, metric.unit)}`;
    (delta.mean > 0 === (metric.better === 'high') ? gains : costs).push(text);
  }
  return { gains, costs };
}

/** A lead below this part of the value is not worth a sentence about a third candidate. */
const wellAhead = 0.1;

function aheadElsewhere(report: Report, best: Candidate, goal: Metric): string[] {
  const leads = new Map<string, string[]>();
  for (const metric of telling(report, false)) {
    if (!metric.better || metric.key === goal.key || !metric.headline) continue;
    const ours = estimateOf(best, metric.key).mean;
    const sign = metric.better === 'high' ? -1 : 1;
    const [first] = report.candidates
      .map((candidate) => ({ candidate, value: estimateOf(candidate, metric.key).mean }))
      .filter(({ candidate, value }) => candidate !== report.candidates[0] && !Number.isNaN(value))
      .sort((a, b) => sign * (a.value - b.value));
    if (!first || first.candidate === best || Number.isNaN(ours)) continue;
    const lead = sign * (ours - first.value);
    if (lead < wellAhead * Math.abs(ours)) continue;
    if (isClear(difference(best, first.candidate, metric.key)) === false) continue;
    const said = `${lower(labelOf(metric, best.runs[0]!.resource))} ${inUnit(first.value, metric.unit)}`;
    const { name } = first.candidate;
    leads.set(name, [...(leads.get(name) ?? []), said]);
  }
  return [...leads].map(([name, said]) => `${name} with ${said.join(', ')}`);
}

function sureness(
  report: Report,
  best: Candidate,
  base: Candidate,
  next: Candidate | undefined,
  metric: Metric,
): string {
  const seeds = seedsOf(report).length;
  if (seeds < 2) return 'One seed: there is no telling how much of a difference is chance. Run more seeds.';
  const words = `95 % confidence intervals over ${seeds} seeds`;
  if (!next) return `${words}.`;
  const against = best === base ? next : base;
  const clear = isClear(difference(against, best, metric.key));
  const first = clear
    ? `The difference is clear (${words}, paired by seed).`
    : `That difference could be chance (${words}, paired by seed).`;
  if (against === next || isClear(difference(next, best, metric.key))) return first;
  return `${first} ${best.name} and ${next.name} cannot be told apart.`;
}

function lower(label: string): string {
  return /^[A-Z][a-z]/.test(label) ? label[0]!.toLowerCase() + label.slice(1) : label;
}
