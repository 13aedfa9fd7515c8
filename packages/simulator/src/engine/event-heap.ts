/**
 * What will happen, by time. Columns instead of objects: an event that is pushed and popped leaves nothing to collect.
 * Equal times come by kind (the order of `eventKinds`), then as they were pushed.
 */

/** In the order in which they happen at one time: what frees room comes before what needs it. */
export const eventKinds = [
  'end',
  'jobFailure',
  'nodeDown',
  'windowEnd',
  'nodeUp',
  'nodeChange',
  'windowStart',
  'nodeReady',
  'nodeIdle',
  // Quotas and reservations (the queues issue) belong here: a lease that begins or ends changes what a queue may hold, so
  // after nodes have come and gone and before the order is made anew.
  'order',
  'end of run',
] as const;
export type EventKind = (typeof eventKinds)[number];
export const eventKind = Object.fromEntries(eventKinds.map((name, i) => [name, i])) as Record<
  EventKind,
  number
>;

/** Sequence numbers stay whole beside the kind for this many events. */
const kindFactor = 2 ** 48;

export interface HeapState {
  readonly time: Float64Array;
  readonly order: Float64Array;
  readonly subject: Int32Array;
  readonly version: Int32Array;
  readonly pushed: number;
}

export class EventHeap {
  size = 0;
  #time = new Float64Array(64);
  /** Kind and number of the push, as one number. */
  #order = new Float64Array(64);
  #subject = new Int32Array(64);
  #version = new Int32Array(64);
  #pushed = 0;

  /** Of the next; Infinity: there is none. */
  get nextMs(): number {
    return this.size === 0 ? Infinity : this.#time[0]!;
  }
  get kind(): number {
    return Math.floor(this.#order[0]! / kindFactor);
  }
  get subject(): number {
    return this.#subject[0]!;
  }
  get version(): number {
    return this.#version[0]!;
  }

  /** `version`: what the subject's version must be for the event to count; the receiver compares. */
  push(time: number, kind: number, subject: number, version: number): void {
    if (this.size === this.#time.length) this.#grow();
    const order = kind * kindFactor + this.#pushed++;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(time, order, parent)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, time, order, subject, version);
  }

  /** Takes the next away. */
  pop(): void {
    const last = --this.size;
    if (last === 0) return;
    const time = this.#time[last]!;
    const order = this.#order[last]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && this.#before(this.#time[child + 1]!, this.#order[child + 1]!, child)) child++;
      if (this.#before(time, order, child)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, time, order, this.#subject[last]!, this.#version[last]!);
  }

  #before(time: number, order: number, other: number): boolean {
    const t = this.#time[other]!;
    return time < t || (time === t && order < this.#order[other]!);
  }
  #move(from: number, to: number): void {
    this.#time[to] = this.#time[from]!;
    this.#order[to] = this.#order[from]!;
    this.#subject[to] = this.#subject[from]!;
    this.#version[to] = this.#version[from]!;
  }
  #put(at: number, time: number, order: number, subject: number, version: number): void {
    this.#time[at] = time;
    this.#order[at] = order;
    this.#subject[at] = subject;
    this.#version[at] = version;
  }
  #grow(): void {
    const capacity = this.#time.length * 2;
    const wider = <T extends Float64Array | Int32Array>(from: T, to: T): T => {
      to.set(from);
      return to;
    };
    this.#time = wider(this.#time, new Float64Array(capacity));
    this.#order = wider(this.#order, new Float64Array(capacity));
    this.#subject = wider(this.#subject, new Int32Array(capacity));
    this.#version = wider(this.#version, new Int32Array(capacity));
  }

  save(): HeapState {
    const n = this.size;
    return {
      time: this.#time.slice(0, n),
      order: this.#order.slice(0, n),
      subject: this.#subject.slice(0, n),
      version: this.#version.slice(0, n),
      pushed: this.#pushed,
    };
  }
  restore(state: HeapState): void {
    while (this.#time.length < state.time.length) this.#grow();
    this.#time.set(state.time);
    this.#order.set(state.order);
    this.#subject.set(state.subject);
    this.#version.set(state.version);
    this.size = state.time.length;
    this.#pushed = state.pushed;
  }
}
