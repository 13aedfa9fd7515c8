/** The words of a command line that name objects: `pods`, `pod web`, `pod/web job/train`, `pods,jobs`, `all`. */
import { CliError, type CliContext, type Connection } from './context.ts';
import { resourceByWord, type ServedResource } from './discover.ts';

/** One resource and the names asked for; no names means all of it. */
export interface Target {
  type: ServedResource;
  names: string[];
}

/**
 * Reads the words. `TYPE/NAME` and `TYPE NAME...` are not mixed. `what` is the command, for messages. Throws CliError.
 */
export function parseTargets(
  words: readonly string[],
  served: readonly ServedResource[],
  what: string,
): Target[] {
  const [first, ...rest] = words;
  if (first === undefined) {
    throw new CliError(`say what to ${what}: TYPE, TYPE NAME, or TYPE/NAME   (see coracle ${what} --help)`);
  }
  if (words.some((word) => word.includes('/'))) {
    const targets: Target[] = [];
    for (const word of words) {
      const parts = word.split('/');
      if (parts.length !== 2 || !parts[0] || !parts[1]) {
        throw new CliError(
          `"${word}" is not TYPE/NAME; either all words are TYPE/NAME, or the first is a TYPE and the others NAMEs`,
        );
      }
      const type = resourceByWord(served, parts[0]);
      const last = targets.at(-1);
      if (last && same(last.type, type)) last.names.push(parts[1]);
      else targets.push({ type, names: [parts[1]] });
    }
    return targets;
  }
  const types = first
    .split(',')
    .filter((word) => word !== '')
    .flatMap((word) => typesFor(word, served));
  return types.map((type) => ({ type, names: rest }));
}

/** One object that a command is about. */
export interface ChosenObject {
  type: ServedResource;
  name: string;
  namespace: string | undefined;
}

/** The flags that choose among all objects of a type. */
export interface ChoiceFlags {
  selector?: string;
  fieldSelector?: string;
  all?: boolean;
  allNamespaces?: boolean;
}

/** The objects that words and flags name; those not named one by one are listed. Throws CliError if neither says which. */
export async function chooseObjects(
  context: CliContext,
  connection: Connection,
  targets: readonly Target[],
  flags: ChoiceFlags,
): Promise<ChosenObject[]> {
  const chosen: ChosenObject[] = [];
  for (const { type, names } of targets) {
    const namespace = type.namespaced && !flags.allNamespaces ? connection.namespace : undefined;
    for (const name of names) chosen.push({ type, name, namespace });
    if (names.length > 0) continue;
    if (!flags.all && !flags.selector && !flags.fieldSelector) {
      throw new CliError(`which ${type.resource}? Give names, a label selector (-l), or --all`);
    }
    const list = await connection.client.list(type, {
      namespace,
      labelSelector: flags.selector,
      fieldSelector: flags.fieldSelector,
      signal: context.signal,
    });
    for (const { metadata } of list.items)
      chosen.push({ type, name: metadata.name, namespace: metadata.namespace });
  }
  return chosen;
}

/** A category (`all`) stands for every resource in it that can be listed, each in its preferred version. */
function typesFor(word: string, served: readonly ServedResource[]): ServedResource[] {
  const members = served.filter((r) => r.categories.includes(word) && r.verbs.includes('list'));
  if (members.length === 0) return [resourceByWord(served, word)];
  return members.filter((r, index) => members.findIndex((other) => same(other, r)) === index);
}

function same(a: ServedResource, b: ServedResource): boolean {
  return a.group === b.group && a.resource === b.resource;
}
