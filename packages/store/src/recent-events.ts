import type { StoreEvent } from './store.ts';

/**
 * The newest events, in memory, so that watches a little behind and reads at recent revisions touch no disk. Invariant: holds
 * a gapless run of revisions that ends at the newest. Bounded by count and by bytes of values.
 */
export class RecentEvents {
  readonly #maxEvents: number;
  readonly #maxBytes: number;
  #events: (StoreEvent | undefined)[] = [];
  /** Events before this index are dropped; the array is cut when half of it is. */
  #head = 0;
  #bytes = 0;

  constructor(maxEvents: number, maxBytes: number) {
    this.#maxEvents = maxEvents;
    this.#maxBytes = maxBytes;
  }

  push(event: StoreEvent): void {
    this.#events.push(event);
    this.#bytes += event.entry.bytes.length;
    while (
      this.#events.length - this.#head > this.#maxEvents ||
      (this.#bytes > this.#maxBytes && this.#events.length - this.#head > 1)
    ) {
      this.#dropFirst();
    }
  }

  at(revision: number): StoreEvent | undefined {
    const first = this.#events[this.#head]?.revision;
    if (first === undefined || revision < first) return undefined;
    return this.#events[this.#head + revision - first];
  }

  dropThrough(revision: number): void {
    while (this.#head < this.#events.length && this.#events[this.#head]!.revision <= revision) {
      this.#dropFirst();
    }
  }

  #dropFirst(): void {
    this.#bytes -= this.#events[this.#head]!.entry.bytes.length;
    // Let go of at once: until the array is cut, as many again as are kept would stay.
    this.#events[this.#head] = undefined;
    this.#head++;
    if (this.#head >= 1024 && this.#head * 2 >= this.#events.length) {
      this.#events = this.#events.slice(this.#head);
      this.#head = 0;
    }
  }
}
