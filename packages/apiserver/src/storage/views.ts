/**
 * An entry as one served version shows it, as a shared frozen object and as bytes.
 *
 * Stored bytes begin with `{"apiVersion":…,"kind":…,` (the writer sees to that), so an entry stored in the version that is
 * asked for goes out as it lies, and one whose versions have the same shape needs only a new head. What costs more
 * (a strategy's conversion, a custom resource written under an older schema) is done once an entry and remembered
 * as long as the entry lives.
 */
import {
  applyDefaults,
  apiVersionOf,
  deepFreeze,
  jsonClone,
  type Kind,
  prune,
  type Unstructured,
} from '@coracle/machinery';
import type { Entry } from '@coracle/store';
import type { Strategy } from '../contracts.ts';
import { formsOf, notesOf } from './notes.ts';

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const heads = new WeakMap<Kind, Uint8Array>();

/** Says that `entry` has been defaulted and pruned by `kind`'s schema as it is now. */
export function markWritten(entry: Entry, kind: Kind): void {
  notesOf(entry).writtenUnder = kind;
}
const writtenUnder = (entry: Entry): Kind | undefined => notesOf(entry).writtenUnder;

/** The stored object itself, decoded at most once an entry, deep-frozen. */
export function storedObject(entry: Entry): Unstructured {
  if (entry.object === undefined) entry.object = deepFreeze(JSON.parse(decoder.decode(entry.bytes)));
  return entry.object as Unstructured;
}

function headOf(kind: Kind): Uint8Array {
  let head = heads.get(kind);
  if (head === undefined) {
    head = encoder.encode(
      `{"apiVersion":${JSON.stringify(apiVersionOf(kind))},"kind":${JSON.stringify(kind.kind)},`,
    );
    heads.set(kind, head);
  }
  return head;
}

function hasHead(bytes: Uint8Array, head: Uint8Array): boolean {
  return bytes.length > head.length && Buffer.compare(bytes.subarray(0, head.length), head) === 0;
}

/** Is the entry, as stored, what `kind` serves? */
function storedAsIs(kind: Kind, entry: Entry): boolean {
  if (!hasHead(entry.bytes, headOf(kind))) return false;
  return kind.builtin || writtenUnder(entry) === kind;
}

const apiVersions = new WeakMap<Kind, string>();
function isOf(kind: Kind, object: Unstructured): boolean {
  let apiVersion = apiVersions.get(kind);
  if (apiVersion === undefined) apiVersions.set(kind, (apiVersion = apiVersionOf(kind)));
  return object.apiVersion === apiVersion && object.kind === kind.kind;
}

/** Changes `object` (of the storage version) into the shape `kind` serves, without touching the original. */
export function fromStorage(kind: Kind, strategy: Strategy, object: Unstructured): Unstructured {
  const apiVersion = apiVersionOf(kind);
  const labelled = (o: Unstructured): Unstructured => {
    const { apiVersion: _a, kind: _k, ...rest } = o;
    return { apiVersion, kind: kind.kind, ...rest } as Unstructured;
  };
  if (kind.builtin) {
    if (strategy.fromStorage && object.apiVersion !== apiVersion)
      return labelled(strategy.fromStorage(jsonClone(object), kind.version));
    return labelled(object);
  }
  const copy = labelled(jsonClone(object));
  if (!kind.preserveUnknownFields) prune(kind.schema, copy);
  applyDefaults(kind.schema, copy);
  return copy;
}

/** The object as `kind` shows it, frozen and shared. */
export function objectOf(kind: Kind, strategy: Strategy, entry: Entry): Unstructured {
  const stored = storedObject(entry);
  if (isOf(kind, stored) && (kind.builtin || writtenUnder(entry) === kind)) return stored;
  const view = formsOf(entry, kind);
  view.object ??= deepFreeze(fromStorage(kind, strategy, stored));
  return view.object;
}

/** The JSON bytes of the object as `kind` shows it. */
export function bytesOf(kind: Kind, strategy: Strategy, entry: Entry): Uint8Array {
  if (storedAsIs(kind, entry)) return entry.bytes;
  const view = formsOf(entry, kind);
  view.bytes ??=
    kind.builtin && !strategy.fromStorage
      ? relabelled(kind, entry.bytes)
      : encoder.encode(JSON.stringify(objectOf(kind, strategy, entry)));
  return view.bytes;
}

/** The same bytes behind another version's head. */
function relabelled(kind: Kind, bytes: Uint8Array): Uint8Array {
  const mark = encoder.encode(`,"kind":${JSON.stringify(kind.kind)},`);
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(mark);
  const rest = bytes.subarray(at + mark.length);
  const head = headOf(kind);
  const out = new Uint8Array(head.length + rest.length);
  out.set(head);
  out.set(rest, head.length);
  return out;
}
