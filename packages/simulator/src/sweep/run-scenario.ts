/** A scenario from its plan to a report: all runs, then what they say of the variants and of the goal. */
import { goalOf } from '../report/headline.ts';
import type { Candidate, Report } from '../report/report.ts';
import type { Seeded } from '../report/statistics.ts';
import type { RunSummary } from '../report/summary.ts';
import { differenceOf } from '../scenario/answers.ts';
import { readGoal, type Goal } from '../scenario/goal.ts';
import { metrics, type Metric } from '../scenario/metrics.ts';
import { cellName, planOf, seedsOf, type Cell, type Plan, type RunPlan } from '../scenario/plan.ts';
import { remarksOf } from '../scenario/remarks.ts';
import { findSmallest, type Found, type Trial } from '../scenario/search.ts';
import { foundText, trialText } from '../scenario/search-text.ts';
import { variantName } from '../scenario/variants.ts';
import type { Scenario, ScenarioSpec } from '../scenario/types.ts';
import type { Sweeper } from './pool.ts';
import type { RunOutcome } from './protocol.ts';

export interface ScenarioOptions {
  /** Heat map and gantt chart of the first seed of each candidate. */
  readonly detail: boolean;
  readonly signal: AbortSignal;
  /** A line for people, as it goes: what a search tried. */
  readonly say?: ((line: string) => void) | undefined;
}

/** What an answer says of one candidate against another. */
export interface Answer {
  readonly candidate: string;
  readonly against: string;
  /** It is a variant, and not the scenario itself under another policy. */
  readonly whatIf: boolean;
  readonly differences: ReturnType<typeof differenceOf>[];
}

export interface ScenarioResult {
  readonly report: Report;
  readonly answers: readonly Answer[];
  readonly searches: readonly (Found & { readonly policy: string })[];
  /** Runs that were not done when the signal came. */
  readonly missing: number;
}

/** Undefined: nothing was done when the signal came. Throws ScenarioError or InputError. */
export async function runScenario(
  { name, spec }: Scenario,
  sweeper: Sweeper,
  options: ScenarioOptions,
): Promise<ScenarioResult | undefined> {
  const plan = planOf(spec);
  const groups = await runsOf(plan, sweeper, options.detail);
  const candidates: Candidate[] = [];
  // What a search finds is compared with it.
  const alone = plan.cells.length === 1 && spec.find !== undefined;
  const kept: { cell: Cell; candidate: Candidate }[] = [];
  let missing = 0;
  for (const [index, cell] of plan.cells.entries()) {
    const done = groups[index]!.filter((outcome) => outcome !== undefined);
    missing += groups[index]!.length - done.length;
    if (done.length === 0) continue;
    const candidate = candidateOf(alone ? 'no change' : cellName(cell, plan.cells), done);
    candidates.push(candidate);
    kept[index] = { cell, candidate };
  }
  if (candidates.length === 0) return undefined;
  const goal = spec.find && readGoal(spec.find.goal);
  const first = groups.flat().find((outcome) => outcome !== undefined);
  const about: Report = {
    title: name,
    candidates,
    notes: first?.notes ?? [],
    remarks: remarksOf(spec, plan, first ?? {}),
    findings: [],
    ...(goal && { goal: goal.metric.key }),
  };
  const shown = metrics.find(({ key }) => key === goalOf(about).key)!;
  const answers = kept.flatMap(({ cell, candidate }) => {
    const against = cell.against === undefined ? undefined : kept[cell.against]?.candidate;
    return against ? [answerOf(candidate, against, shown, cell.variant !== '')] : [];
  });
  const searches: (Found & { policy: string })[] = [];
  // What policies do stands in the report's own words.
  const findings = answers
    .filter(({ whatIf }) => whatIf)
    .map(({ candidate, differences: [first] }) => `${candidate}: ${shown.title} ${first!.text}`);
  if ((spec.seeds ?? 1) > 1 && candidates.every(({ runs }) => runs.length > 1 && sameValues(runs))) {
    findings.push(seedsAlike(spec));
  }
  if (spec.find && goal && !options.signal.aborted) {
    const cells = plan.cells.filter(({ variant }) => variant === '');
    for (const cell of cells) {
      const result = await search(spec, cell, goal, sweeper, options);
      if (!result) {
        findings.push('Stopped before the search had its answer.');
        break;
      }
      const { found, runs } = result;
      const policy = cells.length > 1 ? cellName(cell, cells) : '';
      if (found.count !== undefined && found.count > 0) {
        const name = variantName({ add: [{ shape: spec.find.shape, count: found.count }] });
        candidates.push({ name: policy === '' ? name : `${name}, ${policy}`, runs: runs.get(found.count)! });
      }
      searches.push({ ...found, policy });
      findings.push(foundText(found, goal, spec.find.shape, policy));
    }
  }
  const data = {
    ...(answers.length > 0 && { answers }),
    ...(spec.find && { searches: searches.map((found) => ({ ...spec.find, ...found })) }),
  };
  return { report: { ...about, findings, data }, answers, searches, missing };
}

