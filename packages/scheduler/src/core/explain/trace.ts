/** The whole decision, node by node: every plugin's verdict and, where the pod fits, every score. */
import type { PodInfo } from '../pod-info.ts';
import type { Framework } from '../framework.ts';
import { byDistance } from './nearest.ts';
import type { NodeTrace, ScoreTrace, Trace } from './types.ts';
import { reasonsAt, scoresOf, verdictsOf } from './verdicts.ts';

/** Judges and scores all nodes for the pod, keeping nothing. `limit`: nodes shown. */
export function traceDecision({ profile, snapshot }: Framework, pod: PodInfo, limit: number): Trace {
  const verdicts = verdictsOf(profile, pod, snapshot);
  const { rows, plugins, against, rejection } = verdicts;
  const fits = rejection ? new Int32Array(0) : rows.filter((_, index) => against[index] === 0);
  const scores = scoresOf(profile, pod, snapshot, fits);
  const totals = Array.from(fits, (_, i) => scores.reduce((sum, each) => sum + each.scores[i]!.weighted, 0));
  const best = Array.from(fits, (_, i) => i).sort((a, b) => totals[b]! - totals[a]! || a - b);
  const others = byDistance(snapshot, pod, verdicts).map(({ index }) => index);
  const rejectedByAll = rejection ? Array.from(rows, (_, index) => index) : others;
  const passed = Object.fromEntries(plugins.map(({ name }) => [name, 'ok']));
  const nodes: NodeTrace[] = best.slice(0, limit).map((i) => ({
    node: snapshot.nameOf(fits[i]!),
    feasible: true,
    filters: passed,
    scores: Object.fromEntries(
      scores.map(({ plugin, scores: each }): [string, ScoreTrace] => [plugin, each[i]!]),
    ),
    total: totals[i]!,
  }));
  for (const index of rejectedByAll.slice(0, limit - nodes.length)) {
    nodes.push({
      node: snapshot.nameOf(rows[index]!),
      feasible: false,
      filters: Object.fromEntries(
        plugins.map((plugin) => {
          if (plugin.name === rejection?.plugin) return [plugin.name, rejection.message];
          return [plugin.name, reasonsAt(plugin, rows, index).join(', ') || 'ok'];
        }),
      ),
    });
  }
  return {
    schedulerName: profile.schedulerName,
    filters: plugins.map(({ name }) => name),
    scores: scores.map(({ plugin, weight }) => ({ plugin, weight })),
    nodes,
    omitted: rows.length - nodes.length,
  };
}
