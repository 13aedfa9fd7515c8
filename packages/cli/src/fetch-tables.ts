import { type Client, readWatch, resourcePath, responseValue } from '@coracle/client';
import type { ResourceType, Unstructured, WatchEvent } from '@coracle/machinery';
import { acceptTable, isTable, plainTable, type Table } from './print/table.ts';

export interface Selection {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  /** Rows carry their whole objects, not only the metadata: for sorting. */
  wholeObjects?: boolean | undefined;
}

/** Rows asked for at a time: a server answers a page of Tables without holding everything else up. */
const pageSize = 500;

/** All rows of a resource, or the one of `name`, as the server prints them. */
export async function fetchTable(
  client: Client,
  type: ResourceType,
  selection: Selection,
  name?: string,
  signal?: AbortSignal,
): Promise<Table> {
  let whole: Table | undefined;
  let token: string | undefined;
  do {
    const query = new URLSearchParams(selection.wholeObjects ? { includeObject: 'Object' } : {});
    if (name === undefined) {
      if (selection.labelSelector) query.set('labelSelector', selection.labelSelector);
      if (selection.fieldSelector) query.set('fieldSelector', selection.fieldSelector);
      query.set('limit', String(pageSize));
      if (token) query.set('continue', token);
    }
    const path = resourcePath(type, selection.namespace, name);
    const response = await client.request({
      method: 'GET',
      path,
      query,
      headers: { accept: acceptTable },
      signal,
    });
    const page = asTable(await responseValue(response));
    whole = whole
      ? { ...page, rows: [...whole.rows, ...page.rows], columnDefinitions: whole.columnDefinitions }
      : page;
    token = page.metadata?.continue || undefined;
  } while (token);
  return whole;
}

/** Changes after `resourceVersion`, each as a Table of one row. */
export async function* watchTables(
  client: Client,
  type: ResourceType,
  selection: Selection,
  resourceVersion: string,
  signal: AbortSignal,
): AsyncGenerator<{ type: WatchEvent['type']; table: Table }> {
  const query = new URLSearchParams({ watch: 'true', resourceVersion });
  if (selection.labelSelector) query.set('labelSelector', selection.labelSelector);
  if (selection.fieldSelector) query.set('fieldSelector', selection.fieldSelector);
  const path = resourcePath(type, selection.namespace);
  const response = await client.request({
    method: 'GET',
    path,
    query,
    headers: { accept: acceptTable },
    signal,
  });
  for await (const event of readWatch<Unstructured>(response, signal)) {
    if (event.type !== 'BOOKMARK') yield { type: event.type, table: asTable(event.object) };
  }
}

function asTable(value: unknown): Table {
  if (isTable(value))
    return { ...value, rows: value.rows ?? [], columnDefinitions: value.columnDefinitions ?? [] };
  const list = value as {
    items?: Unstructured[];
    metadata?: { resourceVersion?: string; continue?: string };
  };
  const table = plainTable(list.items ?? [value as Unstructured], Date.now());
  return list.metadata ? { ...table, metadata: list.metadata } : table;
}
