/**
 * Turns for work that may wait: events, and states that nobody acts upon. While the event loop has time to spare, as many as it
 * takes; while others need all of it, few, so that what users wait for is not held up by what is told of it afterwards. Work
 * is delayed by that, never left: there is always some rate, and a higher one for what has waited long.
 */
import { performance } from 'node:perf_hooks';
import { Heap } from '@coracle/machinery';
import type { Clock } from './contracts.ts';

export interface SpareTime {
  /**
   * Undefined: go on at once. Otherwise resolves when it is one's turn. What came up first goes first: who asks for few turns at a
   * time is not held up by who asks for thousands at once. `since` is when the work came up, in milliseconds since 1970.
   */
  turn(since: number): Promise<void> | undefined;
  /** From now on nobody waits: for a process that is about to end. */
  hurry(): void;
}

export interface SpareTimeDeps {
  clock: Clock;
  /** Share of the time since the last call, 0 to 1, in which the event loop was busy. Default: this process's. */
  busy?: (() => number) | undefined;
}

const tickMs = 10;
/** Turns a tick: at first, and the most. The most is more than a loop can do: it is busy before. */
const firstTurns = 32;
const mostTurns = 256;
/** Above `high` there is nothing to spare (a loop that waits for the disk now and then is never wholly busy); below `low` there is more. */
const high = 0.75;
const low = 0.5;
/** Turns a second while there is nothing to spare, and when the oldest has waited for `longMs`. Some tens of microseconds each. */
const leastPerSecond = 400;
const overduePerSecond = 2000;
const longMs = 10_000;

export function createSpareTime(deps: SpareTimeDeps): SpareTime {
  const { clock, busy = eventLoopBusy() } = deps;
  const waiting = new Heap<{ since: number; serial: number; go: () => void }>((a, b) =>
    a.since === b.since ? a.serial < b.serial : a.since < b.since,
  );
  let asked = 0;
  let turns = 0;
  let perTick = firstTurns;
  let lastAt = -Infinity;
  let ticking = false;
  let hurried = false;

  /** Looks how busy the loop was, and gives out what it allows. */
  const refill = (): void => {
    const now = clock.now();
    const elapsed = now - lastAt;
    // Nobody asked for a while: what was learnt is out of date.
    if (elapsed > 10 * tickMs) perTick = firstTurns;
    lastAt = now;
    const share = busy();
    if (share <= high) {
      if (share < low) perTick = Math.min(mostTurns, perTick * 2);
      turns = perTick;
    } else {
      perTick = Math.max(1, perTick >> 1);
      const oldest = waiting.peek()?.since ?? now;
      const rate = now - oldest >= longMs ? overduePerSecond : leastPerSecond;
      const least = (rate * Math.min(elapsed, 10 * tickMs)) / 1000;
      // What this work alone makes of a loop is no reason to stop: the rate is halved until others find room.
      turns = Math.max(perTick, Math.min(turns, least) + least);
    }
    while (turns >= 1) {
      const next = waiting.pop();
      if (next === undefined) return;
      turns -= 1;
      next.go();
    }
  };
  const tick = (): void => {
    refill();
    ticking = waiting.size > 0;
    if (ticking) clock.after(tickMs, tick);
  };

  return {
    turn(since) {
      if (hurried) return undefined;
      if (!ticking && clock.now() - lastAt >= tickMs) refill();
      if (waiting.size === 0 && turns >= 1) {
        turns -= 1;
        return undefined;
      }
      if (!ticking) {
        ticking = true;
        clock.after(tickMs, tick);
      }
      return new Promise((go) => waiting.push({ since, serial: asked++, go }));
    },
    hurry() {
      hurried = true;
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) next.go();
    },
  };
}

/** How busy this process's event loop was between two calls. */
function eventLoopBusy(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}
