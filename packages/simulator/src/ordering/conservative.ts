import type {
  Ask,
  AskedPods,
  BackfillInput,
  BackfillPlan,
  HeldPlace,
  Holding,
  Reservation,
} from './backfill.ts';
import { Fitting } from './fitting.ts';
import { slack, Stretches } from './stretches.ts';
import { Timeline } from './timeline.ts';

/** A job asked for these pods for `estimateMs`, and could not start before the stretch of that label. */
interface Tried {
  readonly estimateMs: number;
  readonly label: number;
}

/**
 * A reservation for every job that waits, each on nodes of its own, in order. What is free is known in all (stretches.ts) and
 * by node (timeline.ts); nodes are looked at only where there is enough in all. Reservations are made when somebody who might
 * start has to be compared with them: whom the first few hold up already, the others would hold up, too.
 */
export class ConservativePlan implements BackfillPlan {
  readonly #nowMs: number;
  readonly #stretches: Stretches;
  readonly #time: Timeline;
  readonly #fitting: Fitting;
  readonly #behind: (() => Ask | undefined) | undefined;
  readonly #needs = new Map<readonly AskedPods[], Float64Array>();
  readonly #tried = new Map<readonly AskedPods[], Tried[]>();

  constructor(input: BackfillInput) {
    this.#nowMs = input.nowMs;
    this.#behind = input.behind;
    this.#stretches = new Stretches(input.dimensions);
    this.#time = new Timeline(input);
    this.#fitting = new Fitting(input.nodes, this.#time);
    this.#expect(input);
  }

  /** What runs gives its places back when it is estimated to end. */
  #expect({ running, free, nodes, dimensions }: BackfillInput): void {
    const stretches = this.#stretches;
    const now = free.slice();
    const totals = new Float64Array(dimensions);
    for (let i = 0; i < nodes * dimensions; i++) totals[i % dimensions]! += Math.max(0, free[i]!);
    let lastMs = this.#nowMs;
    stretches.push(lastMs, totals);
    let label = -Infinity;
    let any = false;
    for (const holding of running) {
      // What is past its estimate holds its places now, and is expected to give them back at once.
      const untilMs = Math.max(this.#nowMs, holding.untilMs);
      if (untilMs === Infinity) break;
      if (untilMs > lastMs || stretches.length === 1) {
        if (any) stretches.set(stretches.length - 1, totals);
        stretches.push(untilMs, totals);
        label = stretches.labels.at(-1)!;
        lastMs = untilMs;
        any = true;
      }
      for (const place of holding.places) {
        this.#time.ends(label, place);
        const { node, amounts } = place;
        for (let d = 0; d < dimensions; d++) {
          const at = node * dimensions + d;
          const before = now[at]!;
          const after = before + (amounts[d] ?? 0);
          now[at] = after;
          totals[d]! += Math.max(0, after) - Math.max(0, before);
        }
      }
    }
    if (any) stretches.set(stretches.length - 1, totals);
  }

  mayStart(ask: Ask): boolean {
    const stretches = this.#stretches;
    const needs = this.#needsOf(ask.pods);
    const untilMs = this.#nowMs + ask.estimateMs;
    if (stretches.lacking(0, stretches.end(0, untilMs), needs) >= 0) return false;
    for (;;) {
      const next = this.#behind?.();
      if (!next) return true;
      const made = this.#reserve(next);
      if (!made) continue;
      const end = Math.min(made.end, stretches.end(0, untilMs));
      if (stretches.lacking(made.first, end, needs) >= 0) return false;
    }
  }

