/**
 * Victims found on rows, for equal preemptors that ask again and again. What was found for a row holds until the row, what is
 * nominated to it, or a disruption budget changes.
 */
import type { PodDisruptionBudget } from '@coracle/machinery/api';
import type { Framework } from './framework.ts';
import type { HelpfulRows } from './helpful-rows.ts';
import type { PodInfo } from './pod-info.ts';
import type { Victims } from './preemption.ts';
import { VictimTree, type Looker } from './victim-tree.ts';

/** Kinds of preemptors remembered a framework. */
const maxKept = 16;
const keptBy = new WeakMap<Framework, Map<string, KeptVictims>>();

type Better = (a: Victims, b: Victims) => boolean;

/** What is known for pods like this one. */
export function keptVictims(framework: Framework, pod: PodInfo, better: Better): KeptVictims {
  let all = keptBy.get(framework);
  if (!all) keptBy.set(framework, (all = new Map()));
  const key = `${pod.priority}/${pod.signature}`;
  let kept = all.get(key);
  if (!kept) {
    if (all.size >= maxKept) all.delete(all.keys().next().value!);
    all.set(key, (kept = new KeptVictims(framework, better)));
  }
  return kept;
}

export class KeptVictims {
  readonly #framework: Framework;
  readonly #tree: VictimTree;
  /** By row: generation that the result is of. */
  #generations = new Float64Array(0);
  /** Equal ranks and reasons are one text, so that comparing them is comparing pointers. */
  readonly #texts = new Map<string, string>();
  /** Budgets of the last search. */
  #budgets: readonly PodDisruptionBudget[] = [];
  /** Nominations known of. */
  #version = 0;
  /** Entries of the log that are known of; -1: nothing is known. */
  #at = -1;
  /** Rows that stood out in the last search: what equal pods have in common did not speak for them. */
  #others: readonly number[] = [];
  /** The row whose answer is the searching pod's alone. */
  #own: number | undefined;

  constructor(framework: Framework, better: Better) {
    this.#framework = framework;
    this.#tree = new VictimTree(better);
  }

  /**
   * Begins a search among the rows where evictions could help. `own`: a row whose answer is this pod's alone. Answers how many
   * rows there are.
   */
  begin(rows: HelpfulRows, budgets: readonly PodDisruptionBudget[], own: number | undefined): number {
    this.#catchUp(rows, budgets);
    this.#own = own;
    if (own !== undefined) this.#tree.set(own, rows.has(own));
    return this.#tree.size;
  }

  /** As VictimTree.choose, after `begin`. `looker`: its answer is lasting if it depends on the row and its nominations alone. */
  choose(first: number, wanted: number, looker: Looker): Victims | ReadonlyMap<string, number> {
    const generations = this.#generations;
    const { rowGeneration } = this.#framework.snapshot;
    let lasting = false;
    return this.#tree.choose(first, wanted, {
      look: (row) => {
        const result = looker.look(row);
        lasting = looker.lasting && row !== this.#own;
        if (!lasting) return result;
        generations[row] = rowGeneration[row]!;
        return typeof result === 'string' ? this.#one(result) : { ...result, rank: this.#one(result.rank) };
      },
      get lasting() {
        return lasting;
      },
    });
  }

  /** Brings up to date which rows are in question, and forgets what no longer holds. */
  #catchUp(rows: HelpfulRows, budgets: readonly PodDisruptionBudget[]): void {
    const { nominations, snapshot } = this.#framework;
    const { log } = snapshot;
    const tree = this.#tree;
    const renominated = nominations.changedSince(this.#version);
    this.#version = nominations.version;
    const from = this.#at;
    const end = log.readToEnd();
    this.#at = end;
    const sameBudgets =
      budgets.length === this.#budgets.length && budgets.every((budget, i) => budget === this.#budgets[i]);
    this.#budgets = budgets;
    const known = from >= 0 && log.has(from) && tree.capacity >= snapshot.alive.length;
    if (!known || !sameBudgets || !renominated) {
      this.#generations = new Float64Array(snapshot.alive.length);
      tree.clear(snapshot.alive.length);
      tree.fill((row) => rows.has(row), snapshot.rowCount);
    } else {
      for (let n = from; n < end; n++) this.#sync(log.at(n), rows);
      for (const row of this.#others) this.#sync(row, rows);
      for (const name of renominated) {
        const row = snapshot.rowOf(name);
        if (row !== undefined) tree.set(row, rows.has(row));
      }
      for (const row of rows.others) this.#sync(row, rows);
    }
    this.#others = rows.others;
  }

  #sync(row: number, rows: HelpfulRows): void {
    const helps = rows.has(row);
    const holds =
      helps === this.#tree.isPresent(row) &&
      this.#generations[row] === this.#framework.snapshot.rowGeneration[row];
    if (!holds) this.#tree.set(row, helps);
  }

  /** The same text for equal texts. */
  #one(text: string): string {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size >= 1024) this.#texts.clear();
    this.#texts.set(text, text);
    return text;
  }
}
