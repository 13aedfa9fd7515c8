/** get and list: stored bytes out, nothing serialized again unless another form is asked for. */
import { type ApiResponse, ApiError, apiVersionOf, errors, type Unstructured } from '@coracle/machinery';
import { CompactedError, type Entry, FutureRevisionError } from '@coracle/store';
import { pacer } from '../pipeline/pace.ts';
import type { Call } from '../pipeline/call.ts';
import {
  encodeContinue,
  type ListOptions,
  parseListOptions,
  parseResourceVersion,
  tooLargeVersion,
} from '../pipeline/list-options.ts';
import { respondEntry, respondValue } from '../pipeline/respond.ts';
import { selectorOf } from '../pipeline/selectors.ts';
import { partialMetadata, tableOf } from '../pipeline/table.ts';
import { prefixOf, requestKey } from '../storage/keys.ts';
import { bytesOf, objectOf } from '../storage/views.ts';

const encoder = new TextEncoder();
const comma = encoder.encode(',');

/** One object. Throws NotFound, or Timeout when `resourceVersion` is ahead of the store. */
export function get(call: Call): ApiResponse {
  const { ctx, kind, attributes, request } = call;
  const asked = parseResourceVersion(request.query.get('resourceVersion')) ?? 0;
  if (asked > ctx.store.revision) throw tooLargeVersion(asked, ctx.store.revision);
  const entry = ctx.store.get(requestKey(kind, attributes.namespace, attributes.name));
  if (!entry) throw errors.notFound(kind, attributes.name);
  return respondEntry(call, 200, entry);
}

export interface Page {
  entries: readonly Entry[];
  metadata: Record<string, unknown> & { resourceVersion: string };
}

/** The revision a list must be read at; undefined is "now". Throws Timeout when it is in the future. */
function revisionOf(call: Call, options: ListOptions): number | undefined {
  const { store } = call.ctx;
  if (options.continueFrom) return options.continueFrom.revision;
  const asked = options.resourceVersion;
  if (asked !== undefined && asked > store.revision) throw tooLargeVersion(asked, store.revision);
  if (options.resourceVersionMatch === 'Exact') return asked;
  // Without a match rule a limited list at a version is read exactly there (upstream's legacy rule).
  if (options.resourceVersionMatch === undefined && options.limit !== undefined && asked) return asked;
  return undefined;
}

/** The entries of one page. Throws Expired (410) when its revision is gone. */
export async function readPage(call: Call, options: ListOptions): Promise<Page> {
  const { ctx, kind, attributes } = call;
  const prefix = prefixOf(kind, kind.namespaced ? attributes.namespace : '');
  const selector = selectorOf(call);
  const pace = pacer();
  const { limit } = options;
  let revision = revisionOf(call, options);
  let after = options.continueFrom ? prefix + options.continueFrom.after : undefined;
  try {
    if (!selector) {
      const left = options.continueFrom?.left;
      const range = ctx.store.range(prefix, { revision, limit, after, count: left === undefined });
      const remaining = left === undefined ? range.remaining : left - range.entries.length;
      return page(prefix, range.entries, range.revision, range.more, remaining);
    }
    const kept: Entry[] = [];
    // With a limit, read on until enough have matched; without one, all at once.
    const step = limit === undefined ? undefined : Math.max(limit, 500);
    for (;;) {
      const range = ctx.store.range(prefix, { revision, limit: step, after, count: false });
      revision = range.revision;
      let index = 0;
      for (const entry of range.entries) {
        index++;
        if (selector(entry)) kept.push(entry);
        if (kept.length === limit) {
          const more = range.more || index < range.entries.length;
          return page(prefix, kept, revision, more, undefined);
        }
        const turn = pace();
        if (turn) await turn;
      }
      if (!range.more) return page(prefix, kept, revision, false, undefined);
      after = range.entries.at(-1)?.key;
    }
  } catch (error) {
    throw expired(call, options, error);
  }
}

