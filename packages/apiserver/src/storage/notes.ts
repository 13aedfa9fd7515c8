/**
 * What the server keeps with an entry, for as long as the store keeps the entry. In the entry itself: there are tens of thousands
 * of entries, and a weak map of so many costs more to look into, and the garbage collector more to go through, than all that
 * is kept there.
 */
import type { Kind, Unstructured, WatchEvent } from '@coracle/machinery';
import type { Entry } from '@coracle/store';

/** Where the JSON of a field of the object lies in the entry's bytes. */
export interface Span {
  readonly field: string;
  readonly from: number;
  readonly to: number;
}

/** An event's type, of those that are about an entry. */
export type EntryEvent = 'ADDED' | 'MODIFIED' | 'DELETED';

/** An entry as one served version shows it, once somebody has asked. */
export class KindForms {
  readonly kind: Kind;
  object: Unstructured | undefined = undefined;
  bytes: Uint8Array | undefined = undefined;
  readonly events: { [type in EntryEvent]: WatchEvent | undefined } = {
    ADDED: undefined,
    MODIFIED: undefined,
    DELETED: undefined,
  };
  eventBytes: { [type in EntryEvent]?: Uint8Array } | undefined = undefined;
  readonly next: KindForms | undefined;

  constructor(kind: Kind, next: KindForms | undefined) {
    this.kind = kind;
    this.next = next;
  }
}

export class EntryNotes {
  /** Of the parts that are worth copying into the next version's bytes. */
  readonly spans: readonly Span[];
  /** The kind value the entry was written (and so defaulted and pruned) under; absent after a restart. */
  writtenUnder: Kind | undefined = undefined;
  /** One for each version that was asked for: nearly always one or two. */
  #forms: KindForms | undefined = undefined;
  #count = 0;

  constructor(spans: readonly Span[]) {
    this.spans = spans;
  }

  formsOf(kind: Kind): KindForms {
    for (let forms = this.#forms; forms !== undefined; forms = forms.next)
      if (forms.kind === kind) return forms;
    // Kind values of earlier generations of a definition are of no more use.
    const rest = this.#count < 8 ? this.#forms : undefined;
    this.#count = rest === undefined ? 1 : this.#count + 1;
    this.#forms = new KindForms(kind, rest);
    return this.#forms;
  }
}

const none: readonly Span[] = [];

export function notesOf(entry: Entry): EntryNotes {
  entry.notes ??= new EntryNotes(none);
  return entry.notes as EntryNotes;
}
