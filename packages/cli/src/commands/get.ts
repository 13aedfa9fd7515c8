/** `coracle get`: shows objects as the server prints them, or whole. */
import { type Client, paginate, responseText } from '@coracle/client';
import { compileJsonPath, isReason, type Unstructured } from '@coracle/machinery';
import type { Command } from 'commander';
import { withConnection } from '../connection.ts';
import { CliError, type CliContext, type Connection } from '../context.ts';
import { resourceOfKind, servedResources, type ServedResource } from '../discover.ts';
import { fetchTable, type Selection, watchTables } from '../fetch-tables.ts';
import { readManifests } from '../manifests.ts';
import { parseOutput, printObjects } from '../print/objects.ts';
import { type Table, TablePrinter, withKind } from '../print/table.ts';
import { parseTargets, type Target } from '../targets.ts';

interface GetFlags {
  output?: string;
  allNamespaces?: boolean;
  selector?: string;
  fieldSelector?: string;
  labelColumns?: string;
  watch?: boolean;
  watchOnly?: boolean;
  filename?: string[];
  recursive?: boolean;
  /** commander's form of --no-headers. */
  headers: boolean;
  showLabels?: boolean;
  showManagedFields?: boolean;
  sortBy?: string;
  ignoreNotFound?: boolean;
  raw?: string;
}

/** Adds `coracle get` to the program. */
export function register(program: Command, context: CliContext): void {
  program
    .command('get')
    .summary('show objects')
    .description(
      'Shows objects: those of a TYPE, or the ones named. TYPE is a plural, a kind or a short name; several with commas.',
    )
    .argument('[type-and-names...]', 'TYPE, TYPE NAME..., TYPE/NAME..., or all')
    .option(
      '-o, --output <format>',
      'json, yaml, wide, name, jsonpath=TEMPLATE or custom-columns=NAME:.path,...',
    )
    .option('-A, --all-namespaces', 'in every namespace')
    .option('-l, --selector <labels>', 'only objects with these labels, like app=web,tier!=db')
    .option('--field-selector <fields>', 'only objects with these fields, like status.phase=Running')
    .option('-w, --watch', 'go on showing changes')
    .option('--watch-only', 'show changes only')
    .option('-f, --filename <path...>', 'the objects of these files')
    .option('-R, --recursive', 'with -f: folders within folders too')
    .option('--no-headers', 'leave the line of column names out')
    .option('-L, --label-columns <labels>', 'a column for each of these labels')
    .option('--show-labels', 'a column with all labels')
    .option('--show-managed-fields', 'with json and yaml: metadata.managedFields too')
    .option('--sort-by <path>', 'order by this field, like .metadata.creationTimestamp')
    .option('--ignore-not-found', 'an object that is not there is no error')
    .option('--raw <path>', 'what the server answers at this path')
    .addHelpText(
      'after',
      `
Examples:
  coracle get pods
  coracle get trainjobs,pods -o wide
  coracle get pod web-0 -o jsonpath='{.status.podIP}'
  coracle get all -A
  coracle get events --sort-by .lastTimestamp
  coracle get pods -l app=web -w`,
    )
    .action((words: string[], _flags: GetFlags, command: Command) =>
      withConnection<GetFlags>(context, command, (connection, flags) =>
        get(context, connection, words, flags),
      ),
    );
}

async function get(
  context: CliContext,
  connection: Connection,
  words: readonly string[],
  flags: GetFlags,
): Promise<void> {
  const { client } = connection;
  if (flags.raw) {
    context.stdout.write(
      await responseText(await client.request({ method: 'GET', path: flags.raw, signal: context.signal })),
    );
    return;
  }
  const format = parseOutput(flags.output);
  const served = await servedResources(client);
  const targets = flags.filename
    ? await fileTargets(context, connection, served, flags)
    : parseTargets(words, served, 'get').map((target) => ({ ...target, namespace: connection.namespace }));
  for (const { names } of targets) {
    if (
      names.length > 0 &&
      (flags.selector || flags.fieldSelector || flags.allNamespaces) &&
      !flags.filename
    ) {
      throw new CliError(
        'names cannot be combined with -A, --selector or --field-selector: ask for one or the other',
      );
    }
  }
  const jobs = targets.map(({ type, names, namespace }) => ({
    type,
    names,
    selection: {
      namespace: type.namespaced && !flags.allNamespaces ? namespace : undefined,
      labelSelector: flags.selector,
      fieldSelector: flags.fieldSelector,
      wholeObjects: flags.sortBy !== undefined,
    },
  }));
  if (flags.watch || flags.watchOnly) {
    const [job] = jobs;
    if (!job || jobs.length > 1 || job.names.length > 1) {
      throw new CliError('--watch shows one TYPE, or one object: name a single one');
    }
    await watch(context, client, job, format, flags);
    return;
  }
  if (format.kind === 'table') await showTables(context, client, jobs, format.wide, flags);
  else {
    const objects: Unstructured[] = [];
    for (const job of jobs) objects.push(...(await fetchObjects(client, job, flags, context.signal)));
    const single = jobs.length === 1 && jobs[0]?.names.length === 1;
    if (single && objects.length === 0) return;
    const list = !single;
    const managedFields = flags.showManagedFields;
    context.stdout.write(
      printObjects(format, sorted(objects, flags), { list, headers: flags.headers, managedFields }),
    );
  }
}

