/**
 * Victims found on rows, for equal preemptors that ask again and again. What was found for a row holds until the row, what is
 * nominated to it, or a disruption budget changes.
 */
import type { PodDisruptionBudget } from '@coracle/machinery/api';
import type { Framework } from './framework.ts';
import type { PodInfo } from './pod-info.ts';
import type { Victims } from './preemption.ts';

/** Kinds of preemptors remembered a framework. */
const maxKept = 16;
/** What no generation is. */
const never = -1;
const keptBy = new WeakMap<Framework, Map<string, KeptVictims>>();

/** What is known for pods like this one, less what no longer holds. */
export function keptVictims(
  framework: Framework,
  pod: PodInfo,
  budgets: readonly PodDisruptionBudget[],
): KeptVictims {
  let all = keptBy.get(framework);
  if (!all) keptBy.set(framework, (all = new Map()));
  const version = budgets.map(({ metadata }) => `${metadata.uid}/${metadata.resourceVersion}`).join(' ');
  const key = `${pod.priority}/${pod.signature}`;
  let kept = all.get(key);
  if (kept?.budgets !== version) {
    all.delete(key);
    if (all.size >= maxKept) all.delete(all.keys().next().value!);
    all.set(key, (kept = new KeptVictims(framework, version)));
  }
  kept!.catchUp();
  return kept!;
}

export class KeptVictims {
  readonly budgets: string;
  readonly #framework: Framework;
  /** By row: generation that the result is of. */
  #generations = new Float64Array(0);
  readonly #results: (Victims | string | undefined)[] = [];
  /** Equal ranks and reasons are one text, so that comparing them is comparing pointers. */
  readonly #texts = new Map<string, string>();
  /** Nominations known of. */
  #version: number;

  constructor(framework: Framework, budgets: string) {
    this.#framework = framework;
    this.budgets = budgets;
    this.#version = framework.nominations.version;
  }

  /** Forgets the rows whose nominations have changed. */
  catchUp(): void {
    const { nominations, snapshot } = this.#framework;
    const { length } = snapshot.alive;
    if (this.#generations.length < length) {
      const wider = new Float64Array(length).fill(never);
      wider.set(this.#generations);
      this.#generations = wider;
    }
    const changed = nominations.changedSince(this.#version);
    this.#version = nominations.version;
    if (!changed) this.#generations.fill(never);
    else {
      for (const name of changed) {
        const row = snapshot.rowOf(name);
        if (row !== undefined) this.#generations[row] = never;
      }
    }
  }

  get(row: number): Victims | string | undefined {
    if (this.#generations[row] !== this.#framework.snapshot.rowGeneration[row]) return undefined;
    return this.#results[row];
  }

  set(row: number, result: Victims | string): void {
    this.#generations[row] = this.#framework.snapshot.rowGeneration[row]!;
    if (typeof result === 'string') this.#results[row] = this.#one(result);
    else this.#results[row] = { ...result, rank: this.#one(result.rank) };
  }

  #one(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= 1024) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }
}
