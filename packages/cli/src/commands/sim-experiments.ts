/** `coracle sim openb` and `coracle sim muri`: published experiments run again, the published figures beside ours. */
import type * as simulatorModule from '@coracle/simulator';
import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { resolve } from 'node:path';
import { CliError, type CliContext } from '../context.ts';
import { commas, whole } from '../sim/option-values.ts';

/** Loaded only when an experiment is run. */
type Simulator = typeof simulatorModule;

interface Flags {
  workload?: string[];
  policy?: string[];
  trace?: string[];
  all?: boolean;
  seeds?: number;
  threads?: number;
  csv?: string;
  quiet?: boolean;
}

/** Adds `openb` and `muri` to `coracle sim`. */
export function registerExperiments(sim: Command, context: CliContext): void {
  add(sim, context, openb, {
    name: 'openb',
    summary: 'the GPU-sharing experiment of FGD (USENIX ATC 2023), published figures beside ours',
    about:
      'Fills a cluster with the pods of the openb traces, which share cards, under six placement policies, and prints how much of ' +
      'the cards is in use and how much of the rest is fragments, for each published figure.',
    folder: 'the traces: openb_node_list_gpu_node.csv, openb_pod_list_*.csv, published.csv',
    options: (command) =>
      command
        .option('--workload <names>', 'which pod lists, by commas (default: default)', commas('--workload'))
        .option('--all', 'all workloads there are published figures of')
        .option(
          '--policy <names>',
          'which policies, by commas (default: the six published)',
          commas('--policy'),
        )
        .option('--seeds <n>', 'runs of each (default: 10, as published)', whole('--seeds', 1)),
    examples: ['traces/openb', 'traces/openb --all --csv openb.csv'],
  });
  add(sim, context, muri, {
    name: 'muri',
    summary: 'the training-job experiment of Muri (SIGCOMM 2022), published figures beside ours',
    about:
      'Runs jobs of a log of training jobs on 64 cards under SRTF, SRSF, Tiresias and Themis, and prints their mean completion ' +
      'times beside the published ones.',
    folder: 'the traces: trace1.csv, ..., published.json',
    options: (command) =>
      command
        .option('--trace <names>', 'which traces, by commas (default: all in the folder)', commas('--trace'))
        .option(
          '--policy <names>',
          'which policies, by commas (default: SRTF,SRSF,Tiresias_L,Themis)',
          commas('--policy'),
        ),
    examples: ['traces/muri', 'traces/muri --trace trace1 --policy SRTF,SRSF'],
  });
}

type Experiment = (simulator: Simulator, flags: Flags, options: Options) => Promise<Told>;

interface About {
  readonly name: string;
  readonly summary: string;
  readonly about: string;
  readonly folder: string;
  /** Its own; those of all follow. */
  readonly options: (command: Command) => Command;
  readonly examples: readonly string[];
}

function add(sim: Command, context: CliContext, experiment: Experiment, told: About): void {
  const { name, summary, about, folder, options, examples } = told;
  options(sim.command(name).summary(summary).description(about).argument('<folder>', folder))
    .option('--threads <n>', 'runs at a time (default: one a core)', whole('--threads', 1))
    .option('--csv <file>', 'write all figures as CSV; - is standard output')
    .option('--quiet', 'no progress')
    .addHelpText('after', `\nExamples:${examples.map((line) => `\n  coracle sim ${name} ${line}`).join('')}`)
    .action(async (folder: string, _flags: unknown, command: Command) => {
      await run(context, command.optsWithGlobals<Flags>(), folder, experiment);
    });
}

interface Told {
  readonly text: string;
  readonly csv: string;
}

interface Options {
  readonly folder: string;
  readonly threads: number;
  readonly finished: (done: number, of: number) => void;
}

async function run(context: CliContext, flags: Flags, folder: string, experiment: Experiment): Promise<void> {
  const simulator = await import('@coracle/simulator');
  const path = resolve(context.cwd, folder);
  if (!existsSync(path)) throw new CliError(`there is no folder ${folder}`);
  const shown = context.stderr.isTTY === true && !flags.quiet;
  const finished = (done: number, of: number): void => {
    if (shown) context.stderr.write(`\r${done} of ${of} runs${done === of ? '\n' : ''}`);
  };
  const begun = performance.now();
  try {
    const threads = flags.threads ?? availableParallelism();
    const { text, csv } = await experiment(simulator, flags, { folder: path, threads, finished });
    const seconds = ((performance.now() - begun) / 1000).toFixed(1);
    if (flags.csv === '-') context.stdout.write(csv);
    else {
      context.stdout.write(`${text}${seconds} s on ${threads} threads\n`);
      if (flags.csv !== undefined) await writeFile(resolve(context.cwd, flags.csv), csv);
    }
  } catch (error) {
    if (error instanceof simulator.InputError) throw new CliError(error.message, { cause: error });
    throw error;
  }
}

async function openb(simulator: Simulator, flags: Flags, options: Options): Promise<Told> {
  const { openbCells, openbCsv, openbPolicies, openbText, openbWorkloads, runOpenbExperiment } = simulator;
  const known = [...openbPolicies, 'FirstFit' as const];
  const there = openbWorkloads(options.folder);
  const published = new Set(openbCells(options.folder).map(({ workload }) => workload));
  const workloads = flags.all
    ? there.filter((name) => published.has(name))
    : chosen('workload', flags.workload ?? ['default'], there);
  const policies = chosen('policy', flags.policy, known);
  const result = await runOpenbExperiment({
    ...options,
    workloads,
    policies: flags.policy ? policies : openbPolicies,
    ...(flags.seeds !== undefined && { seeds: Array.from({ length: flags.seeds }, (_, i) => 42 + i) }),
  });
  return { text: openbText(result), csv: openbCsv(result) };
}

async function muri(simulator: Simulator, flags: Flags, options: Options): Promise<Told> {
  const { muriCsv, muriPolicies, muriText, muriTraces, runMuriExperiment } = simulator;
  const cells = await runMuriExperiment({
    ...options,
    policies: chosen('policy', flags.policy, muriPolicies),
    traces: chosen('trace', flags.trace, muriTraces(options.folder)),
  });
  return { text: muriText(cells), csv: muriCsv(cells) };
}

/** All that there are where nothing is asked for. */
function chosen<T extends string>(
  what: string,
  names: readonly string[] | undefined,
  known: readonly T[],
): T[] {
  if (!names) return [...known];
  return names.map((name) => {
    const found = known.find((each) => each.toLowerCase() === name.toLowerCase());
    if (found === undefined)
      throw new CliError(
        `there is no ${what} "${name}"; there ${known.length === 1 ? 'is' : 'are'} ${known.join(', ') || 'none'}`,
      );
    return found;
  });
}
