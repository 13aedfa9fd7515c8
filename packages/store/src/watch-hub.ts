/**
 * Fan-out of events to watches. Nothing is buffered for a watch: it is either *live* (it gets each durable batch as it
 * comes), *behind* (it reads the kept events from its position on, a few a turn of the event loop, until it is live), or
 * *full* (its consumer said stop; it waits for `resume`, then it is behind). So a slow consumer costs one number.
 *
 * Invariants: a watch has been shown every matching event up to its position, once each, in order; a live watch's position
 * is the store's revision and is not kept up. Only live watches are in `groups`, by prefix and selected value, so that a batch
 * is filtered once a prefix, and looked at once a part that watches select by, and not once a watch.
 */
import type { StoreEvent, StoreWatch, StoreWatcher, WatchPart, WatchSelection } from './store.ts';
import type { StoreClock } from './timing.ts';

/** What the hub reads from the core. */
export interface EventSource {
  readonly revision: number;
  readonly compacted: number;
  /** The kept event at a revision if its key begins with `prefix`. `far`: it had to be read from the journal. */
  eventUnder(prefix: string, revision: number): { event: StoreEvent | undefined; far: boolean };
}

/** Live watches of one prefix. No empty sets and maps are kept. */
interface Group {
  readonly all: Set<Watch>;
  readonly byPart: Map<WatchPart, Map<string, Set<Watch>>>;
}

interface Watch {
  readonly prefix: string;
  readonly only: WatchSelection | undefined;
  readonly watcher: StoreWatcher;
  state: 'live' | 'behind' | 'full' | 'ended';
  position: number;
  /** Revision of the last progress call. */
  progressed: number;
  /** In `onEvents` now; a `resume` that comes inside it takes effect after it. */
  delivering: boolean;
  resumed: boolean;
  cancelSlow: (() => void) | undefined;
}

const progressMs = 500;
/** Events looked at for all catching-up watches in one turn of the event loop. */
const turnBudget = 2000;
/** Looking at an event on disk costs about this many times one in memory. */
const farCost = 8;
const maxDelivery = 256;

export class WatchHub {
  readonly #source: EventSource;
  readonly #clock: StoreClock;
  readonly #maxFullMs: number;
  /** Live watches by the head of their prefix (see headOf), then by prefix. No empty maps are kept. */
  readonly #groups = new Map<string, Map<string, Group>>();
  readonly #all = new Set<Watch>();
  readonly #behind = new Set<Watch>();
  #turn: NodeJS.Immediate | undefined;
  #cancelProgress: (() => void) | undefined;

  constructor(source: EventSource, clock: StoreClock, maxFullMs: number) {
    this.#source = source;
    this.#clock = clock;
    this.#maxFullMs = maxFullMs;
  }

  get size(): number {
    return this.#all.size;
  }

  add(prefix: string, after: number, watcher: StoreWatcher, only?: WatchSelection): StoreWatch {
    const watch: Watch = {
      prefix,
      only,
      watcher,
      state: 'behind',
      position: after,
      progressed: after,
      delivering: false,
      resumed: false,
      cancelSlow: undefined,
    };
    this.#all.add(watch);
    if (after === this.#source.revision) this.#goLive(watch);
    else this.#goBehind(watch);
    this.#startProgress();
    return { resume: () => this.#resume(watch), stop: () => this.#remove(watch) };
  }

  /** Shows a durable batch to the live watches; the source's revision is already that of its last event. */
  publish(events: readonly StoreEvent[]): void {
    const { revision } = this.#source;
    const deliveries: [Watch, readonly StoreEvent[]][] = [];
    this.#collect(deliveries, '', events);
    for (const [head, some] of eventsByHead(events)) this.#collect(deliveries, head, some);
    // Only now, because consumers may add and stop watches: one added here has its start at this revision already.
    for (const [watch, matching] of deliveries) {
      if (watch.state === 'live') this.#deliver(watch, matching, revision);
    }
  }

  /** Adds what of `events`, all of whose keys begin with `head`, goes to the watches whose prefixes have this head. */
  #collect(deliveries: [Watch, readonly StoreEvent[]][], head: string, events: readonly StoreEvent[]): void {
    const groups = this.#groups.get(head);
    if (!groups) return;
    for (const [prefix, group] of groups) {
      const matching = prefix === head ? events : events.filter((e) => e.key.startsWith(prefix));
      if (matching.length === 0) continue;
      for (const watch of group.all) deliveries.push([watch, matching]);
      for (const [part, byValue] of group.byPart) {
        for (const [value, selected] of eventsByValue(part, byValue, matching)) {
          for (const watch of byValue.get(value)!) deliveries.push([watch, selected]);
        }
      }
    }
  }

  close(): void {
    for (const watch of this.#all) this.#end(watch, 'closed');
    clearImmediate(this.#turn);
    this.#cancelProgress?.();
  }

  #resume(watch: Watch): void {
    if (watch.delivering) watch.resumed = true;
    else if (watch.state === 'full') this.#goBehind(watch);
  }

  #deliver(watch: Watch, events: readonly StoreEvent[], position: number): void {
    watch.delivering = true;
    watch.resumed = false;
    const more = this.#call(watch, () => watch.watcher.onEvents(events)) ?? false;
    watch.delivering = false;
    watch.position = position;
    if (watch.state === 'ended' || more) return;
    if (watch.resumed) this.#goBehind(watch);
    else this.#goFull(watch);
  }

  #goLive(watch: Watch): void {
    watch.state = 'live';
    this.#behind.delete(watch);
    const head = headOf(watch.prefix);
    let groups = this.#groups.get(head);
    if (!groups) this.#groups.set(head, (groups = new Map<string, Group>()));
    let group = groups.get(watch.prefix);
    if (!group) groups.set(watch.prefix, (group = { all: new Set(), byPart: new Map() }));
    if (!watch.only) {
      group.all.add(watch);
      return;
    }
    const { part, value } = watch.only;
    let byValue = group.byPart.get(part);
    if (!byValue) group.byPart.set(part, (byValue = new Map<string, Set<Watch>>()));
    const same = byValue.get(value);
    if (same) same.add(watch);
    else byValue.set(value, new Set([watch]));
  }

