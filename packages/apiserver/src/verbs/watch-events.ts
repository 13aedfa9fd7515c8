/**
 * Watch events as values and as bytes, made once an (entry, type, served version) however many watchers there are: the
 * maps below are keyed weakly by kind and entry, so events live exactly as long as the store keeps their entry.
 */
import type { Kind, WatchEvent, WatchEventType } from '@coracle/machinery';
import type { Entry } from '@coracle/store';
import type { Strategy } from '../contracts.ts';
import { bytesOf, objectOf } from '../storage/views.ts';

type Forms<T> = { [type in WatchEventType]?: T };
const valueForms = new WeakMap<Kind, WeakMap<Entry, Forms<WatchEvent>>>();
const byteForms = new WeakMap<Kind, WeakMap<Entry, Forms<Uint8Array>>>();

function formsOf<T>(all: WeakMap<Kind, WeakMap<Entry, Forms<T>>>, kind: Kind, entry: Entry): Forms<T> {
  let entries = all.get(kind);
  if (!entries) all.set(kind, (entries = new WeakMap()));
  let forms = entries.get(entry);
  if (!forms) entries.set(entry, (forms = {}));
  return forms;
}

/** The event as a shared frozen value. */
export function eventValue(kind: Kind, strategy: Strategy, type: WatchEventType, entry: Entry): WatchEvent {
  const forms = formsOf(valueForms, kind, entry);
  return (forms[type] ??= Object.freeze({ type, object: objectOf(kind, strategy, entry) }));
}

const encoder = new TextEncoder();
const heads: Forms<Uint8Array> = {};
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
export function eventBytes(kind: Kind, strategy: Strategy, type: WatchEventType, entry: Entry): Uint8Array {
  const forms = formsOf(byteForms, kind, entry);
  return (forms[type] ??= frameEvent(type, bytesOf(kind, strategy, entry)));
}

/** Any event object (bookmark, error, table) as one line of JSON. */
export function encodeEvent(event: WatchEvent): Uint8Array {
  return encoder.encode(`${JSON.stringify(event)}\n`);
}
