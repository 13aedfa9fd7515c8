/**
 * Pods counted by node for the rules that speak of other pods, kept up to date with every pod that comes or goes, so that
 * affinity and spread cost a sum over nodes and never a walk over pods. A rule's counts are made at its first use.
 *
 * Invariants: `counts(query)[row]` is the number of pods on the row the query matches; `carriers` holds, for each distinct
 * affinity term of any placed pod, how many pods on each row carry it, and no term that none carries.
 */
import type { Pod } from '@coracle/machinery/api';
import type { PodInfo } from './pod-info.ts';
import { queryMatches, type AffinityTerm, type Labels, type PodQuery } from './pod-query.ts';

export type TermKind = 'required' | 'requiredAnti' | 'preferred' | 'preferredAnti';

export interface Carried {
  readonly term: AffinityTerm;
  /** Row -> pods that carry it. */
  readonly rows: Map<number, number>;
}

interface Counter {
  readonly query: PodQuery;
  counts: Int32Array;
}

/** Queries with counts kept; the least recently made goes first. */
const maxCounters = 512;

export class PodIndex {
  readonly carriers: Readonly<Record<TermKind, Map<string, Carried>>> = {
    required: new Map(),
    requiredAnti: new Map(),
    preferred: new Map(),
    preferredAnti: new Map(),
  };
  readonly #counters = new Map<string, Counter>();
  /** The same counters by the namespaces they name; '' holds those that select namespaces by label. */
  readonly #byNamespace = new Map<string, Set<Counter>>();
  readonly #namespaces = new Map<string, Labels>();

  /** Labels of a namespace, for rules that select namespaces by label; undefined: it is gone. */
  setNamespace(name: string, labels: Labels | undefined): void {
    if (labels) this.#namespaces.set(name, labels);
    else this.#namespaces.delete(name);
    for (const counter of this.#counters.values()) if (counter.query.namespaceSelector) this.#drop(counter);
  }

  matches(query: PodQuery, pod: Pod): boolean {
    return queryMatches(query, pod, this.#namespaces.get(pod.metadata.namespace ?? ''));
  }

  add(info: PodInfo, row: number): void {
    this.#count(info, row, 1);
  }
  remove(info: PodInfo, row: number): void {
    this.#count(info, row, -1);
  }

  /** Matching pods by row. `placed`: every pod that is on a row now, for the first time a query is asked. */
  counts(
    query: PodQuery,
    capacity: number,
    placed: () => Iterable<{ readonly info: PodInfo; readonly row: number }>,
  ): Int32Array {
    let counter = this.#counters.get(query.key);
    if (!counter) {
      if (this.#counters.size >= maxCounters) this.#drop(this.#counters.values().next().value!);
      counter = { query, counts: new Int32Array(capacity) };
      for (const { info, row } of placed()) {
        if (row >= 0 && this.matches(query, info.pod)) counter.counts[row]!++;
      }
      this.#counters.set(query.key, counter);
      for (const name of namesOf(query)) {
        let set = this.#byNamespace.get(name);
        if (!set) this.#byNamespace.set(name, (set = new Set()));
        set.add(counter);
      }
    }
    if (counter.counts.length < capacity) counter.counts = widened(counter.counts, capacity);
    return counter.counts;
  }

  #count(info: PodInfo, row: number, sign: 1 | -1): void {
    if (this.#counters.size > 0) {
      this.#countIn(this.#byNamespace.get(''), info, row, sign);
      const { namespace } = info.pod.metadata;
      if (namespace) this.#countIn(this.#byNamespace.get(namespace), info, row, sign);
    }
    if (!info.terms) return;
    for (const kind of ['required', 'requiredAnti', 'preferred', 'preferredAnti'] as const) {
      for (const term of info.terms[kind]) this.#carry(this.carriers[kind], term, row, sign);
    }
  }

  #countIn(counters: ReadonlySet<Counter> | undefined, { pod }: PodInfo, row: number, sign: 1 | -1): void {
    if (!counters) return;
    for (const counter of counters) {
      if (!this.matches(counter.query, pod)) continue;
      if (row >= counter.counts.length) counter.counts = widened(counter.counts, row + 1);
      counter.counts[row]! += sign;
    }
  }

  #drop(counter: Counter): void {
    this.#counters.delete(counter.query.key);
    for (const name of namesOf(counter.query)) {
      const set = this.#byNamespace.get(name);
      set?.delete(counter);
      if (set?.size === 0) this.#byNamespace.delete(name);
    }
  }

  #carry(carriers: Map<string, Carried>, term: AffinityTerm, row: number, sign: 1 | -1): void {
    let carried = carriers.get(term.key);
    if (!carried) carriers.set(term.key, (carried = { term, rows: new Map() }));
    const count = (carried.rows.get(row) ?? 0) + sign;
    if (count > 0) carried.rows.set(row, count);
    else carried.rows.delete(row);
    if (carried.rows.size === 0) carriers.delete(term.key);
  }
}

function namesOf(query: PodQuery): readonly string[] {
  return query.namespaceSelector ? [''] : [...query.namespaces];
}

function widened(counts: Int32Array, capacity: number): Int32Array {
  const wider = new Int32Array(Math.max(capacity, counts.length * 2));
  wider.set(counts);
  return wider;
}
