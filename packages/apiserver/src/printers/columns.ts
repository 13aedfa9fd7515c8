/** Columns and the cells many printers share. */
import { humanDuration, isObject, type Unstructured } from '@coracle/machinery';
import type { Container, LabelSelector, PodSpec } from '@coracle/machinery/api';
import type { TablePrinter } from '../contracts.ts';

type Column = TablePrinter['columns'][number];

/** Columns by name: `Name` is the object's name; a trailing `+` is shown with `-o wide` only; `#` marks integers. */
export function columns(...names: string[]): Column[] {
  return names.map((text) => {
    const wide = text.endsWith('+');
    const name = text.replace(/[+#]+$/, '');
    return {
      name,
      type: /#\+?$/.test(text) ? 'integer' : 'string',
      format: name === 'Name' ? 'name' : '',
      description: '',
      priority: wide ? 1 : 0,
    };
  });
}

/** One printer; `cells` gives what follows the name. */
export function printer<T>(
  names: readonly string[],
  cells: (object: T, now: Date, raw: Unstructured) => unknown[],
): TablePrinter {
  return {
    columns: columns('Name', ...names),
    cells: (object, now) => [object.metadata.name, ...cells(object as unknown as T, now, object)],
  };
}

/** Time since `stamp`, as the AGE column prints it. */
export function since(stamp: string | undefined | null, now: Date): string {
  if (!stamp) return '<unknown>';
  const at = Date.parse(stamp);
  return Number.isNaN(at) ? '<unknown>' : humanDuration(now.getTime() - at);
}
export const age = (object: { metadata: { creationTimestamp?: string | undefined } }, now: Date): string =>
  since(object.metadata.creationTimestamp, now);

export const none = '<none>';
export const orNone = (text: string | undefined | null): string => (text ? text : none);

/** `a=b,c in (d,e),!f`; `<none>` for no selector at all or an empty one. */
export function selectorText(selector: LabelSelector | undefined | null): string {
  if (!selector) return none;
  const parts = Object.entries(selector.matchLabels ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const list = `(${values.toSorted().join(',')})`;
    if (operator === 'In') parts.push(`${key} in ${list}`);
    else if (operator === 'NotIn') parts.push(`${key} notin ${list}`);
    else parts.push(operator === 'Exists' ? key : `!${key}`);
  }
  return parts.length > 0 ? parts.join(',') : none;
}
export const labelsText = (labels: Record<string, string> | undefined): string =>
  selectorText({ matchLabels: labels ?? {} });

const containersOf = (spec: PodSpec | undefined): Container[] => spec?.containers ?? [];
/** Names and images of a template's containers, for `-o wide`. */
export const containerCells = (spec: PodSpec | undefined): [string, string] => [
  containersOf(spec)
    .map((container) => container.name)
    .join(','),
  containersOf(spec)
    .map((container) => container.image ?? '')
    .join(','),
];

/** How many entries a map or list has. */
export const size = (value: unknown): number =>
  Array.isArray(value) ? value.length : isObject(value) ? Object.keys(value).length : 0;

/** Joins up to `max` texts, then `+ n more...`. */
export function firstOf(texts: readonly string[], max: number): string {
  if (texts.length === 0) return none;
  const shown = texts.slice(0, max).join(',');
  return texts.length > max ? `${shown} + ${texts.length - max} more...` : shown;
}

const shortModes: Record<string, string> = {
  ReadWriteOnce: 'RWO',
  ReadOnlyMany: 'ROX',
  ReadWriteMany: 'RWX',
  ReadWriteOncePod: 'RWOP',
};
export const accessModes = (modes: readonly string[] | undefined): string =>
  Object.keys(shortModes)
    .filter((mode) => (modes ?? []).includes(mode))
    .map((mode) => shortModes[mode])
    .join(',');
