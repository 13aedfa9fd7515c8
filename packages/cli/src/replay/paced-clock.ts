/**
 * A clock for trying things against a whole cluster in one process: it goes at a pace of its own (`speed` seconds in one), and it
 * stands still while the process is at work. A timer fires, all that follows from it happens (requests, watches, decisions,
 * bindings), and only then does time go on. So a cluster is as quick as if its machine took no time, however slow it is: what
 * order things happen in does not depend on the machine, nor on the pace.
 */
import { Heap } from '@coracle/machinery';
import type { Clock } from '@coracle/operator';
import { performance } from 'node:perf_hooks';

export interface PacedClock extends Clock {
  /** Real milliseconds for which it stood still. */
  readonly stoodMs: number;
  /** Resolves when nothing is under way that is not waiting for this clock. */
  idle(): Promise<void>;
  /** No timer fires any more. */
  stop(): void;
}

export interface PacedClockOptions {
  /** Milliseconds since 1970. */
  readonly startMs: number;
  /** Seconds that pass in a real one while nothing is under way. Infinity: from one timer straight to the next. */
  readonly speed: number;
  /** Real milliseconds, from any point. Default: performance.now. */
  readonly elapsed?: () => number;
  /** Resolves when nothing is under way. Default: `loopIdle`. */
  readonly idle?: () => Promise<void>;
}

interface Timer {
  readonly at: number;
  readonly serial: number;
  fire: (() => void) | undefined;
}

/** Longest that Node's timers hold. */
const longestMs = 2 ** 31 - 1;

export function pacedClock(options: PacedClockOptions): PacedClock {
  const { startMs, speed, elapsed = () => performance.now(), idle = loopIdle } = options;
  const timers = new Heap<Timer>((a, b) => a.at < b.at || (a.at === b.at && a.serial < b.serial));
  let serial = 0;
  /** Time when it last began to go, and what `elapsed` said then; undefined: it stands still. */
  let at = startMs;
  let since: number | undefined = elapsed();
  let stoodMs = 0;
  let stopped = false;
  let waking: NodeJS.Timeout | undefined;

  const first = (): Timer | undefined => {
    for (;;) {
      const timer = timers.peek();
      if (timer === undefined || timer.fire !== undefined) return timer;
      timers.pop();
    }
  };
  const now = (): number => {
    if (since === undefined || speed === Infinity) return at;
    // Not past a timer that is late: what it does happens at its time.
    return Math.min(at + (elapsed() - since) * speed, Math.max(at, first()?.at ?? Infinity));
  };
  const arm = (): void => {
    clearTimeout(waking);
    const timer = first();
    if (since === undefined || stopped || timer === undefined) return;
    const ms = (timer.at - at) / speed - (elapsed() - since);
    waking = setTimeout(() => void wake(), Math.min(longestMs, Math.max(0, ms)));
  };
  const wake = async (): Promise<void> => {
    const due = first();
    if (stopped || since === undefined || due === undefined) return;
    const began = elapsed();
    if (at + (began - since) * speed < due.at) return arm();
    at = Math.max(at, due.at);
    since = undefined;
    for (let timer = first(); timer && timer.at <= at && !stopped; timer = first()) {
      for (; timer && timer.at <= at; timer = first()) {
        timers.pop();
        const { fire } = timer;
        timer.fire = undefined;
        fire?.();
      }
      await idle();
    }
    since = elapsed();
    stoodMs += since - began;
    arm();
  };

  return {
    now,
    after(milliseconds, fire) {
      const timer: Timer = { at: now() + Math.max(0, milliseconds), serial: serial++, fire };
      timers.push(timer);
      if (first() === timer) arm();
      return () => {
        timer.fire = undefined;
      };
    },
    get stoodMs() {
      return stoodMs;
    },
    idle,
    stop() {
      stopped = true;
      clearTimeout(waking);
    },
  };
}

/** Resolves when this process's event loop has had nothing to do but wait for half a millisecond. Not for worker threads: theirs are not measured. */
export async function loopIdle(): Promise<void> {
  for (;;) {
    const before = performance.eventLoopUtilization();
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (performance.eventLoopUtilization(before).idle >= 0.5) return;
  }
}
