/** `coracle sim replay`: the simulator held against a live cluster. */
import type { Command } from 'commander';
import { CliError, type CliContext } from '../context.ts';
import type { ReplayFlags } from '../replay/sim-replay.ts';

/** Adds `replay` to `coracle sim`. */
export function registerReplay(sim: Command, context: CliContext): void {
  sim
    .command('replay')
    .summary('run a scenario through a live virtual cluster and hold the simulator against it')
    .description(
      'Runs the jobs of a scenario through a whole engine in this process (API server, scheduler, controllers, virtual nodes) and ' +
        'through the simulator, and says which pods are on the same node and how far the times differ. The flags of `coracle sim` ' +
        'that say jobs, nodes and policies are taken; variants are left out. The ordering is kube-scheduler unless another is named.',
    )
    .argument('[scenario]', 'a scenario file (YAML)')
    .option(
      '--pace <n>',
      'seconds of the workload in one, on a clock that stands still while the engine is at work; max (the default): no pauses; real: by the ' +
        "machine's clock",
      pace,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  coracle sim replay scenario.yaml\n  coracle sim replay --from recording.jsonl --jobs 500\n' +
        '  coracle sim replay scenario.yaml --pace real --placement default,fgd',
    )
    .action(async (file: string | undefined, _flags: unknown, command: Command) => {
      const { replayScenario } = await import('../replay/sim-replay.ts');
      await replayScenario(context, file, command.optsWithGlobals<ReplayFlags>());
    });
}

function pace(text: string): number | 'real' {
  if (text === 'max') return Infinity;
  if (text === 'real') return 'real';
  const value = Number(text);
  if (!(value > 0) || text === '') throw new CliError(`--pace "${text}": a number above 0, max or real`);
  return value;
}