interface Job {
  type: ServedResource;
  names: readonly string[];
  selection: Selection;
}

async function fileTargets(
  context: CliContext,
  connection: Connection,
  served: readonly ServedResource[],
  flags: GetFlags,
): Promise<(Target & { namespace: string })[]> {
  const manifests = await readManifests(flags.filename ?? [], context, {
    recursive: flags.recursive === true,
  });
  return manifests.map(({ object, source }) => ({
    type: resourceOfKind(served, object.apiVersion, object.kind, source),
    names: [object.metadata.name],
    namespace: object.metadata.namespace ?? connection.namespace,
  }));
}

async function showTables(
  context: CliContext,
  client: Client,
  jobs: readonly Job[],
  wide: boolean,
  flags: GetFlags,
): Promise<void> {
  let printed = false;
  for (const { type, names, selection } of jobs) {
    const tables: Table[] = [];
    if (names.length === 0) tables.push(await fetchTable(client, type, selection, undefined, context.signal));
    for (const name of names) {
      const table = await found(flags, () => fetchTable(client, type, selection, name, context.signal));
      if (table) tables.push(table);
    }
    const [first] = tables;
    if (!first) continue;
    const rows = tables.flatMap((table) => table.rows);
    const printer = new TablePrinter({
      wide,
      namespaces: flags.allNamespaces && type.namespaced,
      labels: flags.showLabels,
      labelColumns: flags.labelColumns?.split(','),
      headers: flags.headers,
      kindOf: jobs.length > 1 ? type : undefined,
    });
    const text = printer.print({ ...first, rows: sortedRows(rows, flags) });
    if (text === '') continue;
    context.stdout.write(printed ? `\n${text}` : text);
    printed = true;
  }
  if (printed || flags.ignoreNotFound) return;
  const spaces = new Set(jobs.map(({ selection }) => selection.namespace));
  const [only] = spaces;
  context.stderr.write(
    spaces.size === 1 && only ? `No resources found in ${only} namespace.\n` : 'No resources found\n',
  );
}

async function fetchObjects(
  client: Client,
  { type, names, selection }: Job,
  flags: GetFlags,
  signal: AbortSignal,
): Promise<Unstructured[]> {
  const objects: Unstructured[] = [];
  const { namespace, labelSelector, fieldSelector } = selection;
  if (names.length === 0) {
    for await (const object of paginate(client, type, { namespace, labelSelector, fieldSelector, signal }))
      objects.push(withKind(type, object));
  }
  for (const name of names) {
    const object = await found(flags, () =>
      client.get(type, name, { namespace: selection.namespace, signal }),
    );
    if (object) objects.push(object);
  }
  return objects;
}

/** Undefined for what is not there, when the user said that this is no error. */
async function found<T>(flags: GetFlags, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (flags.ignoreNotFound && isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

function sorted(objects: readonly Unstructured[], { sortBy }: GetFlags): readonly Unstructured[] {
  if (!sortBy) return objects;
  const values = compileJsonPath(sortBy);
  return objects.toSorted((a, b) => compare(values(a)[0], values(b)[0]));
}

function sortedRows(rows: Table['rows'], { sortBy }: GetFlags): Table['rows'] {
  if (!sortBy) return rows;
  const values = compileJsonPath(sortBy);
  return rows.toSorted((a, b) => compare(values(a.object)[0], values(b.object)[0]));
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const [x, y] = [String(a ?? ''), String(b ?? '')];
  return x < y ? -1 : x > y ? 1 : 0;
}

async function watch(
  context: CliContext,
  client: Client,
  { type, names, selection }: Job,
  format: ReturnType<typeof parseOutput>,
  flags: GetFlags,
): Promise<void> {
  const { signal } = context;
  const [name] = names;
  const chosen = name === undefined ? selection : { ...selection, fieldSelector: `metadata.name=${name}` };
  const first = await fetchTable(client, type, chosen, undefined, signal);
  if (name !== undefined && first.rows.length === 0) await client.get(type, name, { ...selection, signal });
  const version = first.metadata?.resourceVersion ?? '';
  if (format.kind === 'table') {
    const printer = new TablePrinter({
      wide: format.wide,
      namespaces: flags.allNamespaces && type.namespaced,
      labels: flags.showLabels,
      labelColumns: flags.labelColumns?.split(','),
      headers: flags.headers,
    });
    // The definitions are learnt from the list in any case; a watch may send them or not.
    const shown = printer.print(flags.watchOnly ? { ...first, rows: [] } : first);
    context.stdout.write(shown);
    for await (const { table } of watchTables(client, type, chosen, version, signal)) {
      context.stdout.write(printer.print(table));
    }
    return;
  }
  const print = (object: Unstructured): void => {
    const text = printObjects(format, [object], {
      list: false,
      headers: false,
      managedFields: flags.showManagedFields,
    });
    context.stdout.write(format.kind === 'yaml' ? `---\n${text}` : text.endsWith('\n') ? text : `${text}\n`);
  };
  const list = await client.list(type, { ...chosen, signal });
  if (!flags.watchOnly) for (const object of list.items) print(object);
  const { resourceVersion } = list.metadata;
  for await (const { type: change, object } of client.watch(type, { ...chosen, resourceVersion, signal })) {
    if (change !== 'BOOKMARK') print(object);
  }
}
