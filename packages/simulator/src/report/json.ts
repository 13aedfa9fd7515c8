/**
 * The report for programs (`--json`). The shape is a promise: fields may be added in a version, none is changed or taken away.
 * Times are milliseconds of virtual time, shares go from 0 to 1, what is not known is null.
 */
import { averagedShares } from './averaged-shares.ts';
import { averagedTenants } from './averaged-tenants.ts';
import { averaged, pointFractions } from './distribution.ts';
import { headlineOf } from './headline.ts';
import { jobRows } from './job-rows.ts';
import { aboutOf, labelOf, metrics } from './metrics.ts';
import { difference, estimateOf, seedsOf, type Candidate, type Report } from './report.ts';
import { shareNames } from './shares.ts';
import type { Estimate } from './statistics.ts';

export const jsonFormat = 'coracle.dev/simulation-report';
export const jsonVersion = 1;

export interface JsonOptions {
  /** With every job of each candidate's first run. */
  readonly jobs?: boolean;
}

/** In chunks, so that a million jobs go to a file one after the other. Ends with a line feed. */
export function* jsonReport(report: Report, options: JsonOptions = {}): Generator<string> {
  const text = JSON.stringify(body(report), (_, value: unknown) =>
    value instanceof Float64Array ? [...value] : value,
  );
  if (!options.jobs) {
    yield `${text}\n`;
    return;
  }
  yield `${text.slice(0, -1)},"jobs":[`;
  let first = true;
  for (const { name, detail } of report.candidates) {
    if (!detail) continue;
    for (const rows of jobRows(detail)) {
      const parts = rows.map((row) => JSON.stringify({ candidate: name, seed: detail.seed, ...row }));
      yield `${first ? '\n' : ',\n'}${parts.join(',\n')}`;
      first = false;
    }
  }
  yield ']}\n';
}

function body(report: Report): Record<string, unknown> {
  const { candidates } = report;
  const { metric, best, answer, gains, costs, others, sure } = headlineOf(report);
  const { resource } = candidates[0]!.runs[0]!;
  const grid = averagedShares(candidates);
  return {
    format: jsonFormat,
    version: jsonVersion,
    title: report.title,
    headline: { metric: metric.key, best, answer, gains, costs, others, sure },
    findings: report.findings,
    ...report.data,
    scenario: report.scenario ?? null,
    seeds: seedsOf(report),
    resource,
    metrics: metrics.map((metric) => ({
      key: metric.key,
      label: labelOf(metric, resource),
      unit: metric.unit,
      better: metric.better ?? null,
      about: aboutOf(metric, resource),
    })),
    fractions: pointFractions,
    candidates: candidates.map((candidate, index) => ({
      name: candidate.name,
      placement: candidate.runs[0]!.placement,
      ordering: candidate.runs[0]!.ordering,
      cluster: candidate.runs[0]!.cluster,
      workload: candidate.runs[0]!.workload,
      seeds: candidate.runs.map(({ seed }) => seed),
      metrics: Object.fromEntries(
        metrics.map(({ key }) => [
          key,
          {
            ...interval(estimateOf(candidate, key)),
            bySeed: candidate.runs.map(({ values }) => values[key]),
            // Paired by seed, against the first candidate.
            ...(index > 0 && { difference: interval(difference(candidates[0]!, candidate, key)) }),
          },
        ]),
      ),
      distributions: distributions(candidate),
      tenants: averagedTenants(candidate),
      series: {
        fromMs: grid[index]!.fromMs,
        stepMs: grid[index]!.stepMs,
        ...Object.fromEntries(shareNames.map((name) => [name, grid[index]![name]])),
      },
      demand: candidate.runs.map(({ demand }) => demand ?? null),
      unplaced: candidate.runs.map(({ seed, unplaced }) => ({ seed, reasons: unplaced })),
    })),
    notes: report.notes,
    remarks: report.remarks ?? [],
  };
}

function interval({ mean, half }: Estimate): Record<string, number> {
  return { mean, low: mean - half, high: mean + half };
}

function distributions({ runs }: Candidate): Record<string, unknown> {
  return Object.fromEntries(
    (['wait', 'completion', 'slowdown'] as const).map((of) => [of, averaged(runs.map((run) => run[of]))]),
  );
}