function page(
  prefix: string,
  entries: readonly Entry[],
  revision: number,
  more: boolean,
  remaining: number | undefined,
): Page {
  const last = entries.at(-1);
  return {
    entries,
    metadata: {
      resourceVersion: String(revision),
      ...(more && last
        ? {
            continue: encodeContinue({ revision, after: last.key.slice(prefix.length), left: remaining }),
            ...(remaining === undefined ? {} : { remainingItemCount: remaining }),
          }
        : {}),
    },
  };
}

function expired(call: Call, options: ListOptions, error: unknown): unknown {
  if (error instanceof FutureRevisionError)
    return tooLargeVersion(
      options.resourceVersion ?? options.continueFrom?.revision ?? 0,
      call.ctx.store.revision,
    );
  if (!(error instanceof CompactedError)) return error;
  const token = options.continueFrom;
  if (!token)
    return errors.expired(
      `The resourceVersion for the provided list is too old: ${error.message}. Start a new list without it.`,
    );
  const gone = new ApiError(
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
      'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
      'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
      'deleted between the time the first chunk was returned and now may show up in the list.',
  );
  gone.status.metadata = {
    continue: encodeContinue({ revision: call.ctx.store.revision, after: token.after }),
  };
  return gone;
}

/** A page of objects, as list kind, Table or metadata list. */
export async function list(call: Call): Promise<ApiResponse> {
  const options = parseListOptions(call.request.query, false);
  return respondPage(call, await readPage(call, options));
}

async function respondPage(call: Call, { entries, metadata }: Page): Promise<ApiResponse> {
  const { kind, strategy, output, request, warnings } = call;
  const plainBytes = request.want === 'bytes' && output.media === 'json' && !output.pretty;
  if (plainBytes && output.as === 'object') {
    const head = `{"kind":${JSON.stringify(kind.listKind)},"apiVersion":${JSON.stringify(apiVersionOf(kind))},"metadata":${JSON.stringify(metadata)},"items":[`;
    const chunks: Uint8Array[] = [encoder.encode(head)];
    const pace = pacer();
    for (const entry of entries) {
      if (chunks.length > 1) chunks.push(comma);
      chunks.push(bytesOf(kind, strategy, entry));
      const turn = pace();
      if (turn) await turn;
    }
    chunks.push(encoder.encode(']}\n'));
    return { kind: 'object', code: 200, headers: { 'content-type': 'application/json' }, chunks };
  }
  const items: Unstructured[] = [];
  const pace = pacer();
  for (const entry of entries) {
    items.push(objectOf(kind, strategy, entry));
    const turn = pace();
    if (turn) await turn;
  }
  if (output.as === 'object')
    return respondValue(
      request.want,
      output,
      200,
      { kind: kind.listKind, apiVersion: apiVersionOf(kind), metadata, items },
      warnings,
    );
  if (output.as === 'Table' && plainBytes) return tableChunks(call, items, metadata);
  const value =
    output.as === 'Table'
      ? tableOf(call, items, metadata)
      : {
          kind: 'PartialObjectMetadataList',
          apiVersion: `meta.k8s.io/${output.version}`,
          metadata,
          items: items.map((item) => partialMetadata(item, output.version)),
        };
  return respondValue(request.want, output, 200, value, warnings);
}

/** A Table in pieces of a few rows, so that thousands of rows do not hold up everybody else. */
async function tableChunks(
  call: Call,
  items: readonly Unstructured[],
  metadata: Record<string, unknown>,
): Promise<ApiResponse> {
  const { rows: _none, ...shell } = tableOf(call, [], metadata);
  const chunks = [encoder.encode(`${JSON.stringify(shell).slice(0, -1)},"rows":[`)];
  for (let i = 0; i < items.length; i += 100) {
    const part = JSON.stringify(tableOf(call, items.slice(i, i + 100), metadata)['rows']).slice(1, -1);
    chunks.push(encoder.encode(i === 0 ? part : `,${part}`));
    if (i % 500 === 400) await new Promise((resolve) => setImmediate(resolve));
  }
  chunks.push(encoder.encode(']}\n'));
  return { kind: 'object', code: 200, headers: { 'content-type': 'application/json' }, chunks };
}
