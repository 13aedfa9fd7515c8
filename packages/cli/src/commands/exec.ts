/** `coracle exec`: runs a command in a container. */
import { Pod } from '@coracle/machinery/api';
import type { Client } from '@coracle/client';
import type { Command } from 'commander';
import { withConnection } from '../connection.ts';
import { CliError, type CliContext, type Connection } from '../context.ts';
import { chooseContainer, podSource } from '../log-source.ts';
import { terminalSizes } from '../terminal-sizes.ts';

interface ExecFlags {
  container?: string;
  stdin?: boolean;
  tty?: boolean;
  quiet?: boolean;
}

/** Adds `coracle exec` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('exec')
    .summary('run a command in a container')
    .description("Runs a command in a container of a pod. The exit code is the command's.")
    .argument('<pod>', 'POD, or TYPE/NAME of a workload: its first running pod')
    .argument('[command...]', 'after --: the command and its arguments')
    .option('-c, --container <name>', 'the container; else the first')
    .option('-i, --stdin', 'pass standard input on')
    .option('-t, --tty', 'give the command a terminal')
    .option('-q, --quiet', 'print nothing but what the command prints')
    .addHelpText(
      'after',
      `
Examples:
  coracle exec web-0 -- ls /
  coracle exec -it web-0 -- sh
  echo hello | coracle exec -i job/train -c main -- cat`,
    )
    .action((pod: string, words: string[], _flags: ExecFlags, command: Command) =>
      withConnection<ExecFlags>(context, command, (connection, flags) =>
        exec(context, connection, pod, context.argvAfterDashes ?? words, flags),
      ),
    );
}

async function exec(
  context: CliContext,
  { client, namespace }: Connection,
  word: string,
  words: readonly string[],
  flags: ExecFlags,
): Promise<void> {
  if (words.length === 0)
    throw new CliError(`what to run? Write the command after --: coracle exec ${word} -- COMMAND`);
  const { signal, stdin } = context;
  const pod = await runningPod(client, word, namespace, signal);
  const container = chooseContainer(pod, flags.container);
  const terminal = stdin.isTTY === true;
  const tty = flags.tty === true && flags.stdin === true && terminal;
  if (flags.tty && !terminal && !flags.quiet) {
    context.stderr.write('standard input is no terminal: the command gets none either\n');
  }
  // A raw terminal hands Ctrl-C on to the command instead of ending this one.
  if (tty) stdin.setRawMode?.(true);
  const done = new AbortController();
  try {
    const code = await client.exec(pod.metadata.name, {
      namespace,
      container,
      command: [...words],
      tty,
      signal,
      stdout: (chunk) => void context.stdout.write(chunk),
      ...(tty ? { resize: terminalSizes(context.stdout, done.signal) } : {}),
      ...(tty ? {} : { stderr: (chunk: Uint8Array) => void context.stderr.write(chunk) }),
      ...(flags.stdin ? { stdin } : {}),
    });
    if (code !== 0 && !flags.quiet) context.stderr.write(`the command ended with exit code ${code}\n`);
    context.setExitCode(code);
  } finally {
    done.abort();
    if (tty) stdin.setRawMode?.(false);
    // An open standard input would keep the process alive.
    if (flags.stdin) stdin.destroy();
  }
}

async function runningPod(
  client: Client,
  word: string,
  namespace: string,
  signal: AbortSignal,
): Promise<Pod> {
  const source = await podSource(client, word, namespace, signal);
  if (source.pod) return source.pod;
  const { labelSelector, fieldSelector } = source;
  const { items } = await client.list(Pod, { namespace, labelSelector, fieldSelector, signal });
  const running = items.find(({ status }) => status?.phase === 'Running');
  if (running) return running;
  const states = items.map(({ metadata, status }) => `${metadata.name} (${status?.phase ?? 'Pending'})`);
  throw new CliError(
    `${source.text} has no running pod${states.length > 0 ? `; there are ${states.join(', ')}` : ''}`,
  );
}
