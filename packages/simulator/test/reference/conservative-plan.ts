import type { Ask, BackfillInput, BackfillPlan, Holding, Reservation } from '../../src/ordering/backfill.ts';
import { Room } from '../../src/ordering/room.ts';

/** What is free from a time on until the next stretch begins. */
interface Stretch {
  readonly fromMs: number;
  readonly room: Room;
}

/** Conservative backfill, slow and obvious: what is free on every node is written down for each stretch of time. */
export class SlowConservativePlan implements BackfillPlan {
  readonly #nowMs: number;
  /** In order of time; the first begins now. */
  readonly #stretches: Stretch[];

  constructor(input: BackfillInput) {
    this.#nowMs = input.nowMs;
    this.#stretches = [{ fromMs: input.nowMs, room: new Room(input) }];
    let last = this.#stretches[0]!;
    const ends = [...input.running];
    for (const holding of ends) {
      const untilMs = Math.max(this.#nowMs, holding.untilMs);
      if (untilMs === Infinity) break;
      // What is past its estimate holds its places now, and is expected to give them back at once.
      if (untilMs > last.fromMs || this.#stretches.length === 1) {
        last = { fromMs: untilMs, room: last.room.copy() };
        this.#stretches.push(last);
      }
      last.room.change(holding, 1);
    }
  }

  mayStart(ask: Ask): boolean {
    const endMs = this.#nowMs + ask.estimateMs;
    for (const [i, { fromMs, room }] of this.#stretches.entries()) {
      if (i > 0 && fromMs >= endMs) break;
      if (room.lacks(ask)) return false;
    }
    return true;
  }

  start(holding: Holding): boolean {
    const stretches = this.#within(0, holding.untilMs);
    if (!stretches.every(({ room }) => room.holds(holding))) return false;
    this.#take(0, holding);
    return true;
  }

  wait(ask: Ask): Reservation | undefined {
    for (let i = 0; i < this.#stretches.length;) {
      const startMs = this.#stretches[i]!.fromMs;
      const found = this.#tryAt(i, ask, startMs + ask.estimateMs);
      if (typeof found !== 'number') {
        this.#take(i, found);
        return { startMs, holding: found };
      }
      i = found;
    }
    return undefined;
  }

  /** Places that are free from stretch `first` on until `untilMs`; or the next stretch that is worth a try. */
  #tryAt(first: number, ask: Ask, untilMs: number): Holding | number {
    const stretches = this.#within(first, untilMs);
    for (let i = stretches.length - 1; i >= 0; i--) {
      if (stretches[i]!.room.lacks(ask)) return first + i + 1;
    }
    const [only] = stretches;
    const room = stretches.length === 1 ? only!.room : least(stretches.map((stretch) => stretch.room));
    return room.place(ask, untilMs) ?? first + 1;
  }

  #within(first: number, untilMs: number): Stretch[] {
    let end = first + 1;
    while (end < this.#stretches.length && this.#stretches[end]!.fromMs < untilMs) end++;
    return this.#stretches.slice(first, end);
  }

  #take(first: number, holding: Holding): void {
    let end = first + 1;
    while (end < this.#stretches.length && this.#stretches[end]!.fromMs < holding.untilMs) end++;
    const last = this.#stretches[end - 1]!;
    const next = this.#stretches[end]?.fromMs ?? Infinity;
    if (holding.untilMs < next && holding.untilMs >= last.fromMs)
      this.#stretches.splice(end, 0, { fromMs: holding.untilMs, room: last.room.copy() });
    for (let i = first; i < end; i++) this.#stretches[i]!.room.change(holding, -1);
  }
}

/** What is free in all of them. */
function least(rooms: readonly Room[]): Room {
  const result = rooms[0]!.copy();
  for (const { free, milli } of rooms.slice(1)) {
    for (let i = 0; i < free.length; i++) result.free[i] = Math.min(result.free[i]!, free[i]!);
    if (milli && result.milli)
      for (let i = 0; i < milli.length; i++) result.milli[i] = Math.min(result.milli[i]!, milli[i]!);
  }
  return new Room({ ...result, cards: result.milli && { width: result.width, milli: result.milli } });
}
