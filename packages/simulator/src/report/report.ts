/** What goes into a report: candidates (policies, clusters, variants), each with one run a seed, and where they come from. */
import type { InputNote } from '../model/job.ts';
import type { RunResult } from '../model/result.ts';
import { estimate, paired, type Estimate } from './statistics.ts';
import { summarise, type MetricKey, type RunSummary } from './summary.ts';

/** One way to do it, run with one seed or several. */
export interface Candidate {
  readonly name: string;
  /** By seed. At least one. */
  readonly runs: readonly RunSummary[];
  /** One of the runs in full, for the heat map and the gantt chart. */
  readonly detail?: RunResult;
}

export interface Report {
  readonly title: string;
  /** The first is what the others are compared with. At least one. */
  readonly candidates: readonly Candidate[];
  /** The scenario as its file says it, and the command that runs it again. */
  readonly scenario?: { readonly text: string; readonly command: string };
  readonly notes: readonly InputNote[];
  /** What should be known of the figures, in sentences. */
  readonly remarks?: readonly string[];
  /** What was found out besides, in sentences: the answer of a search. */
  readonly findings: readonly string[];
  /** The same for programs: goes into the JSON under these names. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** What the headline is about. Default: chosen by what the runs show. */
  readonly goal?: MetricKey;
}

export interface ReportAbout {
  readonly title: string;
  readonly scenario?: { readonly text: string; readonly command: string };
  readonly notes?: readonly InputNote[];
  readonly findings?: readonly string[];
  readonly goal?: MetricKey;
}

/**
 * Gathers runs into a report, one at a time, so that only the first of each candidate is kept in full. Candidates keep the
 * order in which they first come.
 */
export class ReportBuilder {
  readonly #runs = new Map<string, { name?: string; runs: RunSummary[]; detail?: RunResult }>();

  /** `name`: of the candidate. Default: what sets it apart from the others. */
  add(result: RunResult, name?: string): void {
    const group = this.#group(result, name);
    group.runs.push(summarise(result));
    group.detail ??= result;
  }

  /** A run that was summarised elsewhere (in a worker thread). */
  addSummary(summary: RunSummary, name?: string): void {
    this.#group(summary, name).runs.push(summary);
  }

  /** Throws if nothing was added. */
  report(about: ReportAbout): Report {
    const groups = [...this.#runs.values()];
    if (groups.length === 0) throw new Error('a report needs at least one run');
    const names = candidateNames(groups.map(({ runs }) => runs[0]!));
    return {
      title: about.title,
      ...(about.scenario && { scenario: about.scenario }),
      ...(about.goal && { goal: about.goal }),
      notes: about.notes ?? [],
      findings: about.findings ?? [],
      candidates: groups.map(({ name, runs, detail }, index) => ({
        name: name ?? names[index]!,
        runs: runs.toSorted((a, b) => a.seed - b.seed),
        ...(detail && { detail }),
      })),
    };
  }

  #group(
    run: Pick<RunResult, 'cluster' | 'workload' | 'placement' | 'ordering'>,
    name: string | undefined,
  ): { name?: string; runs: RunSummary[]; detail?: RunResult } {
    const key = JSON.stringify([name, run.cluster, run.workload, run.placement, run.ordering]);
    let group = this.#runs.get(key);
    if (!group) {
      group = { ...(name !== undefined && { name }), runs: [] };
      this.#runs.set(key, group);
    }
    return group;
  }
}

/** What is not the same in all of them. */
function candidateNames(runs: readonly RunSummary[]): string[] {
  const parts = (['cluster', 'workload', 'placement', 'ordering'] as const).filter(
    (part) => new Set(runs.map((run) => run[part])).size > 1,
  );
  const said = parts.length > 0 ? parts : (['placement', 'ordering'] as const);
  return runs.map((run) => said.map((part) => run[part]).join(' + '));
}

/** A metric of a candidate over its seeds. */
export function estimateOf(candidate: Candidate, key: MetricKey): Estimate {
  return estimate(candidate.runs.map(({ values }) => values[key]));
}

/** How a metric differs from one candidate to another, paired by seed. */
export function difference(from: Candidate, to: Candidate, key: MetricKey): Estimate {
  const seeded = ({ runs }: Candidate): { seed: number; value: number }[] =>
    runs.map(({ seed, values }) => ({ seed, value: values[key] }));
  return paired(seeded(from), seeded(to));
}

export function seedsOf({ candidates }: Report): number[] {
  return [...new Set(candidates.flatMap(({ runs }) => runs.map(({ seed }) => seed)))].sort((a, b) => a - b);
}
