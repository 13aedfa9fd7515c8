/** `coracle down`: ends the engine that runs in a data folder. */
import type { Command } from 'commander';
import { lockHolder } from '@coracle/store';
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError } from '../context.ts';
import type { CliContext } from '../context.ts';
import { homeOf } from '../engine/home.ts';
import { livingEngine } from '../engine/living-engine.ts';

/** Adds `coracle down` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('down')
    .summary('stop the engine')
    .description(
      'Stops the engine and the containers it runs. What is stored stays, and `coracle up` goes on from there: jobs of the built-in runtimes that ran start over.',
    )
    .option('--data <folder>', 'data folder of the engine; else $CORACLE_HOME, else ~/.coracle')
    .option('--timeout <seconds>', 'how long to wait for the containers to end', secondsOf, 60)
    .addHelpText('after', '\nExample:\n  coracle down')
    .action(async (flags: { data?: string; timeout: number }) => {
      const home = homeOf(flags.data, context.env);
      const engine = await livingEngine(home);
      if (!engine) {
        context.stdout.write(`no engine runs in ${home.root}\n`);
        return;
      }
      try {
        process.kill(engine.pid, 'SIGTERM');
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code !== 'EPERM') throw cause;
        throw new CliError(`the engine (process ${engine.pid}) belongs to another user`, { cause });
      }
      const deadline = Date.now() + flags.timeout * 1000;
      // Not only until its note is gone: the next `coracle up` needs the port, and the store, which it closes last.
      const holds = (): boolean => lockHolder(home.store) === engine.pid;
      while (holds() && !context.signal.aborted) {
        if (Date.now() > deadline) {
          throw new CliError(
            `the engine (process ${engine.pid}) has not ended in ${flags.timeout} s; \`kill -9 ${engine.pid}\` ends it and loses nothing that was acknowledged`,
          );
        }
        await sleep(50);
      }
      if (holds()) return;
      context.stdout.write('the engine has stopped\n');
    });
}

function secondsOf(text: string): number {
  const value = Number(text);
  if (!(value >= 0) || text === '') throw new CliError(`"${text}" is not a number of seconds`);
  return value;
}
