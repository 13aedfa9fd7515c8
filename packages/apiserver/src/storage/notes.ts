/**
 * What the server keeps with an entry, for as long as the store keeps the entry. In the entry itself: there are tens of thousands
 * of entries, and a weak map of so many costs more to look into, and the garbage collector more to go through, than all that
 * is kept there.
 */
import type { Kind, Unstructured, WatchEvent } from '@coracle/machinery';
import type { Entry } from '@coracle/store';

/**
 * Where the JSON of fields of the object lies in the entry's bytes: name, first byte and end of each, one after the other. Flat,
 * because a store of a hundred thousand entries has several of each.
 */
export type Spans = readonly (string | number)[];

/** An event's type, of those that are about an entry. */
export type EntryEvent = 'ADDED' | 'MODIFIED' | 'DELETED';

/** An entry as one served version shows it, once somebody has asked. */
class KindForms {
  kind: Kind | undefined = undefined;
  object: Unstructured | undefined = undefined;
  bytes: Uint8Array | undefined = undefined;
  ADDED: WatchEvent | undefined = undefined;
  MODIFIED: WatchEvent | undefined = undefined;
  DELETED: WatchEvent | undefined = undefined;
  eventBytes: { [type in EntryEvent]?: Uint8Array } | undefined = undefined;
  next: KindForms | undefined = undefined;

  forgetEvents(): void {
    this.ADDED = undefined;
    this.MODIFIED = undefined;
    this.eventBytes = undefined;
  }
}

/** What is kept with an entry, and its forms in the version that was asked for first, which nearly always is the only one. */
export class EntryNotes extends KindForms {
  /** Of the parts that are worth copying into the next version's bytes. */
  readonly spans: Spans;
  /** The kind value the entry was written (and so defaulted and pruned) under; absent after a restart. */
  writtenUnder: Kind | undefined = undefined;

  constructor(spans: Spans) {
    super();
    this.spans = spans;
  }

  /** Lets go of what was made to tell watches of the entry. */
  settled(): void {
    this.forgetEvents();
    for (let forms = this.next; forms !== undefined; forms = forms.next) forms.forgetEvents();
  }
}

const none: Spans = [];

export function notesOf(entry: Entry): EntryNotes {
  entry.notes ??= new EntryNotes(none);
  return entry.notes as EntryNotes;
}

/** What is kept of an entry as `kind` shows it. */
export function formsOf(entry: Entry, kind: Kind): KindForms {
  const notes = notesOf(entry);
  notes.kind ??= kind;
  let last: KindForms = notes;
  let count = 0;
  for (let forms: KindForms | undefined = notes; forms !== undefined; forms = forms.next) {
    if (forms.kind === kind) return forms;
    last = forms;
    count++;
  }
  // Kind values of earlier generations of a definition are of no more use.
  if (count > 8) last = notes;
  last.next = new KindForms();
  last.next.kind = kind;
  return last.next;
}
