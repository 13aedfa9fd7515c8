/** Tables (what `kubectl get` prints) and metadata-only forms of objects. */
import { compileJsonPath, humanDuration, type Kind, parseTime, type Unstructured } from '@coracle/machinery';
import type { TablePrinter } from '../contracts.ts';
import type { Call } from './call.ts';

/** Only apiVersion, kind and metadata of an object. */
export function partialMetadata(object: Unstructured, version: 'v1' | 'v1beta1'): Record<string, unknown> {
  return { kind: 'PartialObjectMetadata', apiVersion: `meta.k8s.io/${version}`, metadata: object.metadata };
}

const nameColumn = { name: 'Name', type: 'string', format: 'name', description: 'Name of the object' };

const plainPrinter: TablePrinter = {
  columns: [nameColumn, { name: 'Created At', type: 'date', description: 'When the object was created' }],
  cells: (object) => [object.metadata.name, object.metadata.creationTimestamp ?? null],
};

const customPrinters = new WeakMap<Kind, TablePrinter>();

/** The columns a definition declares, or an Age when it declares none. */
export function customPrinter(kind: Kind): TablePrinter {
  let printer = customPrinters.get(kind);
  if (printer) return printer;
  const declared = kind.columns ?? [];
  const columns = declared.length
    ? declared
    : [
        {
          name: 'Age',
          type: 'date',
          jsonPath: '.metadata.creationTimestamp',
          description: 'Time since creation',
        },
      ];
  const paths = columns.map((column) => compileJsonPath(column.jsonPath));
  printer = {
    columns: [
      nameColumn,
      ...columns.map((column) => ({
        name: column.name,
        type: column.type,
        ...(column.format === undefined ? {} : { format: column.format }),
        description: column.description ?? `Value at ${column.jsonPath}`,
        ...(column.priority ? { priority: column.priority } : {}),
      })),
    ],
    cells: (object, now) => [
      object.metadata.name,
      ...columns.map((column, i) => customCell(column.type, paths[i]?.(object) ?? [], now)),
    ],
  };
  customPrinters.set(kind, printer);
  return printer;
}

function customCell(type: string, found: readonly unknown[], now: Date): unknown {
  const value = found[0];
  if (value === undefined || value === null) return null;
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return age(value, now);
    default:
      return typeof value === 'object' ? JSON.stringify(value) : String(value);
  }
}

function age(value: unknown, now: Date): string {
  const at = typeof value === 'string' ? parseTime(value) : undefined;
  return at === undefined ? '<unknown>' : humanDuration(now.getTime() - at);
}

/** The printer of the call's kind: the built-in one, the definition's columns, or name and age. */
export function printerOf(call: Call): TablePrinter {
  return call.ctx.printerFor(call.kind) ?? (call.kind.builtin ? plainPrinter : customPrinter(call.kind));
}

/** Rows for objects; `includeObject` decides how much of each object comes along. */
export function tableOf(
  call: Call,
  objects: readonly Unstructured[],
  metadata: Record<string, unknown>,
  withColumns = true,
): Record<string, unknown> {
  const printer = printerOf(call);
  const now = call.ctx.now();
  const include = call.request.query.get('includeObject') ?? 'Metadata';
  const version = call.output.version;
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${version}`,
    metadata,
    columnDefinitions: withColumns
      ? printer.columns.map((c) => ({
          name: c.name,
          type: c.type,
          format: c.format ?? '',
          description: c.description ?? '',
          priority: c.priority ?? 0,
        }))
      : null,
    rows: objects.map((object) => ({
      cells: printer.cells(object, now),
      object: include === 'None' ? null : include === 'Object' ? object : partialMetadata(object, version),
    })),
  };
}
