/**
 * Watch events as values and as bytes, made once an (entry, type, served version) however many watchers there are, and kept
 * with the entry: events live exactly as long as the store keeps it.
 */
import type { Kind, WatchEvent, WatchEventType } from '@coracle/machinery';
import type { Entry } from '@coracle/store';
import type { Strategy } from '../contracts.ts';
import { type EntryEvent, formsOf } from '../storage/notes.ts';
import { bytesOf, objectOf } from '../storage/views.ts';

/** The event as a shared frozen value. */
export function eventValue(kind: Kind, strategy: Strategy, type: EntryEvent, entry: Entry): WatchEvent {
  const forms = formsOf(entry, kind);
  return (forms[type] ??= Object.freeze({ type, object: objectOf(kind, strategy, entry) }));
}

const encoder = new TextEncoder();
const heads: { [type in WatchEventType]?: Uint8Array } = {};
const tail = encoder.encode('}\n');

/** `{"type":…,"object":<bytes>}` and a newline. */
export function frameEvent(type: WatchEventType, bytes: Uint8Array): Uint8Array {
  const head = (heads[type] ??= encoder.encode(`{"type":"${type}","object":`));
  const out = new Uint8Array(head.length + bytes.length + tail.length);
  out.set(head);
  out.set(bytes, head.length);
  out.set(tail, head.length + bytes.length);
  return out;
}

/** The event as one line of JSON. */
export function eventBytes(kind: Kind, strategy: Strategy, type: EntryEvent, entry: Entry): Uint8Array {
  const forms = formsOf(entry, kind);
  forms.eventBytes ??= {};
  return (forms.eventBytes[type] ??= frameEvent(type, bytesOf(kind, strategy, entry)));
}

/** Any event object (bookmark, error, table) as one line of JSON. */
export function encodeEvent(event: WatchEvent): Uint8Array {
  return encoder.encode(`${JSON.stringify(event)}\n`);
}
