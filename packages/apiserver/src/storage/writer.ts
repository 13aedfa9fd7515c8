/** Puts objects into the store: version, head and resourceVersion as the rest of the server expects them. */
import { ApiError, apiVersionOf, deepFreeze, type Kind, setKey, type Unstructured } from '@coracle/machinery';
import type { Entry, Sealed, WriteResult } from '@coracle/store';
import type { ServerContext } from '../context.ts';
import type { Strategy } from '../contracts.ts';
import { storedGroup } from './keys.ts';
import { markWritten } from './views.ts';

/** The kind of the version that objects of `kind` are stored in; the served one if that version is not served. */
export function storageKind(ctx: ServerContext, kind: Kind): Kind {
  const group = storedGroup(kind);
  if (kind.version === kind.storageVersion && group === kind.group) return kind;
  return ctx.registry.byResource(group, kind.storageVersion, kind.resource) ?? kind;
}

/** From the served to the storage version. `object` may be changed. */
export function toStorage(kind: Kind, strategy: Strategy, object: Unstructured): Unstructured {
  const apiVersion = apiVersionOf({ group: storedGroup(kind), version: kind.storageVersion });
  if (object.apiVersion !== apiVersion && strategy.toStorage)
    object = strategy.toStorage(object, kind.version);
  object.apiVersion = apiVersion;
  object.kind = kind.kind;
  return object;
}

/** Bytes of `object` at `revision`, head first. The object becomes the entry's shared one: frozen from here on. */
function seal(ctx: ServerContext, object: Unstructured, revision: number): Sealed {
  const { apiVersion, kind } = object;
  const metadata = { ...object.metadata, resourceVersion: String(revision) };
  const sealed: Unstructured = { apiVersion, kind, metadata };
  let text = `{"apiVersion":${JSON.stringify(apiVersion)},"kind":${JSON.stringify(kind)},"metadata":${JSON.stringify(metadata)}`;
  for (const field in object) {
    if (field === 'apiVersion' || field === 'kind' || field === 'metadata') continue;
    const value = object[field];
    setKey(sealed, field, value);
    const part = ctx.texts.textOf(value);
    if (part !== undefined) text += `,${JSON.stringify(field)}:${part}`;
  }
  // A Buffer and not a TextEncoder: small ones share their memory, which is a fifth of the cost.
  const bytes = Buffer.from(`${text}}`);
  if (bytes.length > ctx.limits.objectBytes) throw tooLarge(bytes.length, ctx.limits.objectBytes);
  return { bytes, object: deepFreeze(sealed) };
}

/** 413 for an object that is too big to store. */
export function tooLarge(bytes: number, limit: number): ApiError {
  return new ApiError(
    'RequestEntityTooLarge',
    `Request entity too large: the object is ${bytes} bytes, the limit is ${limit} bytes`,
  );
}

/**
 * Writes `object` (of the storage version) at `key` if its newest revision is `expect` (0: it must not exist). Resolves when
 * durable. Rejects with RequestEntityTooLarge.
 */
export async function putObject(
  ctx: ServerContext,
  kind: Kind,
  key: string,
  expect: number,
  object: Unstructured,
): Promise<WriteResult> {
  const result = await ctx.store.write({ key, expect, seal: (revision) => seal(ctx, object, revision) });
  if (result.ok) {
    if (!kind.builtin && kind.version === kind.storageVersion) markWritten(result.entry, kind);
    ctx.written(kind, result.entry);
  }
  return result;
}

/** Deletes the object at `key` if its newest revision is `expect`; watchers see `last` with the delete's revision. */
export async function removeObject(
  ctx: ServerContext,
  kind: Kind,
  key: string,
  expect: number,
  last: Unstructured,
): Promise<WriteResult> {
  const result = await ctx.store.write({
    key,
    expect,
    delete: true,
    seal: (revision) => seal(ctx, last, revision),
  });
  if (result.ok) ctx.written(kind, undefined);
  return result;
}

/** Is this entry's write already durable, that is, may a reader be told about it? */
export function isDurable(ctx: ServerContext, entry: Entry): boolean {
  return entry.revision <= ctx.store.revision;
}
