import type { Ask, BackfillInput, BackfillPlan, Holding, Reservation } from './backfill.ts';
import { Room } from './room.ts';

/** One reservation, for the first job that waits. */
export class EasyPlan implements BackfillPlan {
  readonly #nowMs: number;
  readonly #running: readonly Holding[];
  readonly #started: Holding[] = [];
  readonly #now: Room;
  #head: { readonly ask: Ask; readonly reservation: Reservation; readonly room: Room } | undefined;
  #waits = false;

  constructor(input: BackfillInput) {
    this.#nowMs = input.nowMs;
    this.#running = [...input.running];
    this.#now = new Room(input);
  }

  mayStart(ask: Ask): boolean {
    if (this.#now.lacks(ask)) return false;
    const head = this.#head;
    if (!head || this.#nowMs + ask.estimateMs <= head.reservation.startMs) return true;
    // It still runs when the head shall start: there must be room for both.
    return !head.room.lacks({ pods: [...ask.pods, ...head.ask.pods], estimateMs: 0 });
  }

  start(holding: Holding): boolean {
    const head = this.#head;
    if (head && holding.untilMs > head.reservation.startMs) {
      head.room.change(holding, -1);
      if (!head.room.place(head.ask, 0)) {
        head.room.change(holding, 1);
        return false;
      }
    }
    this.#now.change(holding, -1);
    if (!this.#waits) this.#started.push(holding);
    return true;
  }

  wait(ask: Ask): Reservation | undefined {
    if (this.#waits) return undefined;
    this.#waits = true;
    const room = this.#now.copy();
    const ends =
      this.#started.length === 0
        ? this.#running
        : [...this.#running, ...this.#started].sort((a, b) => a.untilMs - b.untilMs);
    for (let i = 0; ;) {
      const startMs = Math.max(this.#nowMs, ends[i]?.untilMs ?? this.#nowMs);
      if (startMs === Infinity) return undefined;
      // All that end by then.
      while (i < ends.length && ends[i]!.untilMs <= startMs) room.change(ends[i++]!, 1);
      const holding = room.place(ask, startMs + ask.estimateMs);
      if (holding) {
        const reservation = { startMs, holding };
        this.#head = { ask, reservation, room };
        return reservation;
      }
      if (i >= ends.length) return undefined;
    }
  }
}
