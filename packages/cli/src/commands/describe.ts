/** `coracle describe`: everything about an object, for people. */
import type { Unstructured } from '@coracle/machinery';
import type { Command } from 'commander';
import { withConnection } from '../connection.ts';
import type { CliContext, Connection } from '../context.ts';
import { describe } from '../describe/describe.ts';
import { resourceOfKind, servedResources } from '../discover.ts';
import { readManifests } from '../manifests.ts';
import { parseTargets } from '../targets.ts';

interface DescribeFlags {
  selector?: string;
  allNamespaces?: boolean;
  filename?: string[];
}

/** Adds `coracle describe` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('describe')
    .summary('show all about objects')
    .description('Shows what an object is, how it stands, what belongs to it, and what has happened to it.')
    .argument('[type-and-names...]', 'TYPE, TYPE NAME..., or TYPE/NAME...')
    .option('-l, --selector <labels>', 'only objects with these labels')
    .option('-A, --all-namespaces', 'in every namespace')
    .option('-f, --filename <path...>', 'the objects of these files')
    .addHelpText(
      'after',
      `
Examples:
  coracle describe pod web-0
  coracle describe trainjob/digits
  coracle describe nodes`,
    )
    .action((words: string[], _flags: DescribeFlags, command: Command) =>
      withConnection<DescribeFlags>(context, command, (connection, flags) =>
        describeAll(context, connection, words, flags),
      ),
    );
}

async function describeAll(
  context: CliContext,
  connection: Connection,
  words: readonly string[],
  flags: DescribeFlags,
): Promise<void> {
  const { client } = connection;
  const { signal } = context;
  let shown = 0;
  for await (const object of chosen(context, connection, words, flags)) {
    const text = await describe(client, object, Date.now(), signal);
    context.stdout.write(shown > 0 ? `\n\n${text}` : text);
    shown += 1;
  }
  if (shown === 0) context.stderr.write('No resources found\n');
}

async function* chosen(
  context: CliContext,
  { client, namespace }: Connection,
  words: readonly string[],
  flags: DescribeFlags,
): AsyncGenerator<Unstructured> {
  const { signal } = context;
  const served = await servedResources(client);
  if (flags.filename) {
    for (const { object, source } of await readManifests(flags.filename, context)) {
      const type = resourceOfKind(served, object.apiVersion, object.kind, source);
      yield await client.get(type, object.metadata.name, {
        namespace: object.metadata.namespace ?? namespace,
        signal,
      });
    }
    return;
  }
  for (const { type, names } of parseTargets(words, served, 'describe')) {
    const where = type.namespaced && !flags.allNamespaces ? namespace : undefined;
    for (const name of names) yield await client.get(type, name, { namespace: where, signal });
    if (names.length > 0) continue;
    const { items } = await client.list(type, { namespace: where, labelSelector: flags.selector, signal });
    yield* items;
  }
}
