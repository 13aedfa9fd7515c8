/** `coracle sim`: what a cluster would do with some work, in virtual time, under policies and changes to compare. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import type { SimFlags } from '../sim/flags.ts';
import { collect, commas, whole } from '../sim/option-values.ts';
import { registerExperiments } from './sim-experiments.ts';
import { registerReplay } from './sim-replay.ts';

/** Adds `coracle sim` to the program. */
export function register(program: Command, context: CliContext): void {
  const sim = program
    .command('sim')
    .summary('simulate a cluster and its work, and compare policies and changes')
    .description(
      'Runs a workload through a cluster in virtual time, decided by the scheduler that runs live ones, and says how long jobs ' +
        'wait, how well the cards are used, and what other policies or other nodes would change.',
    )
    .argument('[scenario]', 'a scenario file (YAML); flags go before what it says')
    .option('--from <file>', 'the jobs: a trace, or a recording of a cluster (coracle record)')
    .option('--format <name>', 'what that file is; default: found by its content')
    .option(
      '--mapping <mapping>',
      "which column of a table is what: a file, or 'id=job,submit=created:date,run=minutes:min,gpus=gpus'",
    )
    .option('--lenient', 'skip and count rows that cannot be read instead of stopping at the first')
    .option(
      '--nodes <n>',
      'so many nodes of --shape; default: those of the recording or trace',
      whole('--nodes', 0),
    )
    .option('--shape <shape>', 'what nodes: a card and how many (a100x8), or cores (cpu64)')
    .option('--cluster <file>', 'the nodes: Node objects (kubectl get nodes -o yaml), a recording or a list')
    .option(
      '--placement <names>',
      'placement policies to compare, by commas (default: default)',
      commas('--placement'),
    )
    .option(
      '--ordering <names>',
      'ordering policies to compare, by commas (default: fifo)',
      commas('--ordering'),
    )
    .option(
      '--seeds <n>',
      'runs of each with different random numbers, for intervals (default: 1)',
      whole('--seeds', 1),
    )
    .option('--first-seed <n>', 'seeds count from here (default: 1)', whole('--first-seed', 0))
    .option('--until <time>', 'end of the run: 30d, 4h (default: when all jobs have ended)')
    .option('--jobs <n>', 'only so many of the first jobs', whole('--jobs', 1))
    .option('--resample <time>', 'other jobs like these for every seed: stretches of them (1d), drawn anew')
    .option(
      '--checkpoint <time>',
      'jobs save their work so often: 30m (default: as the input says, else never)',
    )
    .option('--preemption', 'waiting jobs of higher priority evict running ones of lower')
    .option(
      '--speed <model=factor>',
      'how fast jobs run on cards of a model, against what the input says: h100=1.9; may be repeated',
      collect,
    )
    .option('--add <nodes>', 'what if there were more nodes: 8xh100x8; may be repeated', collect)
    .option('--remove <nodes>', 'what if there were fewer: 4xa100x8 (of that pool); may be repeated', collect)
    .option('--swap <pool=shape>', 'what if they were others: v100x8=h100x8; may be repeated', collect)
    .option('--arrivals <factor>', 'what if jobs came so many times as fast: 1.2; may be repeated', collect)
    .option('--durations <factor>', 'what if jobs took so many times as long: 0.8; may be repeated', collect)
    .option('--find <goal>', 'the fewest nodes of --shape to add so that, for example, p95-wait<1h')
    .option('--find-shape <shape>', 'what nodes --find adds (default: --shape)')
    .option('--report <file>', 'write a page (HTML) that opens in any browser, without a network')
    .option('--json <file>', 'write all figures as JSON; - is standard output')
    .option('--csv <file>', 'write every metric of what is compared as CSV; - is standard output')
    .option(
      '--jobs-csv <file>',
      'write every job of the first seed of what is compared as CSV; - is standard output',
    )
    .option('--all', 'show every metric, not only those that decide')
    .option('--threads <n>', 'runs at a time (default: one a core)', whole('--threads', 1))
    .option('--save <file>', 'of a single run: where it is, to go on with --resume later')
    .option('--resume <file>', 'go on from a file of --save, with the same scenario and flags')
    .option('--quiet', 'no progress')
    .addHelpText(
      'after',
      `
Examples:
  coracle sim --from week.jsonl.gz
  coracle sim --from jobs.csv --mapping 'submit=created:date,run=minutes:min,gpus=gpus' --nodes 16 --shape a100x8
  coracle sim --from week.jsonl.gz --ordering fifo,srtf,easy --seeds 5 --report out.html
  coracle sim --from week.jsonl.gz --add 8xh100x8 --add 16xh100x8
  coracle sim --from week.jsonl.gz --swap a100x8=h100x8 --speed h100=1.9
  coracle sim --from jobs.swf --nodes 100 --shape cpu64 --find 'p95-wait<1h'
  coracle sim scenario.yaml
  coracle sim list
  coracle sim schema > scenario.schema.json`,
    )
    .action(async (file: string | undefined, _flags: unknown, command: Command) => {
      const { simulate } = await import('../sim/simulate.ts');
      await simulate(context, file, command.optsWithGlobals<SimFlags>());
    });
  sim
    .command('schema')
    .summary('print the JSON schema of scenario files')
    .description(
      'Prints the JSON schema of scenario files, for editors: `# yaml-language-server: $schema=FILE` as a first line.',
    )
    .addHelpText('after', '\nExamples:\n  coracle sim schema > scenario.schema.json')
    .action(async () => {
      const { scenarioJsonSchema } = await import('@coracle/simulator');
      context.stdout.write(`${JSON.stringify(scenarioJsonSchema(), null, 2)}\n`);
    });
  sim
    .command('list')
    .summary('print the policies, shapes and metrics there are')
    .description(
      'Prints the names of placement and ordering policies, cards of shapes, metrics of goals, and formats.',
    )
    .addHelpText('after', '\nExamples:\n  coracle sim list')
    .action(async () => {
      const { simNames } = await import('../sim/names.ts');
      context.stdout.write(simNames());
    });
  registerExperiments(sim, context);
  registerReplay(sim, context);
}
