/** `coracle record`: watches any Kubernetes cluster into a file for `coracle sim`. It reads, and writes nothing to the cluster. */
import { ApiError } from '@coracle/machinery';
import { systemClock } from '@coracle/operator';
import type * as simulatorModule from '@coracle/simulator';
import type { RecordProgress, Recorder, RecordingFile } from '@coracle/simulator';
import type { Command } from 'commander';
import { dump } from 'js-yaml';
import { randomBytes } from 'node:crypto';
import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { withConnection } from '../connection.ts';
import { CliError, type CliContext, type Connection, type ConnectionOptions } from '../context.ts';

interface RecordFlags extends ConnectionOptions {
  out?: string;
  for?: string;
  anonymize?: boolean;
  append?: boolean;
  quiet?: boolean;
  printRbac?: boolean;
}

/** Loaded only when something is recorded: the simulator is no part of the other commands. */
type Simulator = typeof simulatorModule;

/** Adds `coracle record` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('record')
    .summary('record a cluster and its work, for coracle sim')
    .description(
      'Watches the nodes, pods and workloads of any Kubernetes cluster into a file, until Ctrl-C or --for is over. It only ' +
        'reads, and writes down what scheduling needs: no commands, environment, images, mounts or secrets.',
    )
    .option('-o, --out <file>', 'the file; compressed if it ends with .gz')
    .option('--for <time>', 'stop after so long: 90m, 24h, 7d (default: Ctrl-C)')
    .option('--anonymize', 'write names of nodes, pods, namespaces and your own labels as hashes')
    .option('--append', 'go on with a file of an earlier recording')
    .option('--quiet', 'no progress')
    .option('--print-rbac', 'print a ClusterRole with the rights it needs, and end')
    .addHelpText(
      'after',
      `
Examples:
  coracle record --out week.jsonl.gz --for 7d
  coracle record --context production --anonymize --out cluster.jsonl.gz
  coracle record --namespace research --out research.jsonl
  coracle sim --from week.jsonl.gz

It needs to list and watch pods; what else it may not read (nodes, jobs, pod groups, ...) it notes and goes without.
With -n it records one namespace, for which the role "view" is enough.`,
    )
    .action(async (_flags: RecordFlags, command: Command) => {
      const flags = command.optsWithGlobals<RecordFlags>();
      const simulator = await import('@coracle/simulator');
      if (flags.printRbac) {
        context.stdout.write(
          dump(simulator.recordingRole('coracle-record'), { lineWidth: -1, noRefs: true }),
        );
        return;
      }
      const { out, anonymize, append } = flags;
      if (out === undefined) throw new CliError('name the file to write: --out recording.jsonl.gz');
      if (anonymize && append) {
        throw new CliError('--append cannot go on with --anonymize: the same name would have another hash');
      }
      const forMs = flags.for === undefined ? undefined : simulator.readDuration(flags.for);
      if (flags.for !== undefined && !forMs)
        throw new CliError(`--for: "${flags.for}" is no time such as 90m or 24h`);
      await withConnection<RecordFlags>(context, command, (connection) =>
        record(context, connection, simulator, { ...flags, out, forMs }),
      );
    });
}

async function record(
  context: CliContext,
  connection: Connection,
  simulator: Simulator,
  {
    out,
    forMs,
    namespace,
    anonymize = false,
    append = false,
    quiet = false,
  }: RecordFlags & { out: string; forMs: number | undefined },
): Promise<void> {
  const clock = systemClock;
  const path = resolve(context.cwd, out);
  const file = await simulator.openRecordingFile(path, { clock, append }).catch((error: unknown) => {
    throw new CliError(fileProblem(path, append, error as NodeJS.ErrnoException), { cause: error });
  });
  const names = new simulator.Names(anonymize ? randomBytes(32) : undefined);
  const recorder = new simulator.Recorder({ write: (line) => file.write(line), names });
  const stop = new AbortController();
  const aborted = (): void => stop.abort();
  context.signal.addEventListener('abort', aborted, { once: true });
  if (context.signal.aborted) stop.abort();
  const cancel = forMs === undefined ? undefined : clock.after(forMs, aborted);
  const progress = showProgress(context, quiet, recorder, file, clock.now());
  try {
    await simulator.recordCluster({
      client: connection.client,
      recorder,
      clock,
      random: Math.random,
      signal: stop.signal,
      namespace,
      server: connection.server,
      onNote: (note) => context.stderr.write(`${progress.clear()}note: ${note}\n`),
      onListed: (counts) => {
        if (!quiet) context.stderr.write(`${progress.clear()}${listedText(counts, forMs)}\n`);
      },
      drained: () => file.drained(),
    });
  } catch (error) {
    // Nothing is in it that could be of use.
    if (!append) await rm(path, { force: true });
    if (error instanceof ApiError && error.code === 403) {
      throw new CliError(
        `pods may not be listed${namespace === undefined ? ' in all namespaces; -n NAMESPACE records one' : ` in ${namespace}`}. ` +
          `The rights it needs: coracle record --print-rbac. The server says: ${error.message}`,
        { cause: error },
      );
    }
    throw error;
  } finally {
    cancel?.();
    context.signal.removeEventListener('abort', aborted);
    context.stderr.write(progress.end());
    await file.close();
  }
  if (!quiet) {
    const { lines } = recorder.counts;
    context.stderr.write(
      `${out}: ${lines} ${append ? 'more ' : ''}lines, ${sizeText(file.bytes)}${append ? ' in all' : ''}. Next: coracle sim --from ${out}\n`,
    );
  }
}

function fileProblem(path: string, append: boolean, { code, message }: NodeJS.ErrnoException): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory())
    return `${path} is a folder; name a file in it`;
  if (code === 'EEXIST') return `${path} is there already; --append goes on with it`;
  if (code === 'ENOENT') {
    return append
      ? `${path} is not there: nothing to go on with`
      : `${path} cannot be made: there is no such folder`;
  }
  return `${path} cannot be written: ${message}`;
}

function listedText({ nodes, pods, owners }: RecordProgress, forMs: number | undefined): string {
  return `recording ${nodes} nodes, ${pods} pods, ${owners} workloads; ${forMs === undefined ? 'Ctrl-C ends it' : 'Ctrl-C ends it early'}`;
}

/** A line that is written over, on terminals only. */
function showProgress(
  { stderr }: CliContext,
  quiet: boolean,
  recorder: Recorder,
  file: RecordingFile,
  beganMs: number,
): { clear(): string; end(): string } {
  if (quiet || !stderr.isTTY) return { clear: () => '', end: () => '' };
  const erase = '\r\u001b[K';
  const timer = setInterval(() => {
    const { nodes, pods, lines } = recorder.counts;
    const seconds = Math.floor((Date.now() - beganMs) / 1000);
    const time = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((n) =>
      String(Math.floor(n)).padStart(2, '0'),
    );
    stderr.write(
      `${erase}${time.join(':')}  ${nodes} nodes  ${pods} pods  ${lines} lines  ${sizeText(file.bytes)}`,
    );
  }, 1000);
  return {
    clear: () => erase,
    end: () => {
      clearInterval(timer);
      return erase;
    },
  };
}

function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1 << 20 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}
