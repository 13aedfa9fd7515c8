/** `coracle logs`: what containers have printed, of one pod or of many merged. */
import type { Client } from '@coracle/client';
import { isReason } from '@coracle/machinery';
import { Pod } from '@coracle/machinery/api';
import type { Command } from 'commander';
import { withConnection } from '../connection.ts';
import { CliError, type CliContext, type Connection } from '../context.ts';
import { followLogs } from '../follow-logs.ts';
import { eachLine } from '../log-lines.ts';
import { chooseContainer, podSource, type PodSource } from '../log-source.ts';
import { styleFor } from '../print/style.ts';
import { parseTimeout } from '../timeout.ts';
import { waitForObject } from '../wait-for.ts';

interface LogsFlags {
  follow?: boolean;
  container?: string;
  allContainers?: boolean;
  previous?: boolean;
  tail?: string;
  since?: string;
  timestamps?: boolean;
  selector?: string;
  prefix?: boolean;
  limitBytes?: string;
}

/** Adds `coracle logs` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('logs')
    .summary('show what containers print')
    .description(
      'Shows the log of a pod, or of all pods of a workload, merged, each line with its pod before it.',
    )
    .argument('[pod]', 'POD, or TYPE/NAME of a workload: job/a, trainjob/b, deployment/c')
    .argument('[container]', 'the container; else the first')
    .option('-f, --follow', 'go on until the containers end')
    .option('-c, --container <name>', 'the container; else the first')
    .option('--all-containers', 'every container, init containers too')
    .option('-p, --previous', 'of the run before the last restart')
    .option('--tail <n>', 'only the last n lines of each container')
    .option('--since <duration>', 'only lines newer than this, like 10m')
    .option('--timestamps', "each line's time")
    .option('-l, --selector <labels>', 'of all pods with these labels')
    .option('--prefix', 'name the pod before each line, also for a single one')
    .option('--limit-bytes <n>', 'no more than this of each container')
    .addHelpText(
      'after',
      `
Examples:
  coracle logs web-0
  coracle logs -f trainjob/digits
  coracle logs -l app=web --tail 20 --all-containers
  coracle logs -p web-0 -c main`,
    )
    .action((pod: string | undefined, container: string | undefined, _flags: LogsFlags, command: Command) =>
      withConnection<LogsFlags>(context, command, (connection, flags) =>
        logs(context, connection, pod, { ...flags, ...(container ? { container } : {}) }),
      ),
    );
}

async function logs(
  context: CliContext,
  { client, namespace }: Connection,
  word: string | undefined,
  flags: LogsFlags,
): Promise<void> {
  if ((word === undefined) === (flags.selector === undefined)) {
    throw new CliError(
      'name one pod or workload (POD, TYPE/NAME), or give labels with -l   (see coracle logs --help)',
    );
  }
  const { signal } = context;
  const source: PodSource =
    word === undefined
      ? { namespace, labelSelector: flags.selector ?? '', text: `pods with ${flags.selector}` }
      : await podSource(client, word, namespace, signal);
  const options = callOptions(flags, namespace);
  const print = printer(context, flags, source);
  if (flags.follow && !source.pod) {
    const chosen = (pod: Pod): string[] => containersOf(pod, flags);
    await followLogs(client, source, { ...options, follow: true }, chosen, print, signal);
    return;
  }
  const pods = source.pod ? [source.pod] : await podsThereAre(client, source, signal);
  if (source.pod && flags.follow && !flags.previous) await untilStarted(client, source.pod, flags, signal);
  const work = async (pod: Pod, container: string): Promise<void> => {
    try {
      const chunks = client.logs(pod.metadata.name, { ...options, container, follow: flags.follow, signal });
      await eachLine(chunks, (line) => print(pod, container, line));
    } catch (error) {
      if (signal.aborted) return;
      // One container that has not begun does not hide the logs of the others.
      const many = pods.length > 1 || flags.allContainers;
      if (!many || !(isReason(error, 'BadRequest') || isReason(error, 'NotFound'))) throw error;
      context.stderr.write(`${pod.metadata.name}/${container}: ${error.message}\n`);
    }
  };
  const each = pods.flatMap((pod) => containersOf(pod, flags).map((container) => [pod, container] as const));
  if (flags.follow) await Promise.all(each.map(([pod, container]) => work(pod, container)));
  else for (const [pod, container] of each) await work(pod, container);
}

type CallOptions = Omit<Parameters<Client['logs']>[1], 'container' | 'follow' | 'signal'>;

function callOptions(flags: LogsFlags, namespace: string): CallOptions {
  const sinceMs = parseTimeout(flags.since);
  const number = (name: string, text: string | undefined): number | undefined => {
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!Number.isInteger(value)) throw new CliError(`--${name} "${text}" is no whole number`);
    return value < 0 ? undefined : value;
  };
  return {
    namespace,
    previous: flags.previous,
    timestamps: flags.timestamps,
    tailLines: number('tail', flags.tail),
    limitBytes: number('limit-bytes', flags.limitBytes),
    sinceSeconds: sinceMs === undefined ? undefined : Math.max(1, Math.ceil(sinceMs / 1000)),
  };
}

function containersOf(pod: Pod, flags: LogsFlags): string[] {
  if (!flags.allContainers) return [chooseContainer(pod, flags.container)];
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(({ name }) => name);
}

async function podsThereAre(client: Client, source: PodSource, signal: AbortSignal): Promise<Pod[]> {
  const { namespace, labelSelector, fieldSelector } = source;
  const { items } = await client.list(Pod, { namespace, labelSelector, fieldSelector, signal });
  if (items.length === 0) throw new CliError(`${source.text}: no pods in namespace ${namespace}`);
  return items.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** A pod just made has no log yet; following it waits for the container to start. */
async function untilStarted(client: Client, pod: Pod, flags: LogsFlags, signal: AbortSignal): Promise<void> {
  const [container] = containersOf(pod, flags);
  const { name, namespace } = pod.metadata;
  await waitForObject(
    client,
    Pod as never,
    { name, namespace },
    (object) => {
      const status = (object as unknown as Pod | undefined)?.status;
      const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
      const state = all.find((one) => one.name === container);
      return (
        object === undefined ||
        state?.state?.running !== undefined ||
        state?.state?.terminated !== undefined ||
        Boolean(state?.lastState?.terminated)
      );
    },
    { signal },
  );
}

/** Writes a line, with its pod and container before it when lines of several are mixed. Each pod has its colour. */
function printer(
  context: CliContext,
  flags: LogsFlags,
  source: PodSource,
): (pod: Pod, container: string, line: string) => void {
  const style = styleFor(context.stdout, context.env);
  const prefixed = flags.prefix || !source.pod;
  const numbers = new Map<string, number>();
  return (pod, container, line) => {
    if (!prefixed && !flags.allContainers) {
      context.stdout.write(`${line}\n`);
      return;
    }
    const parts = [
      ...(prefixed ? [pod.metadata.name] : []),
      ...(flags.allContainers || flags.prefix ? [container] : []),
    ];
    const who = parts.join('/');
    if (!numbers.has(who)) numbers.set(who, numbers.size);
    context.stdout.write(`${style.nth(numbers.get(who) ?? 0, `[${who}]`)} ${line}\n`);
  };
}
