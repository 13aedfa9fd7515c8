/** From a report to what the page draws. */
import { averagedShares } from '../averaged-shares.ts';
import { drawnShares } from '../shares.ts';
import { averagedTenants } from '../averaged-tenants.ts';
import { averaged, pointFractions } from '../distribution.ts';
import { labelOf } from '../metrics.ts';
import { estimateOf, type Candidate, type Report } from '../report.ts';
import { estimate } from '../statistics.ts';
import { telling } from '../telling.ts';
import { packGantt, packHeats } from './pack.ts';
import type { PageData, PageTenant } from './page-data.ts';

/** Characters that heat maps may take together, and stretches of all gantt charts together. */
const heatBudget = 1_000_000;
const ganttBudget = 24_000;
/** Candidates whose runs are shown in full. */
const detailsAtMost = 8;
const tenantsAtMost = 24;

const distributionKeys = ['wait', 'completion', 'slowdown'] as const;

export function makePageData(report: Report): PageData {
  const { candidates } = report;
  const grid = averagedShares(candidates);
  const { resource } = candidates[0]!.runs[0]!;
  const details = candidates
    .flatMap(({ detail }, candidate) => (detail ? [{ candidate, run: detail }] : []))
    .slice(0, detailsAtMost);
  return {
    candidates: candidates.map(({ name }) => name),
    resource,
    fromMs: grid[0]!.fromMs,
    stepMs: grid[0]!.stepMs,
    series: drawnShares
      .map((key) => ({ key, values: grid.map((shares) => Array.from(shares[key], short)) }))
      .filter(({ values }) => values.some((column) => column.some((value) => value !== null))),
    fractions: pointFractions,
    distributions: distributionKeys.map((key) => ({
      key,
      values: candidates.map(({ runs }) =>
        averaged(runs.map((run) => run[key])).points.map((value) => short(value) ?? 0),
      ),
    })),
    intervals: telling(report, false)
      .filter(({ better }) => better)
      .map((metric) => ({
        key: metric.key,
        label: labelOf(metric, resource),
        unit: metric.unit,
        better: metric.better ?? null,
        values: candidates.map((candidate) => {
          const { mean, half } = estimateOf(candidate, metric.key);
          return { mean: exact(mean), half: exact(half) };
        }),
      })),
    tenants: tenantsOf(candidates),
    time: candidates.map(timeOf),
    demand: candidates.map(demandOf),
    heats: packHeats(details, heatBudget),
    gantts: details.flatMap(({ candidate, run }) => {
      const packed = packGantt(candidate, run, Math.max(1000, Math.floor(ganttBudget / details.length)));
      return packed ? [packed] : [];
    }),
  };
}

/** Of values that are also said: rounded once, so that they are the same as in the tables. */
function exact(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Four digits: more cannot be seen. */
function short(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(4)) : null;
}

/** Those with most work with the first candidate first. */
function tenantsOf(candidates: readonly Candidate[]): PageTenant[] {
  const byCandidate = candidates.map(
    (candidate) => new Map(averagedTenants(candidate).map((tenant) => [tenant.name, tenant])),
  );
  return [...byCandidate[0]!.keys()].slice(0, tenantsAtMost).map((name) => {
    const of = (key: 'meanSlowdown' | 'meanWaitMs' | 'finishTime'): (number | null)[] =>
      byCandidate.map((tenants) => short(tenants.get(name)?.[key] ?? Number.NaN));
    return { name, slowdown: of('meanSlowdown'), wait: of('meanWaitMs'), finishTime: of('finishTime') };
  });
}

function timeOf(candidate: Candidate): number[] {
  const share = (key: 'utilisation' | 'allocation' | 'fragmentation'): number =>
    estimateOf(candidate, key).mean || 0;
  const [useful, held, broken] = [share('utilisation'), share('allocation'), share('fragmentation')];
  return [useful, Math.max(0, held - useful), broken, Math.max(0, 1 - held - broken)].map(
    (value) => exact(value) ?? 0,
  );
}

function demandOf({ runs }: Candidate): number[] {
  const curves = runs.flatMap(({ demand }) => (demand ? [demand.allocatedPercent] : []));
  const length = Math.max(0, ...curves.map((curve) => curve.length));
  return Array.from(
    { length },
    (_, percent) => short(estimate(curves.map((curve) => curve[percent] ?? Number.NaN)).mean) ?? 0,
  );
}
