import type { Unstructured } from '@coracle/machinery';
import { conditions, heading, ownership, time } from './common.ts';
import { map, type Part, parts, textOf, type Value } from './text.ts';

/** Any object: what all have in common, then its fields as they are. */
export function describeGeneric(object: Unstructured, now: number): Part[] {
  const { apiVersion, kind, metadata, status, ...rest } = object;
  const { conditions: list, ...state } = (status ?? {}) as Record<string, unknown>;
  return [
    ...heading(object),
    ['API Version', apiVersion],
    ['Kind', kind],
    ['Created', time(metadata.creationTimestamp)],
    ...ownership(object),
    ...Object.entries(rest)
      .filter(([name]) => !(kind === 'Secret' && (name === 'data' || name === 'stringData')))
      .map(([name, value]): Part => [title(name), tree(value)]),
    ...(kind === 'Secret' ? [secretData(object)] : []),
    ...(Object.keys(state).length > 0 ? ([['Status', tree(state)]] as Part[]) : []),
    ['Conditions', conditions(list as Parameters<typeof conditions>[0], now)],
  ];
}

/** A secret's values are not shown, only their sizes. */
function secretData(object: Unstructured): Part {
  const data = (object['data'] ?? {}) as Record<string, string>;
  const sizes = Object.entries(data).map(([name, value]) => [
    name,
    `${Buffer.from(value, 'base64').length} bytes`,
  ]);
  return ['Data', map(Object.fromEntries(sizes) as Record<string, string>, ': ')];
}

/** Fields as nested parts; elements of a list one after the other, with their name if they have one. */
function tree(value: unknown): Value {
  if (value === null || value === undefined) return '<none>';
  if (typeof value !== 'object') return multiline(textOf(value));
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item !== 'object' || item === null)) {
      return value.length > 0 ? { lines: value.map(textOf) } : '<none>';
    }
    return parts(
      value.map((item, index): Part => {
        const { name } = (item ?? {}) as { name?: unknown };
        return [typeof name === 'string' ? name : `[${index}]`, tree(item)];
      }),
    );
  }
  const entries = Object.entries(value);
  return entries.length === 0
    ? '<none>'
    : parts(entries.map(([name, item]): Part => [title(name), tree(item)]));
}

const multiline = (text: string): Value =>
  text.includes('\n') ? { lines: text.trimEnd().split('\n') } : text;

/** `podSelector` as `Pod Selector`; keys that are no identifiers (labels, file names) as they are. */
export function title(name: string): string {
  if (!/^[a-z][A-Za-z0-9]*$/.test(name)) return name;
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1 $2');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
