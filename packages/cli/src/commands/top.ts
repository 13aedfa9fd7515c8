/** `coracle top`: CPU and memory in use. */
import type { Client } from '@coracle/client';
import { milliOf, valueOf_ } from '@coracle/machinery';
import { Node, Pod } from '@coracle/machinery/api';
import type { Command } from 'commander';
import { withConnection } from '../connection.ts';
import type { CliContext, Connection } from '../context.ts';
import { alignColumns } from '../print/columns.ts';
import { nodeUsage, podUsage, type Usage } from '../usage.ts';

interface TopFlags {
  allNamespaces?: boolean;
  selector?: string;
  containers?: boolean;
  sortBy?: string;
  /** commander's form of --no-headers. */
  headers: boolean;
}

/** Adds `coracle top` to the program. */
export function register(program: Command, context: CliContext): void {
  const top = program
    .command('top')
    .summary('show CPU and memory in use')
    .description(
      'Shows what nodes or pods use, from the metrics API where one is served, else from the nodes themselves.',
    )
    .addHelpText('after', '\nExamples:\n  coracle top nodes\n  coracle top pods -A');
  top
    .command('nodes')
    .aliases(['node', 'no'])
    .description('CPU and memory of nodes.')
    .argument('[name]', 'one node')
    .option('-l, --selector <labels>', 'only nodes with these labels')
    .option('--sort-by <column>', 'cpu or memory, most first')
    .option('--no-headers', 'leave the line of column names out')
    .addHelpText('after', '\nExample:\n  coracle top nodes --sort-by memory')
    .action((name: string | undefined, _flags: TopFlags, command: Command) =>
      withConnection<TopFlags>(context, command, (connection, flags) =>
        topNodes(context, connection, name, flags),
      ),
    );
  top
    .command('pods')
    .aliases(['pod', 'po'])
    .description('CPU and memory of pods.')
    .argument('[name]', 'one pod')
    .option('-A, --all-namespaces', 'in every namespace')
    .option('-l, --selector <labels>', 'only pods with these labels')
    .option('--containers', 'a line for each container')
    .option('--sort-by <column>', 'cpu or memory, most first')
    .option('--no-headers', 'leave the line of column names out')
    .addHelpText('after', '\nExample:\n  coracle top pods -A --containers')
    .action((name: string | undefined, _flags: TopFlags, command: Command) =>
      withConnection<TopFlags>(context, command, (connection, flags) =>
        topPods(context, connection, name, flags),
      ),
    );
}

async function topNodes(
  context: CliContext,
  { client }: Connection,
  name: string | undefined,
  flags: TopFlags,
): Promise<void> {
  const nodes = await chosenNodes(client, name, flags, context.signal);
  const usage = await nodeUsage(client, nodes, context.signal);
  const rows = bySize(nodes, flags, (node) => usage.of.get(node.metadata.name)).map((node) => {
    const { cpu, memory } = node.status?.allocatable ?? {};
    const used = usage.of.get(node.metadata.name);
    if (!used) return [node.metadata.name, '<unknown>', '<unknown>', '<unknown>', '<unknown>'];
    return [
      node.metadata.name,
      cpuText(used),
      percent(used.cpuNano / 1e6, milliOf(cpu)),
      memoryText(used),
      percent(used.memoryBytes, valueOf_(memory)),
    ];
  });
  show(context, ['NAME', 'CPU(cores)', 'CPU(%)', 'MEMORY(bytes)', 'MEMORY(%)'], rows, flags, usage.problems);
}

async function topPods(
  context: CliContext,
  { client, namespace }: Connection,
  name: string | undefined,
  flags: TopFlags,
): Promise<void> {
  const { signal } = context;
  const space = flags.allNamespaces ? undefined : namespace;
  const pods = name
    ? [await client.get(Pod, name, { namespace, signal })]
    : (await client.list(Pod, { namespace: space, labelSelector: flags.selector, signal })).items;
  const usage = await podUsage(client, pods, space, signal);
  const known = pods.filter(({ metadata }) => usage.of.has(`${metadata.namespace}/${metadata.name}`));
  const of = (pod: Pod): ReadonlyMap<string, Usage> =>
    usage.of.get(`${pod.metadata.namespace}/${pod.metadata.name}`) ?? new Map();
  const rows = bySize(known, flags, (pod) => sum(of(pod).values())).flatMap((pod) => {
    const start = [...(flags.allNamespaces ? [pod.metadata.namespace ?? ''] : []), pod.metadata.name];
    if (!flags.containers) {
      const total = sum(of(pod).values());
      return [[...start, cpuText(total), memoryText(total)]];
    }
    return [...of(pod)].map(([container, used]) => [...start, container, cpuText(used), memoryText(used)]);
  });
  const headers = [
    ...(flags.allNamespaces ? ['NAMESPACE'] : []),
    flags.containers ? 'POD' : 'NAME',
    ...(flags.containers ? ['NAME'] : []),
    'CPU(cores)',
    'MEMORY(bytes)',
  ];
  show(context, headers, rows, flags, usage.problems);
}

function show(
  context: CliContext,
  headers: string[],
  rows: string[][],
  flags: TopFlags,
  problems: readonly string[],
): void {
  if (rows.length > 0) context.stdout.write(alignColumns(flags.headers ? [headers, ...rows] : rows));
  else if (problems.length === 0) context.stderr.write('No resources found\n');
  for (const problem of problems) context.stderr.write(`coracle: ${problem}\n`);
  if (rows.length === 0 && problems.length > 0) context.setExitCode(1);
}

async function chosenNodes(
  client: Client,
  name: string | undefined,
  flags: TopFlags,
  signal: AbortSignal,
): Promise<Node[]> {
  if (name) return [await client.get(Node, name, { signal })];
  return (await client.list(Node, { labelSelector: flags.selector, signal })).items;
}

function bySize<T>(
  items: readonly T[],
  { sortBy }: TopFlags,
  usageOf: (item: T) => Usage | undefined,
): readonly T[] {
  if (!sortBy) return items;
  const size = (item: T): number => {
    const used = usageOf(item);
    return used ? (sortBy === 'memory' ? used.memoryBytes : used.cpuNano) : -1;
  };
  return items.toSorted((a, b) => size(b) - size(a));
}

function sum(all: Iterable<Usage>): Usage {
  const total = { cpuNano: 0, memoryBytes: 0 };
  for (const { cpuNano, memoryBytes } of all) {
    total.cpuNano += cpuNano;
    total.memoryBytes += memoryBytes;
  }
  return total;
}

const cpuText = ({ cpuNano }: Usage): string => `${Math.ceil(cpuNano / 1e6)}m`;
const memoryText = ({ memoryBytes }: Usage): string => `${Math.floor(memoryBytes / 1024 ** 2)}Mi`;
const percent = (used: number, of: number): string =>
  of > 0 ? `${Math.floor((used * 100) / of)}%` : '<unknown>';
