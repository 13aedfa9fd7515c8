import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Entry, Store, StoreClock, StoreEvent, StoreWatch, WriteResult } from '../src/index.ts';

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'coracle-store-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export const text = (entry: Entry | undefined): string | undefined =>
  entry && Buffer.from(entry.bytes).toString();

export function put(store: Store, key: string, value: string, expect?: number): Promise<WriteResult> {
  return store.write({ key, expect, seal: () => ({ bytes: Buffer.from(value) }) });
}

/** Deletes; the value that watchers are shown says at which revision. */
export function remove(store: Store, key: string, expect?: number): Promise<WriteResult> {
  return store.write({
    key,
    expect,
    delete: true,
    seal: (revision) => ({ bytes: Buffer.from(`gone at ${revision}`) }),
  });
}

/** The revision of a write that must have succeeded. */
export async function revisionOf(result: Promise<WriteResult>): Promise<number> {
  const done = await result;
  if (!done.ok) throw new Error('the write was refused');
  return done.revision;
}

/** Collects what a watch is shown. `room`: how many events it takes before it says stop; refilled by `more`. */
export class Collector {
  readonly events: StoreEvent[] = [];
  readonly progress: number[] = [];
  ended: string | undefined;
  room: number;
  readonly watch: StoreWatch;

  constructor(store: Store, prefix: string, after: number, room = Infinity) {
    this.room = room;
    this.watch = store.watch(prefix, after, {
      onEvents: (events) => {
        this.events.push(...events);
        this.room -= events.length;
        return this.room > 0;
      },
      onProgress: (revision) => this.progress.push(revision),
      onEnd: (reason) => {
        this.ended = reason;
      },
    });
  }

  more(room: number): void {
    this.room = room;
    this.watch.resume();
  }
  get revisions(): number[] {
    return this.events.map((e) => e.revision);
  }
}

/** Turns of the event loop until the condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; !condition(); turn++) {
    if (turn > 100_000) throw new Error('the condition never came true');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A clock that moves when told. */
export class ManualClock implements StoreClock {
  time = 0;
  #timers: { at: number; fire: () => void }[] = [];
  now(): number {
    return this.time;
  }
  after(milliseconds: number, fire: () => void): () => void {
    const timer = { at: this.time + milliseconds, fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  }
  /** Fires what is due, in order, including what is set on the way. */
  advance(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const due = this.#timers.filter((t) => t.at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((t) => t !== due);
      this.time = due.at;
      due.fire();
    }
    this.time = end;
  }
}
