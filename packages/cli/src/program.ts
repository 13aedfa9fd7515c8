/** The command line: which commands there are, what they share, and how an error ends the process. */
import { ConnectionError } from '@coracle/client';
import { ApiError } from '@coracle/machinery';
import { Command, CommanderError } from 'commander';
import { CliError } from './context.ts';
import type { CliContext } from './context.ts';
import { connect } from './connect.ts';
import { version } from './version.ts';

type Registration = { register(program: Command, context: CliContext): void };

/** Commands by name; each is loaded only when it is asked for (help loads them all). */
const commands: Record<string, () => Promise<Registration>> = {
  demo: () => import('./commands/demo.ts'),
  up: () => import('./commands/up.ts'),
  down: () => import('./commands/down.ts'),
  run: () => import('./commands/run.ts'),
  get: () => import('./commands/get.ts'),
  describe: () => import('./commands/describe.ts'),
  logs: () => import('./commands/logs.ts'),
  apply: () => import('./commands/apply.ts'),
  delete: () => import('./commands/delete.ts'),
  wait: () => import('./commands/wait.ts'),
  exec: () => import('./commands/exec.ts'),
  'port-forward': () => import('./commands/port-forward.ts'),
  top: () => import('./commands/top.ts'),
  explain: () => import('./commands/explain.ts'),
  scheduler: () => import('./commands/scheduler.ts'),
  sim: () => import('./commands/sim.ts'),
  record: () => import('./commands/record.ts'),
  kubeconfig: () => import('./commands/kubeconfig.ts'),
  completion: () => import('./commands/completion.ts'),
};

/** Runs one command line and sets the exit code of the process. */
export async function main(argv: readonly string[]): Promise<void> {
  const stop = new AbortController();
  let interrupts = 0;
  const interrupt = (): void => {
    interrupts += 1;
    // The second Ctrl-C does not wait for anybody.
    if (interrupts > 1) process.exit(130);
    stop.abort();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  // `coracle logs | head`: the reader has what it wants.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
  });
  const dashes = argv.indexOf('--');
  const context: CliContext = {
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: stop.signal,
    argvAfterDashes: dashes < 0 ? undefined : argv.slice(dashes + 1),
    connect: (options) => connect(options, process.env),
    setExitCode: (code) => {
      process.exitCode = code;
    },
  };
  try {
    const program = await createProgram(argv, context);
    await program.parseAsync(argv as string[], { from: 'user' });
  } catch (error) {
    process.exitCode = reportError(error, context);
    // Timers of what was coming up when it was interrupted must not keep the process.
    if (stop.signal.aborted) process.exit();
  }
  process.off('SIGINT', interrupt);
  process.off('SIGTERM', interrupt);
}

/** The commander program for these words: with the one command they name, or with all. */
export async function createProgram(argv: readonly string[], context: CliContext): Promise<Command> {
  const program = new Command('coracle')
    .description('The cluster for machine-learning and HPC work that one person can carry.')
    .version(version, '-V, --version', 'print the version')
    .option('--kubeconfig <path>', 'kubeconfig to use; else $KUBECONFIG, else ~/.kube/config')
    .option('--context <name>', 'context of the kubeconfig')
    .option('-n, --namespace <name>', "namespace; else the context's")
    .enablePositionalOptions(false)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .showHelpAfterError('(coracle --help, or coracle COMMAND --help, shows how)')
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
    })
    .addHelpText(
      'after',
      `
Examples:
  coracle up --fake-gpus 4              start the engine; kubectl works at once
  coracle run examples/digits/trainjob.yaml
  coracle run --workers 4 -- python3 train.py
  coracle get pods -A`,
    );
  // Every word that is a command's name: `-n run get pods` has two, and which one is meant commander knows.
  const named = [...new Set(argv.filter((part) => Object.hasOwn(commands, part)))];
  const all = named.length === 0 || argv[0] === 'help' || argv[0] === '__complete';
  const wanted = all ? Object.keys(commands) : named;
  for (const module of await Promise.all(wanted.map((name) => commands[name]?.()))) {
    module?.register(program, context);
  }
  return program;
}

/** Prints an error for people and returns the exit code. */
function reportError(error: unknown, context: CliContext): number {
  if (error instanceof CommanderError) return error.exitCode;
  if (context.signal.aborted) return 130;
  if (error instanceof CliError) {
    context.stderr.write(`coracle: ${error.message}\n`);
    return error.exitCode;
  }
  if (error instanceof ApiError) {
    context.stderr.write(`coracle: the server refused (${error.reason}): ${error.message}\n`);
    return 1;
  }
  if (error instanceof ConnectionError) {
    context.stderr.write(
      `coracle: no answer from the cluster: ${error.message}\nIs an engine running? Start one with: coracle up\n`,
    );
    return 1;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  context.stderr.write(`coracle: this is a bug, please report it:\n${text}\n`);
  return 70;
}
