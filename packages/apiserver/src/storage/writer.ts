/** Puts objects into the store: version, head and resourceVersion as the rest of the server expects them. */
import { apiVersionOf, type Kind, type Unstructured } from '@coracle/machinery';
import type { Entry, WriteResult } from '@coracle/store';
import type { ServerContext } from '../context.ts';
import type { Strategy } from '../contracts.ts';
import { storedGroup } from './keys.ts';
import { seal } from './seal.ts';
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

/**
 * Writes `object` (of the storage version) at `key` if its newest revision is `expect` (0: it must not exist). Resolves when
 * durable. Rejects with RequestEntityTooLarge.
 */
export function putObject(
  ctx: ServerContext,
  kind: Kind,
  key: string,
  expect: number,
  object: Unstructured,
): Promise<WriteResult> {
  const writing = ctx.store.write({
    key,
    expect,
    seal: (revision, current) => seal(ctx, object, revision, current),
  });
  return kind.builtin && !ctx.hears(kind)
    ? writing
    : writing.then((result) => {
        if (!result.ok) return result;
        if (!kind.builtin && kind.version === kind.storageVersion) markWritten(result.entry, kind);
        ctx.written(kind, result.entry);
        return result;
      });
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
    seal: (revision, current) => seal(ctx, last, revision, current),
  });
  if (result.ok) ctx.written(kind, undefined);
  return result;
}

/** Is this entry's write already durable, that is, may a reader be told about it? */
export function isDurable(ctx: ServerContext, entry: Entry): boolean {
  return entry.revision <= ctx.store.revision;
}
