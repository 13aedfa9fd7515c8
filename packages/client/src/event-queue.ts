import type { ApiResponse, WatchEvent, WatchHandle, WatchSink } from '@coracle/machinery';

/** Events kept for a reader that is behind before the server is told to stop. */
const highWater = 1024;

/**
 * Joins a watch's sink (pushed at) to a reader (pulling): holds at most one server batch beyond `highWater` events, says
 * "full" from there, and asks for more when the reader has emptied it.
 */
export class EventQueue implements WatchSink {
  #events: WatchEvent[] = [];
  /** Index of the next event to hand out; the array is dropped when it is used up. */
  #next = 0;
  #ended = false;
  /** True after `events` answered false and before `drained` was called. */
  #full = false;
  #handle: WatchHandle | undefined;
  #wake: (() => void) | undefined;

  start(response: Extract<ApiResponse, { kind: 'watch' }>): void {
    const handle = response.start(this);
    this.#handle = handle;
    if (this.#ended) handle.stop();
  }

  events(batch: readonly WatchEvent[]): boolean {
    if (this.#ended) return false;
    for (const event of batch) this.#events.push(event);
    this.#wake?.();
    this.#full = this.#events.length - this.#next >= highWater;
    return !this.#full;
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Stops the watch; events already here are dropped. */
  stop(): void {
    this.#events = [];
    this.#next = 0;
    this.#ended = true;
    this.#handle?.stop();
    this.#wake?.();
  }

  /** An event that is already here. Undefined: none now; call `wait`. */
  take(): WatchEvent | undefined {
    const event = this.#events[this.#next];
    if (event !== undefined) {
      this.#next += 1;
      return event;
    }
    this.#events = [];
    this.#next = 0;
    if (this.#full) {
      this.#full = false;
      this.#handle?.drained();
      return this.take();
    }
    return undefined;
  }

  /** Resolves true when `take` has something (or may have), false when the watch is over and all is taken. */
  async wait(): Promise<boolean> {
    if (this.#events.length > this.#next) return true;
    if (this.#ended) return false;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
    return this.#events.length > this.#next || !this.#ended;
  }
}
