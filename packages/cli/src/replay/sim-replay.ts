/** What `coracle sim replay` does: a scenario through the simulator and through a live engine, and how far they differ. */
import { createSources, planOf, simulate, specOf, type RunPlan, type RunSpec } from '@coracle/simulator';
import { createLogger } from '@coracle/operator';
import { CliError, type CliContext } from '../context.ts';
import type { SimFlags } from '../sim/flags.ts';
import { scenarioOf, tellingMistakes } from '../sim/simulate.ts';
import { compare } from './compare.ts';
import { comparisonText } from './comparison-text.ts';
import { inOrderOfNames, runLive, whyNotLive } from './live-run.ts';

export interface ReplayFlags extends SimFlags {
  readonly pace?: number | 'real';
}

/** The queue of live clusters, unless another is to be held against it. */
const liveOrdering = 'kube-scheduler';

/** Throws CliError for what is the user's to mend. */
export async function replayScenario(
  context: CliContext,
  file: string | undefined,
  flags: ReplayFlags,
): Promise<void> {
  await tellingMistakes(() => run(context, file, flags));
}

async function run(context: CliContext, file: string | undefined, flags: ReplayFlags): Promise<void> {
  const { signal, stdout, stderr } = context;
  const { spec } = await scenarioOf(context, file, flags);
  const { variants: _, find: __, ordering = [liveOrdering], ...asItIs } = spec;
  const sources = createSources();
  for (const plan of firstSeeds(planOf({ ...asItIs, ordering }).runs)) {
    if (signal.aborted) break;
    const simulated: RunSpec = { ...specOf(plan, sources), stays: true };
    const runSpec = { ...simulated, cluster: inOrderOfNames(simulated.cluster) };
    const why = whyNotLive(runSpec);
    if (why !== undefined) throw new CliError(why);
    const result = simulate(runSpec);
    const shown = stderr.isTTY === true && !flags.quiet;
    const live = await runLive(runSpec, {
      pace: flags.pace ?? Infinity,
      logger: createLogger({ level: 'error', write: (line) => void stderr.write(line) }),
      signal,
      ...(shown && {
        progress: ({ nowMs, jobs, ended }) =>
          void stderr.write(`\r${ended} of ${jobs} jobs have ended, ${(nowMs / 1000).toFixed(0)} s`),
      }),
    });
    if (shown) stderr.write('\r\u001b[K');
    const seconds = (ms: number): string => (ms / 1000).toFixed(1);
    stdout.write(
      `${plan.placement} + ${plan.ordering}: ${result.jobs.ids.length} jobs, ${seconds(result.endMs)} s of the workload, ` +
        `live in ${seconds(live.tookMs)} s\n` +
        `${comparisonText(compare({ stays: result.stays! }, live, result.jobs.ids))}\n`,
    );
    if (signal.aborted) stdout.write('Stopped: what was not over by then is missing live.\n');
  }
  if (signal.aborted) context.setExitCode(130);
}

/** Of each pair of policies. */
function firstSeeds(runs: readonly RunPlan[]): RunPlan[] {
  const cells = new Map<number, RunPlan>();
  for (const run of runs) if (!cells.has(run.cell)) cells.set(run.cell, run);
  return [...cells.values()];
}
