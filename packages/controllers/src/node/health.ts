/** Is a node alive, and what its conditions and taints say then. */
import { formatTime } from '@coracle/machinery';
import type { Lease, Node, core_v1 } from '@coracle/machinery/api';
import { milliseconds } from '../lib/time.ts';

type Condition = core_v1.NodeCondition;

export interface HealthLimits {
  /** Silence in ms after which a node counts as unreachable; upstream 50,000. */
  graceMs: number;
  /** The same for a node that has never reported; upstream 60,000. */
  startupMs: number;
}
export const defaultHealthLimits: HealthLimits = { graceMs: 50_000, startupMs: 60_000 };

/** What was last heard of a node, in its own words, and when that was by our clock (clocks of nodes may be wrong). */
export interface Heard {
  words: string;
  at: number;
}

/** Compares with what was heard before; `at` is `now` when the node has said something new. */
export function listen(node: Node, lease: Lease | undefined, before: Heard | undefined, now: number): Heard {
  const ready = readyCondition(node);
  // Our own Unknown is no sign of life.
  const heartbeat = ready?.status === 'Unknown' ? '' : (ready?.lastHeartbeatTime ?? '');
  const words = `${heartbeat}|${ready ? ready.status !== 'Unknown' : ''}|${lease?.spec?.renewTime ?? ''}`;
  if (before && before.words === words) return before;
  if (before && ready?.status === 'Unknown' && !lease) return { words, at: before.at };
  if (!before && !ready) return { words, at: milliseconds(node.metadata.creationTimestamp) ?? now };
  return { words, at: now };
}

export function readyCondition(node: Node): Condition | undefined {
  return node.status?.conditions?.find((condition) => condition.type === 'Ready');
}

/** When the node will count as unreachable if nothing more is heard, in ms since 1970. */
export function silentAt(node: Node, heard: Heard, limits: HealthLimits): number {
  return heard.at + (readyCondition(node) ? limits.graceMs : limits.startupMs);
}

/** The conditions of a node that has fallen silent; undefined: they say so already. */
export function silentConditions(node: Node, now: number): Condition[] | undefined {
  const conditions = [...(node.status?.conditions ?? [])];
  let changed = false;
  for (const type of ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure']) {
    const at = conditions.findIndex((condition) => condition.type === type);
    const found = conditions[at];
    if (found?.status === 'Unknown') continue;
    changed = true;
    conditions.splice(at === -1 ? conditions.length : at, 1, {
      type,
      status: 'Unknown',
      reason: found ? 'NodeStatusUnknown' : 'NodeStatusNeverUpdated',
      message: found ? 'Kubelet stopped posting node status.' : 'Kubelet never posted node status.',
      lastHeartbeatTime: found?.lastHeartbeatTime ?? node.metadata.creationTimestamp,
      lastTransitionTime: formatTime(now),
    });
  }
  return changed ? conditions : undefined;
}
