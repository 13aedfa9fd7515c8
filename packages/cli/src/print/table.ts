/** `meta.k8s.io/v1` Tables: asking the server for them, and printing them. */
import { apiVersionOf, humanDuration, type ResourceType, type Unstructured } from '@coracle/machinery';
import { aligned, columnWidths } from './columns.ts';

export interface Table {
  kind: 'Table';
  metadata?: { resourceVersion?: string; continue?: string };
  columnDefinitions: { name: string; type: string; format?: string; priority?: number }[];
  rows: { cells: unknown[]; object?: Unstructured }[];
}

/** Header value that asks for a Table, or JSON from a server that makes none. */
export const acceptTable = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

export function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'Table';
}

/** A Table of name and age, for objects that a server (or a subresource) sent as they are. */
export function plainTable(objects: readonly Unstructured[], now: number): Table {
  return {
    kind: 'Table',
    columnDefinitions: [
      { name: 'Name', type: 'string' },
      { name: 'Age', type: 'string' },
    ],
    rows: objects.map((object) => ({ cells: [object.metadata.name, age(object, now)], object })),
  };
}

function age(object: Unstructured, now: number): string {
  const created = Date.parse(object.metadata.creationTimestamp ?? '');
  return Number.isNaN(created) ? '<unknown>' : humanDuration(now - created);
}

export interface TableOptions {
  /** Columns of every priority. */
  wide?: boolean | undefined;
  /** A first column with each row's namespace. */
  namespaces?: boolean | undefined;
  /** A last column with each row's labels. */
  labels?: boolean | undefined;
  /** A column for each of these labels. */
  labelColumns?: readonly string[] | undefined;
  headers?: boolean | undefined;
  /** Names as `pod/web`: several kinds are shown together. */
  kindOf?: ResourceType | undefined;
}

/** Prints Tables of one kind one after the other, in the columns of the first (a watch sends definitions once). */
export class TablePrinter {
  readonly #options: TableOptions;
  #definitions: Table['columnDefinitions'] = [];
  #widths: number[] | undefined;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  /** Text of the rows; with the headers the first time. Empty for a Table without rows. */
  print(table: Table): string {
    if (table.columnDefinitions.length > 0) this.#definitions = table.columnDefinitions;
    const rows = table.rows.map((row) => this.#cells(row));
    if (rows.length === 0) return '';
    const first = this.#widths === undefined;
    if (first && this.#options.headers !== false) rows.unshift(this.#headers());
    // Later rows of a watch keep the columns where they are, as far as they fit.
    this.#widths ??= columnWidths(rows);
    return aligned(rows, this.#widths);
  }

  #headers(): string[] {
    const { namespaces, labels, labelColumns } = this.#options;
    return [
      ...(namespaces ? ['NAMESPACE'] : []),
      ...this.#shown().map(({ name }) => name.toUpperCase()),
      ...(labelColumns ?? []).map((label) => label.slice(label.lastIndexOf('/') + 1).toUpperCase()),
      ...(labels ? ['LABELS'] : []),
    ];
  }

  #shown(): Table['columnDefinitions'] {
    return this.#definitions.filter(({ priority }) => this.#options.wide || !priority);
  }

  #cells({ cells, object }: Table['rows'][number]): string[] {
    const { wide, namespaces, labels, labelColumns, kindOf } = this.#options;
    const own: string[] = [];
    for (const [index, { priority, name }] of this.#definitions.entries()) {
      if (!wide && priority) continue;
      const text = cellText(cells[index]);
      own.push(kindOf && name.toLowerCase() === 'name' ? `${kindName(kindOf)}/${text}` : text);
    }
    const has = object?.metadata.labels ?? {};
    const all = Object.entries(has).map(([name, value]) => `${name}=${value}`);
    return [
      ...(namespaces ? [object?.metadata.namespace ?? ''] : []),
      ...own,
      ...(labelColumns ?? []).map((label) => has[label] ?? ''),
      ...(labels ? [all.join(',') || '<none>'] : []),
    ];
  }
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'object') return JSON.stringify(value);
  // A cell is one line.
  return String(value).replaceAll(/\s*\n\s*/g, ' ');
}

/** `pod`, `job.batch`: how `-o name` and several kinds together write a kind. */
export function kindName(type: { group: string; kind: string }): string {
  const kind = type.kind.toLowerCase();
  return type.group === '' ? kind : `${kind}.${type.group}`;
}

/** Puts apiVersion and kind into an object that came without (list items of some servers). */
export function withKind(type: ResourceType, object: Unstructured): Unstructured {
  return object.kind ? object : { ...object, apiVersion: apiVersionOf(type), kind: type.kind };
}
