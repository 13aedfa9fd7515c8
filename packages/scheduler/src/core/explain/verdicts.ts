/**
 * What every plugin says of every node. A decision stops at the first plugin that rejects a node, and at enough nodes that
 * fit; an explanation asks all of all.
 */
import { prepareFilters, prepareScores, type NamedFilter } from '../evaluation.ts';
import type { PodInfo } from '../pod-info.ts';
import type { Profile } from '../plugin.ts';
import type { Snapshot } from '../snapshot.ts';
import type { ScoreTrace } from './types.ts';

/** One plugin's codes, by index into `rows`: 0 where it lets the pod pass, -1 where it has the pod look elsewhere. */
export interface PluginVerdicts {
  readonly name: string;
  readonly filter: NamedFilter['filter'];
  readonly codes: Int32Array;
  /** Reasons by code, filled as they are asked for. */
  readonly texts: Map<number, readonly string[]>;
}

const none: readonly string[] = [];

export interface Verdicts {
  readonly rows: Int32Array;
  /** In the order in which they are asked. */
  readonly plugins: readonly PluginVerdicts[];
  /** A plugin rejects the pod whatever the nodes. */
  readonly rejection: { readonly plugin: string; readonly message: string } | undefined;
  /** By index into `rows`: how many plugins reject it. */
  readonly against: Uint8Array;
}

/** `codes` of nodes that a plugin's `onlyNodes` leaves out. */
export const elsewhere = -1;

/** Judges all nodes; changes nothing. */
export function verdictsOf(profile: Profile, pod: PodInfo, snapshot: Snapshot): Verdicts {
  const rows = aliveRows(snapshot);
  const against = new Uint8Array(rows.length);
  const named = inProfileOrder(profile, [
    ...prepareFilters(profile, pod, snapshot, false),
    ...prepareFilters(profile, pod, snapshot, true),
  ]);
  let rejection: Verdicts['rejection'];
  const plugins = named.map(({ name, filter }) => {
    const codes = new Int32Array(rows.length);
    if (filter.rejection !== undefined) rejection ??= { plugin: name, message: filter.rejection };
    else filter.filter(rows, rows.length, codes);
    for (let i = 0; i < rows.length; i++) {
      if (filter.onlyNodes && !filter.onlyNodes.has(snapshot.nameOf(rows[i]!))) codes[i] = elsewhere;
      if (codes[i] !== 0) against[i]!++;
    }
    return { name, filter, codes, texts: new Map<number, readonly string[]>() };
  });
  return { rows, plugins, rejection, against };
}

/** Why the plugin rejects the node at the index, in kube-scheduler's words. */
export function reasonsAt(plugin: PluginVerdicts, rows: Int32Array, index: number): readonly string[] {
  const code = plugin.codes[index]!;
  if (code === 0) return none;
  // One code has one text: thousands of nodes share it.
  let reasons = plugin.texts.get(code);
  if (!reasons) {
    const { name, filter } = plugin;
    reasons =
      code === elsewhere
        ? [`node(s) didn't satisfy plugin(s) [${name}]`]
        : filter.reasons(code, rows[index]!);
    plugin.texts.set(code, reasons);
  }
  return reasons;
}

/** Raw and normalized scores of the feasible nodes at these indices, by plugin, as the decision weighs them. */
export function scoresOf(
  profile: Profile,
  pod: PodInfo,
  snapshot: Snapshot,
  feasible: Int32Array,
): { plugin: string; weight: number; scores: readonly ScoreTrace[] }[] {
  const count = feasible.length;
  const named = inProfileOrder(profile, [
    ...prepareScores(profile, pod, snapshot, false),
    ...prepareScores(profile, pod, snapshot, true),
  ]);
  return named.map(({ name, weight, score }) => {
    const raw = new Float64Array(count);
    score.score(feasible, count, raw);
    const normalized = raw.slice();
    score.normalize?.(normalized, count, feasible);
    const scores = Array.from(raw, (value, i) => ({
      raw: value,
      normalized: normalized[i]!,
      weight,
      weighted: weight * normalized[i]!,
    }));
    return { plugin: name, weight, scores };
  });
}

function aliveRows(snapshot: Snapshot): Int32Array {
  const rows = new Int32Array(snapshot.nodeCount);
  let count = 0;
  for (let row = 0; row < snapshot.rowCount; row++) if (snapshot.alive[row] !== 0) rows[count++] = row;
  return rows.subarray(0, count);
}

/** Decisions ask row-local plugins first; so does this, but people know the profile's order. */
function inProfileOrder<T extends { readonly name: string }>(profile: Profile, named: readonly T[]): T[] {
  const order = new Map(profile.plugins.map(({ plugin }, i) => [plugin.name, i]));
  return named.toSorted((a, b) => order.get(a.name)! - order.get(b.name)!);
}
