/** Prints objects in the formats of `-o`. */
import { compileJsonPath, compileJsonPathTemplate, type Unstructured } from '@coracle/machinery';
import { dump } from 'js-yaml';
import { CliError } from '../context.ts';
import { alignColumns } from './columns.ts';
import { kindName } from './table.ts';

export type OutputFormat =
  | { kind: 'table'; wide: boolean }
  | { kind: 'json' }
  | { kind: 'yaml' }
  | { kind: 'name' }
  | { kind: 'jsonpath'; render: (value: unknown) => string }
  | { kind: 'columns'; columns: { header: string; values: (value: unknown) => unknown[] }[] };

const known = 'json, yaml, wide, name, jsonpath=TEMPLATE, custom-columns=NAME:.path,...';

/** Reads the value of `-o`. Throws CliError saying what may stand there. */
export function parseOutput(text: string | undefined): OutputFormat {
  if (text === undefined || text === '') return { kind: 'table', wide: false };
  if (text === 'wide') return { kind: 'table', wide: true };
  if (text === 'json' || text === 'yaml' || text === 'name') return { kind: text };
  const equals = text.indexOf('=');
  const name = equals < 0 ? text : text.slice(0, equals);
  const argument = equals < 0 ? '' : text.slice(equals + 1);
  if (name === 'jsonpath' && argument) {
    return { kind: 'jsonpath', render: compile(argument, () => compileJsonPathTemplate(argument)) };
  }
  if (name === 'custom-columns' && argument) {
    const columns = argument.split(/,(?![^[]*\])/).map((part) => {
      const colon = part.indexOf(':');
      if (colon <= 0) throw new CliError(`custom-columns: "${part}" is not NAME:.path`);
      const path = part.slice(colon + 1);
      return { header: part.slice(0, colon), values: compile(path, () => compileJsonPath(path)) };
    });
    return { kind: 'columns', columns };
  }
  throw new CliError(`-o "${text}" is not known; known are ${known}`);
}

function compile<T>(text: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new CliError(`"${text}" is no JSONPath: ${(cause as Error).message}`, { cause });
  }
}

/** One object, or a List of several, as text. `format` is not `table`. */
export function printObjects(
  format: Exclude<OutputFormat, { kind: 'table' }>,
  objects: readonly Unstructured[],
  options: { list: boolean; headers?: boolean | undefined; managedFields?: boolean | undefined },
): string {
  const shown = options.managedFields ? objects : objects.map(withoutManagedFields);
  const value: unknown = options.list
    ? { apiVersion: 'v1', kind: 'List', metadata: { resourceVersion: '' }, items: shown }
    : shown[0];
  switch (format.kind) {
    case 'json':
      return `${JSON.stringify(value, undefined, 4)}\n`;
    case 'yaml':
      return toYaml(value);
    case 'name':
      return shown.map((object) => `${nameOf(object)}\n`).join('');
    case 'jsonpath':
      try {
        return format.render(value);
      } catch (cause) {
        throw new CliError(`jsonpath: ${(cause as Error).message}`, { cause });
      }
    case 'columns': {
      const rows = shown.map((object) =>
        format.columns.map(({ values }) => values(object).map(text).join(',') || '<none>'),
      );
      if (options.headers !== false) rows.unshift(format.columns.map(({ header }) => header));
      return alignColumns(rows);
    }
  }
}

/** YAML as kubectl writes it: lines are never folded, shared parts are written out. */
export function toYaml(value: unknown): string {
  return dump(value, { lineWidth: -1, noRefs: true });
}

/** `pod/web`, `job.batch/train`. */
export function nameOf(object: Unstructured): string {
  const slash = object.apiVersion.indexOf('/');
  const group = slash < 0 ? '' : object.apiVersion.slice(0, slash);
  return `${kindName({ group, kind: object.kind })}/${object.metadata.name}`;
}

function withoutManagedFields(object: Unstructured): Unstructured {
  if (!object.metadata?.managedFields) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

const text = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value));
