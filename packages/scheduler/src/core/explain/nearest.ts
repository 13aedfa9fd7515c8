/** Which nodes come closest to taking a pod, and what each of them lacks. */
import { cannotAllocate } from '../dra/allocator.ts';
import { deviceShortfall } from '../dra/shortfall.ts';
import type { PodInfo } from '../pod-info.ts';
import type { Snapshot } from '../snapshot.ts';
import { missingAmount, shortagesOn, shortageText } from './shortages.ts';
import type { NearNode } from './types.ts';
import { elsewhere, reasonsAt, type Verdicts } from './verdicts.ts';

/** How far a node is from taking the pod: compared field by field, smaller is nearer. */
export interface Distance {
  /** Index into the verdicts' rows. */
  readonly index: number;
  /** Plugins that reject it. */
  readonly against: number;
  /** Those of them that no eviction can satisfy. */
  readonly hard: number;
  /** Sum over the resources of what is missing, each in parts of what is asked for. */
  readonly short: number;
}

/** Nodes that do not fit, nearest first; equals in the snapshot's order. */
export function byDistance(snapshot: Snapshot, pod: PodInfo, verdicts: Verdicts): Distance[] {
  const { rows, plugins, against } = verdicts;
  const distances: Distance[] = [];
  for (let index = 0; index < rows.length; index++) {
    if (against[index] === 0) continue;
    let hard = 0;
    for (const { codes, filter } of plugins) {
      const code = codes[index]!;
      if (code === elsewhere || (code !== 0 && !filter.resolvable(code))) hard++;
    }
    distances.push({ index, against: against[index]!, hard, short: shortBy(snapshot, pod, rows[index]!) });
  }
  return distances.sort(
    (a, b) => a.against - b.against || a.hard - b.hard || a.short - b.short || a.index - b.index,
  );
}

function shortBy(snapshot: Snapshot, pod: PodInfo, row: number): number {
  let sum = 0;
  for (let i = 0; i < pod.dimensions.length; i++) {
    const amount = pod.requests[i]!;
    const missing = missingAmount(snapshot, row, pod.dimensions[i]!, amount);
    if (missing > 0) sum += missing / amount;
  }
  return sum;
}

/** The nodes at these distances in detail. */
export function nearNodes(
  snapshot: Snapshot,
  pod: PodInfo,
  verdicts: Verdicts,
  distances: readonly Distance[],
  visible: (namespace: string) => boolean,
): NearNode[] {
  return distances.map(({ index }) => {
    const row = verdicts.rows[index]!;
    const rejections = verdicts.plugins
      .map((plugin) => ({ plugin: plugin.name, reasons: reasonsAt(plugin, verdicts.rows, index) }))
      .filter(({ reasons }) => reasons.length > 0);
    const fits = !rejections.some(({ plugin }) => plugin === 'NodeResourcesFit');
    const shortages = fits ? [] : shortagesOn(snapshot, pod, row, visible);
    const parts = rejections.flatMap(({ plugin, reasons }) => {
      if (plugin === 'NodeResourcesFit') return shortages.map(shortageText);
      if (plugin === 'NodePorts') return portsTaken(snapshot, pod, row, visible);
      // What it comes to is more use than that it cannot be.
      const lacking = reasons.includes(cannotAllocate) ? deviceShortfall(snapshot, pod, row) : [];
      return lacking.length > 0 ? lacking : reasons.map(ofOneNode);
    });
    return { node: snapshot.nameOf(row), rejections, shortages, text: parts.join('; ') };
  });
}

/** Who holds the host ports that the pod asks for. */
function portsTaken(
  snapshot: Snapshot,
  pod: PodInfo,
  row: number,
  visible: (namespace: string) => boolean,
): string[] {
  const taken: string[] = [];
  for (const { info } of snapshot.podsOn(row)) {
    for (const { port, protocol } of info.ports) {
      if (!pod.ports.some((wanted) => wanted.port === port && wanted.protocol === protocol)) continue;
      const who = visible(info.pod.metadata.namespace ?? '') ? info.key : 'a pod of another namespace';
      taken.push(`host port ${port}/${protocol} is taken by ${who}`);
    }
  }
  return taken.length > 0 ? taken : ['has no free host ports for it'];
}

/** kube-scheduler words its reasons for counts of nodes (`node(s) had ...`); this is about one. */
export function ofOneNode(reason: string): string {
  return reason
    .replace(/^node\(s\) (?=(?:had|has|have|didn|don|were|was|did|does|exceed|unav|not))/, '')
    .replace(/^were /, 'is ')
    .replace(/^had /, 'has ')
    .replace(/^didn't match/, 'does not match')
    .replace(/^didn't have/, 'does not have')
    .replace(/^didn't satisfy/, 'does not satisfy')
    .replace(/^didn't find/, 'does not find');
}
