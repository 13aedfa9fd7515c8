import type { ApiResponse, WatchEvent, WatchHandle, WatchSink } from '@coracle/machinery';

/** Events kept for a reader that is behind before the server is told to stop. */
const highWater = 1024;

/**
 * Joins a watch's sink (pushed at) to a reader (pulling): holds at most one server batch beyond `highWater` events, says
 * "full" from there, and asks for more when the reader has emptied it.
 */
export class EventQueue implements WatchSink {
  #events: WatchEvent[] = [];
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
    if (this.#events.length === 0) this.#events = batch.slice();
    else for (const event of batch) this.#events.push(event);
    this.#wake?.();
    this.#full = this.#events.length >= highWater;
    return !this.#full;
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Stops the watch; events already here are dropped. */
  stop(): void {
    this.#events = [];
    this.#ended = true;
    this.#handle?.stop();
    this.#wake?.();
  }

  /** All events that are here. */
  take(): readonly WatchEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  /**
   * Resolves true when `take` has something (or may have), false when the watch is over and all is taken. Whoever waits has
   * done with what was taken before.
   */
  async wait(): Promise<boolean> {
    if (this.#events.length === 0 && this.#full) {
      this.#full = false;
      this.#handle?.drained();
    }
    if (this.#events.length > 0) return true;
    if (this.#ended) return false;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
    return this.#events.length > 0 || !this.#ended;
  }
}