const sameValues = ([first, ...others]: readonly RunSummary[]): boolean =>
  others.every(({ values }) => metrics.every(({ key }) => Object.is(values[key], first!.values[key])));

function seedsAlike({ seeds, workload }: ScenarioSpec): string {
  const advice =
    workload.from === undefined
      ? ''
      : '; `resample: 1d` (--resample 1d) draws other jobs like these for every seed';
  return `All ${seeds} seeds gave the same, for nothing here is left to chance: intervals say nothing of other weeks${advice}.`;
}

async function runsOf(plan: Plan, sweeper: Sweeper, detail: boolean): Promise<(RunOutcome | undefined)[][]> {
  const groups = plan.cells.map((): (RunOutcome | undefined)[] => []);
  // Of each candidate one run is kept whole: that of the first seed.
  const tasks = plan.runs.map((run) => ({ plan: run, detail: detail && run.seed === plan.seeds[0] }));
  const outcomes = await sweeper.run(tasks);
  for (const [i, run] of plan.runs.entries()) groups[run.cell]!.push(outcomes[i]);
  return groups;
}

function candidateOf(name: string, outcomes: readonly RunOutcome[]): Candidate {
  const detail = outcomes.find(({ result }) => result)?.result;
  return { name, runs: outcomes.map(({ summary }) => summary), ...(detail && { detail }) };
}

const seeded = ({ runs }: Candidate, { key }: Metric): Seeded[] =>
  runs.map(({ seed, values }) => ({ seed, value: values[key] }));

/** The metric that matters first, then the other ones of short tables. */
function answerOf(candidate: Candidate, against: Candidate, first: Metric, whatIf: boolean): Answer {
  const others = metrics.filter((metric) => metric.short && metric !== first);
  return {
    candidate: candidate.name,
    against: against.name,
    whatIf,
    differences: [first, ...others].map((metric) =>
      differenceOf(metric, seeded(against, metric), seeded(candidate, metric)),
    ),
  };
}

/** Undefined: stopped. */
async function search(
  spec: ScenarioSpec,
  { placement, ordering }: Cell,
  goal: Goal,
  sweeper: Sweeper,
  { signal, say }: ScenarioOptions,
): Promise<{ found: Found; runs: ReadonlyMap<number, RunSummary[]> } | undefined> {
  const { shape, min, max } = spec.find!;
  const seeds = seedsOf(spec);
  const runs = new Map<number, RunSummary[]>();
  const run = async (count: number): Promise<number[]> => {
    const { variants: _variants, find: _find, ...rest } = spec;
    const changed: RunPlan['spec'] = count === 0 ? rest : { ...rest, nodes: { add: [{ shape, count }] } };
    const outcomes = await sweeper.run(
      seeds.map((seed) => ({ plan: { spec: changed, cell: 0, placement, ordering, seed }, detail: false })),
    );
    if (signal.aborted) throw new Stopped();
    const summaries = outcomes.map((outcome) => outcome!.summary);
    runs.set(count, summaries);
    return summaries.map(({ values }) => values[goal.metric.key]);
  };
  const onTrial = (trial: Trial): void => say?.(trialText(trial, goal, shape));
  try {
    return { found: await findSmallest(goal, { min, max, run, onTrial }), runs };
  } catch (error) {
    if (error instanceof Stopped) return undefined;
    throw error;
  }
}

class Stopped extends Error {}