  #goBehind(watch: Watch): void {
    this.#leaveLive(watch);
    watch.cancelSlow?.();
    watch.cancelSlow = undefined;
    watch.state = 'behind';
    this.#behind.add(watch);
    this.#turn ??= setImmediate(() => this.#catchUp());
  }

  #goFull(watch: Watch): void {
    this.#leaveLive(watch);
    this.#behind.delete(watch);
    watch.state = 'full';
    watch.cancelSlow = this.#clock.after(this.#maxFullMs, () => this.#end(watch, 'slow'));
  }

  #leaveLive(watch: Watch): void {
    const head = headOf(watch.prefix);
    const groups = this.#groups.get(head);
    const group = groups?.get(watch.prefix);
    if (!groups || !group) return;
    if (watch.only) {
      const { part, value } = watch.only;
      const byValue = group.byPart.get(part);
      const same = byValue?.get(value);
      if (same?.delete(watch) && same.size === 0) byValue!.delete(value);
      if (byValue?.size === 0) group.byPart.delete(part);
    } else group.all.delete(watch);
    if (group.all.size > 0 || group.byPart.size > 0) return;
    groups.delete(watch.prefix);
    if (groups.size === 0) this.#groups.delete(head);
  }

  /** One turn: gives each watch that is behind a share of the budget. */
  #catchUp(): void {
    this.#turn = undefined;
    const share = Math.max(64, Math.floor(turnBudget / this.#behind.size));
    let left = turnBudget;
    for (const watch of Array.from(this.#behind)) {
      if (left <= 0) break;
      // Whoever was served goes to the end, so that a turn that ran out goes on with the others.
      this.#behind.delete(watch);
      this.#behind.add(watch);
      if (watch.state === 'behind') left -= this.#advance(watch, share);
    }
    if (this.#behind.size > 0) this.#turn ??= setImmediate(() => this.#catchUp());
  }

  /** Moves one watch on by at most `share` of work and returns the work done. */
  #advance(watch: Watch, share: number): number {
    if (watch.position < this.#source.compacted) {
      this.#end(watch, 'compacted');
      return 1;
    }
    let spent = 0;
    let position = watch.position;
    const matching: StoreEvent[] = [];
    while (position < this.#source.revision && spent < share && matching.length < maxDelivery) {
      position++;
      spent++;
      const { event, far } = this.#source.eventUnder(watch.prefix, position);
      if (far) spent += farCost;
      if (event) matching.push(event);
    }
    watch.position = position;
    if (matching.length > 0) this.#deliver(watch, matching, position);
    if (watch.state === 'behind' && watch.position === this.#source.revision) this.#goLive(watch);
    return spent + 1;
  }

  #startProgress(): void {
    this.#cancelProgress ??= this.#clock.after(progressMs, () => {
      this.#cancelProgress = undefined;
      const { revision } = this.#source;
      for (const watch of this.#all) {
        if (watch.state !== 'live' || watch.progressed === revision) continue;
        watch.progressed = revision;
        this.#call(watch, () => watch.watcher.onProgress?.(revision));
      }
      if (this.#all.size > 0) this.#startProgress();
    });
  }

  #end(watch: Watch, reason: 'compacted' | 'slow' | 'closed'): void {
    if (watch.state === 'ended') return;
    this.#remove(watch);
    this.#call(watch, () => watch.watcher.onEnd(reason));
  }

  #remove(watch: Watch): void {
    this.#leaveLive(watch);
    this.#behind.delete(watch);
    this.#all.delete(watch);
    watch.cancelSlow?.();
    watch.state = 'ended';
  }

  /** Runs a consumer's function. One that throws loses its watch; the others and the writers must not suffer. */
  #call<T>(watch: Watch, run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error), 'StoreWatcherWarning');
      this.#end(watch, 'closed');
      return undefined;
    }
  }
}

/**
 * A key or a prefix up to its second slash, '' if it has less: what keys of many kinds mostly differ in. An event is compared
 * with the prefixes that have its head, and with those that have none.
 */
function headOf(key: string): string {
  const second = key.indexOf('/', key.indexOf('/') + 1);
  return second < 0 ? '' : key.slice(0, second + 1);
}

/** The events whose keys have each head, in their order. */
function eventsByHead(events: readonly StoreEvent[]): Map<string, StoreEvent[]> {
  const result = new Map<string, StoreEvent[]>();
  for (const event of events) {
    const head = headOf(event.key);
    if (head === '') continue;
    const same = result.get(head);
    if (same) same.push(event);
    else result.set(head, [event]);
  }
  return result;
}

/** The events that watches of each value are interested in, in their order. */
function eventsByValue(
  part: WatchPart,
  byValue: ReadonlyMap<string, unknown>,
  events: readonly StoreEvent[],
): Map<string, StoreEvent[]> {
  const result = new Map<string, StoreEvent[]>();
  const put = (value: string, event: StoreEvent): void => {
    if (!byValue.has(value)) return;
    const known = result.get(value);
    if (known) known.push(event);
    else result.set(value, [event]);
  };
  for (const event of events) {
    const is = part.read(event.entry);
    put(is, event);
    const was = event.previous === undefined ? is : part.read(event.previous);
    if (was !== is) put(was, event);
  }
  return result;
}
