import type { Command, Option } from 'commander';
import type { CliContext, Connection, ConnectionOptions } from './context.ts';
import { resourceByWord, servedResources, type ServedResource } from './discover.ts';

/** Commands whose first argument is a TYPE and whose others are NAMEs. */
const objectCommands = new Set(['get', 'describe', 'delete', 'wait', 'explain']);
/** Commands whose first argument is a pod, or TYPE/NAME. */
const podCommands = new Set(['logs', 'exec']);
/** A shell waits for the answer: better none than a late one. */
const patienceMs = 2000;
const mostNames = 500;

/**
 * What may stand where the last of `words` (perhaps empty) is being typed, after `coracle`. Only words that begin with it are
 * given. Nothing is said of a cluster that does not answer.
 */
export async function completions(
  program: Command,
  context: CliContext,
  words: readonly string[],
): Promise<string[]> {
  const current = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const { command, operands, pending } = walk(program, before);
  if (pending) {
    if (command.name() === 'sim') return matching(await simValues(pending, current), current);
    const values = await optionValues(context, pending, before, current);
    return matching(values, current);
  }
  if (current.startsWith('-')) {
    const options = command === program ? program.options : [...command.options, ...program.options];
    return matching([...options.map(({ long }) => long ?? ''), '--help'], current);
  }
  const subcommands = visible(command);
  if (subcommands.length > 0 && operands.length === 0) return matching(subcommands, current);
  const name = command.name();
  if (!objectCommands.has(name) && !podCommands.has(name)) return [];
  const found = await ask(context, before, (connection, signal) =>
    objectCommands.has(name)
      ? typesOrNames(connection, operands, current, signal)
      : podsOrWorkloads(connection, operands, current, signal),
  );
  return matching(found ?? [], current);
}

/** The command the words lead to, its arguments, and an option that still lacks its value. */
function walk(
  program: Command,
  words: readonly string[],
): { command: Command; operands: string[]; pending: Option | undefined } {
  let command = program;
  const operands: string[] = [];
  let pending: Option | undefined;
  for (const word of words) {
    if (pending) {
      pending = undefined;
      continue;
    }
    if (word.startsWith('-')) {
      const options = [...command.options, ...program.options];
      const option = options.find(({ long, short }) => long === word || short === word);
      if (option && (option.required || option.optional)) pending = option;
      continue;
    }
    const next =
      operands.length === 0
        ? command.commands.find((sub) => sub.name() === word || sub.aliases().includes(word))
        : undefined;
    if (next) command = next;
    else operands.push(word);
  }
  return { command, operands, pending };
}

function visible(command: Command): string[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .map((sub) => sub.name())
    .filter((name) => name !== 'help');
}

async function optionValues(
  context: CliContext,
  option: Option,
  words: readonly string[],
  current: string,
): Promise<string[]> {
  if (option.long === '--namespace') {
    return (
      (await ask(context, words, ({ client }, signal) => namesOf(client, 'namespaces', undefined, signal))) ??
      []
    );
  }
  if (option.long === '--output') return ['json', 'yaml', 'wide', 'name', 'jsonpath=', 'custom-columns='];
  if (option.long === '--shape' || option.long === '--nodes') return shapeWords(option.long, current);
  if (option.long === '--cascade') return ['background', 'foreground', 'orphan'];
  if (option.long === '--for') return ['condition=', 'delete', 'create', 'jsonpath='];
  return [];
}

/** Shapes of nodes, behind the count that is there: `8x` goes on to `8xh100x8`. */
async function shapeWords(option: string, current: string): Promise<string[]> {
  const { cardTable } = await import('@coracle/simulator');
  const shapes = [...Object.keys(cardTable).map((card) => `${card}x8`), 'cpu64'];
  if (option === '--shape') return shapes;
  const [before] = /^(?:.*,)?\d+x/.exec(current) ?? [];
  return before === undefined ? [] : shapes.map((shape) => `${before}${shape}`);
}

/** Of `coracle sim`; in a list, what may follow the names that are there. */
async function simValues({ long }: Option, current: string): Promise<string[]> {
  const { simWords } = await import('./sim/names.ts');
  const words = simWords(long ?? '');
  const before = current.slice(0, current.lastIndexOf(',') + 1);
  return words.map((word) => `${before}${word}`);
}

/** Runs a question with a connection, and gives up silently. */
async function ask<T>(
  context: CliContext,
  words: readonly string[],
  question: (connection: Connection, signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(patienceMs)]);
  try {
    const connection = await context.connect(connectionOptions(words));
    try {
      return await question(connection, signal);
    } finally {
      await connection.close();
    }
  } catch {
    return undefined;
  }
}

function connectionOptions(words: readonly string[]): ConnectionOptions {
  const value = (...names: string[]): string | undefined => {
    for (const [index, word] of words.entries()) {
      if (names.includes(word)) return words[index + 1];
      for (const name of names) if (word.startsWith(`${name}=`)) return word.slice(name.length + 1);
    }
    return undefined;
  };
  return {
    kubeconfig: value('--kubeconfig'),
    context: value('--context'),
    namespace: value('-n', '--namespace'),
  };
}

async function typesOrNames(
  { client, namespace }: Connection,
  operands: readonly string[],
  current: string,
  signal: AbortSignal,
): Promise<string[]> {
  const served = (await servedResources(client)).filter(({ verbs }) => verbs.includes('list'));
  const slash = current.indexOf('/');
  if (slash > 0) {
    const word = current.slice(0, slash);
    return (await namesOf(client, resourceByWord(served, word), namespace, signal)).map(
      (name) => `${word}/${name}`,
    );
  }
  const [type] = operands;
  if (type === undefined) return [...new Set(served.map(({ resource }) => resource))];
  return namesOf(client, resourceByWord(served, type), namespace, signal);
}

async function podsOrWorkloads(
  { client, namespace }: Connection,
  operands: readonly string[],
  current: string,
  signal: AbortSignal,
): Promise<string[]> {
  if (operands.length > 0) return [];
  const slash = current.indexOf('/');
  if (slash < 0) return namesOf(client, 'pods', namespace, signal);
  const word = current.slice(0, slash);
  const type = resourceByWord(await servedResources(client), word);
  return (await namesOf(client, type, namespace, signal)).map((name) => `${word}/${name}`);
}

async function namesOf(
  client: Connection['client'],
  type: ServedResource | 'pods' | 'namespaces',
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<string[]> {
  const resource =
    typeof type === 'string'
      ? { group: '', version: 'v1', resource: type, kind: '', namespaced: type === 'pods' }
      : type;
  const where = resource.namespaced ? namespace : undefined;
  const list = await client.list<{ metadata: { name: string } }>(resource, {
    namespace: where,
    limit: mostNames,
    signal,
  });
  return list.items.map(({ metadata }) => metadata.name);
}

const matching = (words: readonly string[], start: string): string[] =>
  [...new Set(words)].filter((word) => word !== '' && word.startsWith(start)).toSorted();
