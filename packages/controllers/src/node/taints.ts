/** The taints that a node's conditions stand for (well-known taints of k8s.io/api/core/v1). */
import { formatTime } from '@coracle/machinery';
import type { Node, core_v1 } from '@coracle/machinery/api';
import { readyCondition } from './health.ts';

type Taint = core_v1.Taint;

const prefix = 'node.kubernetes.io';
const notReady = `${prefix}/not-ready`;
const unreachable = `${prefix}/unreachable`;
const whenTrue: Record<string, string> = {
  MemoryPressure: `${prefix}/memory-pressure`,
  DiskPressure: `${prefix}/disk-pressure`,
  PIDPressure: `${prefix}/pid-pressure`,
  NetworkUnavailable: `${prefix}/network-unavailable`,
};
const unschedulable = `${prefix}/unschedulable`;

/** `key:effect` of all taints that are ours to set and to take away. */
const managed = new Set([
  ...[...Object.values(whenTrue), notReady, unreachable, unschedulable].map((key) => `${key}:NoSchedule`),
  `${notReady}:NoExecute`,
  `${unreachable}:NoExecute`,
]);

const idOf = ({ key, effect }: Taint): string => `${key}:${effect}`;

/** The node's taints as they should be; undefined: they are. Taints of others are kept. */
export function wantedTaints(node: Node, now: number): Taint[] | undefined {
  const wanted: Taint[] = [];
  for (const { type, status } of node.status?.conditions ?? []) {
    const key = whenTrue[type];
    if (key && status === 'True') wanted.push({ key, effect: 'NoSchedule' });
  }
  if (node.spec?.unschedulable) wanted.push({ key: unschedulable, effect: 'NoSchedule' });
  const ready = readyCondition(node)?.status ?? 'Unknown';
  if (ready !== 'True') {
    const key = ready === 'Unknown' ? unreachable : notReady;
    wanted.push({ key, effect: 'NoSchedule' }, { key, effect: 'NoExecute' });
  }
  const before = node.spec?.taints ?? [];
  if (wanted.length === 0 && before.length === 0) return undefined;
  const ids = new Set(wanted.map(idOf));
  const kept = before.filter((taint) => !managed.has(idOf(taint)) || ids.has(idOf(taint)));
  const known = new Set(before.map(idOf));
  const added = wanted.filter((taint) => !known.has(idOf(taint)));
  if (kept.length === before.length && added.length === 0) return undefined;
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded: formatTime(now) }))];
}

/**
 * How long a pod may stay on a node with these taints, in ms; Infinity: for ever; 0: not at all. Only NoExecute matters.
 */
export function toleratedMs(
  taints: readonly Taint[],
  tolerations: readonly core_v1.Toleration[] | undefined,
): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (const taint of taints) {
    if (taint.effect !== 'NoExecute') continue;
    const fitting = (tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    if (fitting.length === 0) return 0;
    // Of several that fit one taint the shortest counts, as of several taints.
    for (const { tolerationSeconds } of fitting) {
      if (tolerationSeconds !== undefined) {
        shortest = Math.min(shortest, Math.max(0, tolerationSeconds) * 1000);
      }
    }
  }
  return shortest;
}

export function tolerates(toleration: core_v1.Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  const operator = toleration.operator ?? 'Equal';
  if (!toleration.key && operator !== 'Exists') return false;
  if (operator === 'Exists') return true;
  if (operator === 'Equal') return (toleration.value ?? '') === (taint.value ?? '');
  // Numeric operators (since 1.35): both sides whole numbers.
  const [have, limit] = [Number(taint.value), Number(toleration.value)];
  if (!Number.isInteger(have) || !Number.isInteger(limit)) return false;
  return operator === 'Gt' ? have > limit : operator === 'Lt' && have < limit;
}
