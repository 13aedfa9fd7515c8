/**
 * The bytes of an object as it is stored. Most writes change little: a pod is bound and its status written a few times within
 * seconds, and its spec, the greater part of its text, is the very same value each time. What an object shares with the
 * version before it is copied from that version's bytes. Frozen values only, so that a value's text never changes.
 */
import { ApiError, deepFreeze, setKey, type Unstructured } from '@coracle/machinery';
import type { Entry, Sealed } from '@coracle/store';
import type { ServerContext } from '../context.ts';
import { EntryNotes, type Spans } from './notes.ts';

/** Shorter texts are written out again sooner than found. */
const shortest = 64;

/** 413 for an object that is too big to store. */
export function tooLarge(bytes: number, limit: number): ApiError {
  return new ApiError(
    'RequestEntityTooLarge',
    `Request entity too large: the object is ${bytes} bytes, the limit is ${limit} bytes`,
  );
}

/**
 * Bytes of `object` at `revision`, head first. The object becomes the entry's shared one: frozen from here on. `current` is the
 * version before, which `object` may share parts with.
 */
export function seal(
  ctx: Pick<ServerContext, 'room' | 'specs' | 'limits'>,
  object: Unstructured,
  revision: number,
  current: Entry | undefined,
): Sealed {
  const { room } = ctx;
  // Of one that could not be written.
  room.drop();
  const spans = (current?.notes as EntryNotes | undefined)?.spans ?? none;
  const was = current?.object as Unstructured | undefined;
  const { apiVersion, kind } = object;
  const metadata = { ...object.metadata, resourceVersion: String(revision) };
  const sealed: Unstructured = { apiVersion, kind, metadata };
  /** What is not in the room yet: one text that is written at a time costs less than its parts. */
  let text = `{"apiVersion":${quoted(apiVersion)},"kind":${quoted(kind)},"metadata":`;
  let size = 0;
  const own: (string | number)[] = [];
  let from = text.length;
  const at = spans.indexOf('metadata');
  if (at >= 0 && sameButVersion(was!.metadata, metadata)) {
    const start = spans[at + 1] as number;
    const end = (spans[at + 2] as number) - tailOf(was!.metadata.resourceVersion).length;
    room.text(text);
    room.copy(current!.bytes, start, end);
    size += text.length + end - start;
    text = tailOf(metadata.resourceVersion);
  } else text += JSON.stringify(metadata);
  own.push('metadata', from, size + text.length);
  for (const field in object) {
    if (field === 'apiVersion' || field === 'kind' || field === 'metadata') continue;
    const value = object[field];
    setKey(sealed, field, value);
    if (typeof value === 'string') text += headOf(field) + quoted(value);
    else if (typeof value !== 'object' || value === null) {
      const json = JSON.stringify(value);
      if (json !== undefined) text += headOf(field) + json;
    } else {
      text += headOf(field);
      from = size + text.length;
      const at = spans.indexOf(field);
      const before = at < 0 ? undefined : (was![field] as object);
      const start = spans[at + 1] as number;
      const end = spans[at + 2] as number;
      const added = before && before !== value ? addedTo(before as Values, value as Values) : undefined;
      if (before === value) {
        room.text(text);
        room.copy(current!.bytes, start, end);
        size += text.length + end - start;
        text = '';
      } else if (added !== undefined) {
        // The text before ends with its brace, and is not that of an empty object: that would be too short for a span.
        room.text(text);
        room.copy(current!.bytes, start, end - 1);
        size += text.length + end - 1 - start;
        text = `${added}}`;
      } else text += (field === 'spec' && ctx.specs.jsonOf(value)) || JSON.stringify(value);
      const to = size + text.length;
      if (to - from >= shortest) own.push(field, from, to);
    }
  }
  size += text.length + 1;
  room.text(`${text}}`);
  // Other characters than ASCII's take more bytes than they have units: then it is not known where the parts are.
  const ascii = room.length === size;
  if (room.length > ctx.limits.objectBytes) {
    const bytes = room.length;
    room.drop();
    throw tooLarge(bytes, ctx.limits.objectBytes);
  }
  return { bytes: room.take(), object: deepFreeze(sealed), notes: new EntryNotes(ascii ? own : none) };
}

type Values = Record<string, unknown>;
const none: Spans = [];

/** How metadata ends where resourceVersion is its last field. */
const tailOf = (version: string): string => `"resourceVersion":"${version}"}`;

/** Have they the same fields in the same order, resourceVersion last, and the very same values but for that? */
function sameButVersion(was: object, now: object): boolean {
  const fields = Object.keys(was);
  if (fields.at(-1) !== 'resourceVersion') return false;
  let at = 0;
  for (const field in now) {
    if (fields[at++] !== field) return false;
    if ((was as Values)[field] !== (now as Values)[field] && field !== 'resourceVersion') return false;
  }
  return at === fields.length;
}

/** JSON of the fields that `now` has after all of those of `was`, which it shares; undefined if it is otherwise. */
function addedTo(was: Values, now: Values): string | undefined {
  if (Array.isArray(was) || Array.isArray(now)) return undefined;
  const fields = Object.keys(was);
  let at = 0;
  let added = '';
  for (const field in now) {
    const value = now[field];
    if (at < fields.length) {
      if (fields[at++] !== field || value !== was[field]) return undefined;
      continue;
    }
    const text = JSON.stringify(value);
    if (text !== undefined) added += headOf(field) + text;
  }
  return at === fields.length ? added : undefined;
}

/** Needs nothing before a character in JSON. */
const plain = /^[ !#-[\]-~]*$/;
/** A text as JSON. For short ones a look at them is a fraction of what JSON.stringify costs. */
const quoted = (text: string): string =>
  text.length < 80 && plain.test(text) ? `"${text}"` : JSON.stringify(text);

const heads = new Map<string, string>();
/** What comes before a field's value: there are some dozens of fields, and custom resources with any. */
function headOf(field: string): string {
  let head = heads.get(field);
  if (head === undefined) {
    head = `,${quoted(field)}:`;
    if (heads.size < 1000) heads.set(field, head);
  }
  return head;
}