  start(holding: Holding): boolean {
    const end = this.#stretches.end(0, holding.untilMs);
    if (!this.#fitting.holds(holding, -Infinity, this.#labelOf(end), (d) => -slack * this.#largest(d)))
      return false;
    this.#take(0, holding);
    return true;
  }

  wait(ask: Ask): Reservation | undefined {
    return this.#reserve(ask)?.reservation;
  }

  #reserve(ask: Ask): { reservation: Reservation; first: number; end: number } | undefined {
    const stretches = this.#stretches;
    const needs = this.#needsOf(ask.pods);
    let first = this.#earliest(ask);
    while (first < stretches.length) {
      const startMs = stretches.fromMs[first]!;
      const untilMs = startMs + ask.estimateMs;
      const end = stretches.end(first, untilMs);
      const lacking = stretches.lacking(first, end, needs);
      if (lacking >= 0) {
        first = lacking + 1;
        continue;
      }
      const places = this.#fitting.place(ask, stretches.labels[first]!, this.#labelOf(end));
      if (places) {
        this.#note(ask, stretches.labels[first]!);
        const holding = { untilMs, places };
        return { reservation: { startMs, holding }, first, end: this.#take(first, holding) };
      }
      first = Math.max(first + 1, stretches.indexOf(this.#fitting.next));
    }
    this.#note(ask, Infinity);
    return undefined;
  }

  /** The first stretch that is worth a try: no earlier than one that asked for the same, for no longer. */
  #earliest({ pods, estimateMs }: Ask): number {
    let label = -Infinity;
    for (const tried of this.#tried.get(pods) ?? [])
      if (tried.estimateMs <= estimateMs && tried.label > label) label = tried.label;
    return label === -Infinity ? 0 : this.#stretches.indexOf(label);
  }

  #note({ pods, estimateMs }: Ask, label: number): void {
    // Of pods of several shapes one may take from another what it does not need: less room is sometimes better.
    if (pods.length !== 1 || label === -Infinity) return;
    const kept = (this.#tried.get(pods) ?? []).filter(
      (tried) => tried.estimateMs < estimateMs || tried.label > label,
    );
    kept.push({ estimateMs, label });
    this.#tried.set(pods, kept);
  }

  /** Answers where what it takes ends. */
  #take(first: number, holding: Holding): number {
    const stretches = this.#stretches;
    const end = stretches.end(first, holding.untilMs);
    const next = stretches.fromMs[end] ?? Infinity;
    if (holding.untilMs < next && holding.untilMs >= stretches.fromMs[end - 1]!) {
      if (!stretches.insert(end, holding.untilMs)) {
        this.#relabel();
        stretches.insert(end, holding.untilMs);
      }
    }
    const from = stretches.labels[first]!;
    const to = this.#labelOf(end);
    for (const place of holding.places) this.#time.take(place, from, to);
    stretches.take(first, end, sumOf(holding.places, this.#time.dimensions));
    return end;
  }

  #relabel(): void {
    const known = this.#stretches.relabel();
    const labelOf = (label: number): number => known.get(label) ?? label;
    this.#time.relabel(labelOf);
    this.#fitting.forget();
    for (const tried of this.#tried.values())
      for (const [i, { estimateMs, label }] of tried.entries())
        tried[i] = { estimateMs, label: labelOf(label) };
  }

  #labelOf(stretch: number): number {
    return this.#stretches.labels[stretch] ?? Infinity;
  }

  #largest(d: number): number {
    return Math.max(1, this.#stretches.total(0, d));
  }

  /** Of all pods together. */
  #needsOf(pods: readonly AskedPods[]): Float64Array {
    let needs = this.#needs.get(pods);
    if (!needs) {
      needs = new Float64Array(this.#time.dimensions);
      for (const { count, amounts } of pods)
        for (let d = 0; d < needs.length; d++) needs[d]! += count * (amounts[d] ?? 0);
      this.#needs.set(pods, needs);
    }
    return needs;
  }
}

function sumOf(places: readonly HeldPlace[], dimensions: number): Float64Array {
  const sum = new Float64Array(dimensions);
  for (const { amounts } of places) for (let d = 0; d < dimensions; d++) sum[d]! += amounts[d] ?? 0;
  return sum;
}
