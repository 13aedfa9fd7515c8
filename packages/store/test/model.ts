/** The store as a page of naive code: a list of all events ever, and what is compacted. */
import type { RangeOptions } from '../src/index.ts';

export interface ModelEvent {
  revision: number;
  key: string;
  /** Undefined: a deletion. */
  value: string | undefined;
}
export interface ModelEntry {
  key: string;
  value: string;
  revision: number;
  createRevision: number;
}

export class Model {
  readonly events: ModelEvent[] = [];
  compacted = 0;

  get revision(): number {
    return this.events.length;
  }

  stateAt(revision: number): ModelEntry[] {
    const state = new Map<string, ModelEntry>();
    for (const { key, value, revision: at } of this.events.slice(0, revision)) {
      if (value === undefined) state.delete(key);
      else
        state.set(key, {
          key,
          value,
          revision: at,
          createRevision: state.get(key)?.createRevision ?? at,
        });
    }
    return [...state.values()].toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }

  find(key: string, revision = this.revision): ModelEntry | undefined {
    return this.stateAt(revision).find((e) => e.key === key);
  }

  /** Null: such a read must be refused. */
  range(
    prefix: string,
    { revision = this.revision, limit, after }: RangeOptions,
  ): { entries: ModelEntry[]; remaining: number } | null {
    if (revision > this.revision || (revision <= this.compacted && revision !== this.revision)) return null;
    const all = this.stateAt(revision).filter(
      (e) =>
        e.key.startsWith(prefix) &&
        (after === undefined || Buffer.compare(Buffer.from(e.key), Buffer.from(after)) > 0),
    );
    const entries = all.slice(0, limit ?? all.length);
    return { entries, remaining: all.length - entries.length };
  }

  add(key: string, value: string | undefined): number {
    this.events.push({ revision: this.revision + 1, key, value });
    return this.revision;
  }

  eventsUnder(prefix: string, after: number): ModelEvent[] {
    return this.events.filter((e) => e.revision > after && e.key.startsWith(prefix));
  }
}
