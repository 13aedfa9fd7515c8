/** What compaction needs to know of each kept event: without it each would have to be read from disk, value and all. */
export interface EventHead {
  readonly type: 'PUT' | 'DELETE';
  readonly key: string;
  /** Revision of the value before; 0 if the key did not exist. */
  readonly previousRevision: number;
}

/** Heads of the events after the compaction point, by revision, without a gap. */
export class EventHeads {
  /** Those before `#head` are dropped; the array is cut when half of it is: cutting a long one at each step costs its whole length. */
  #heads: (EventHead | undefined)[] = [];
  #head = 0;
  /** Revision of the head at `#head`. */
  #first = 1;

  /** After a gap, only what follows it is kept: values from before the compaction point are no events any more. */
  push(revision: number, head: EventHead): void {
    if (revision !== this.#first + this.#heads.length - this.#head) {
      this.#heads = [];
      this.#head = 0;
      this.#first = revision;
    }
    this.#heads.push(head);
  }

  at(revision: number): EventHead | undefined {
    return revision < this.#first ? undefined : this.#heads[this.#head + revision - this.#first];
  }

  dropThrough(revision: number): void {
    const gone = Math.min(revision - this.#first + 1, this.#heads.length - this.#head);
    if (gone <= 0) return;
    this.#heads.fill(undefined, this.#head, this.#head + gone);
    this.#head += gone;
    this.#first += gone;
    if (this.#head < 1024 || this.#head * 2 < this.#heads.length) return;
    this.#heads = this.#heads.slice(this.#head);
    this.#head = 0;
  }
}
