/** What compaction needs to know of each kept event: without it each would have to be read from disk, value and all. */
export interface EventHead {
  readonly type: 'PUT' | 'DELETE';
  readonly key: string;
  /** Revision of the value before; 0 if the key did not exist. */
  readonly previousRevision: number;
}

/** Heads of the events after the compaction point, by revision, without a gap. */
export class EventHeads {
  #heads: EventHead[] = [];
  /** Revision of `#heads[0]`. */
  #first = 1;

  /** After a gap, only what follows it is kept: values from before the compaction point are no events any more. */
  push(revision: number, head: EventHead): void {
    if (revision !== this.#first + this.#heads.length) {
      this.#heads = [];
      this.#first = revision;
    }
    this.#heads.push(head);
  }

  at(revision: number): EventHead | undefined {
    return this.#heads[revision - this.#first];
  }

  dropThrough(revision: number): void {
    const gone = revision - this.#first + 1;
    if (gone <= 0) return;
    this.#heads.splice(0, gone);
    this.#first += gone;
  }
}
