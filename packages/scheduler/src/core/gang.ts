/**
 * All-or-nothing placement of a group of pods. The pods are placed one after the other on the snapshot itself, inside a
 * trial: if fewer than the group needs find a place, the trial is taken back and no one is placed. So no gang ever holds
 * nodes while it waits for more, and two gangs cannot lock each other out.
 *
 * Equal pods are placed equally well in any order. For unequal ones the given order (priority, then age) is tried first,
 * then the largest first, which packs better. This is no search over all placements: with affinity between the members,
 * or several scarce resources, a placement that exists may be missed, as it may upstream.
 */
import { dominantReason, type Diagnosis } from './diagnosis.ts';
import type { Framework } from './framework.ts';
import type { PodInfo } from './pod-info.ts';
import { Trial } from './trial.ts';

export interface Gang {
  /** Members that need a node, in the order in which they should get one. */
  readonly pods: readonly PodInfo[];
  /** Members that must run together for the gang to be of use. */
  readonly minCount: number;
  /** Members that have a node already. */
  readonly scheduled: number;
  /** Node label all members must agree in (PodGroup `schedulingConstraints.topology`). */
  readonly topologyKey?: string | undefined;
  /** Nodes of the members that have one: they fix the domain. */
  readonly nodes?: readonly string[];
}

export interface GangMember {
  readonly pod: PodInfo;
  readonly nodeName: string;
}
export interface UnplacedMember {
  readonly pod: PodInfo;
  readonly diagnosis: Diagnosis;
}

/** Placed: the members are on the snapshot. Not placed: the snapshot is as it was. */
export interface GangDecision {
  readonly fits: boolean;
  readonly placed: readonly GangMember[];
  readonly unplaced: readonly UnplacedMember[];
}

/** Places the gang, or nothing of it. With `fits`, the caller owns what was put on the snapshot. */
export function placeGang(framework: Framework, gang: Gang): GangDecision {
  const needed = Math.max(0, gang.minCount - gang.scheduled);
  let best: GangDecision | undefined;
  for (const pods of orders(gang.pods)) {
    for (const within of domains(framework, gang)) {
      const { decision, trial } = attempt(framework, pods, needed, within);
      if (decision.fits) {
        trial.keep();
        return decision;
      }
      trial.rollback();
      if (!best || decision.placed.length > best.placed.length) best = decision;
    }
  }
  return best ?? { fits: false, placed: [], unplaced: [] };
}

function attempt(
  framework: Framework,
  pods: readonly PodInfo[],
  needed: number,
  within: Uint8Array | undefined,
): { decision: GangDecision; trial: Trial } {
  const trial = new Trial(framework.snapshot);
  const placed: GangMember[] = [];
  const unplaced: UnplacedMember[] = [];
  for (const pod of pods) {
    const decision = framework.schedule(pod, within ? { within } : {});
    if (decision.fits) {
      trial.place(pod, decision.nodeName);
      placed.push({ pod, nodeName: decision.nodeName });
    } else {
      unplaced.push({ pod, diagnosis: decision.diagnosis });
      // Nothing that follows can make up for it.
      if (pods.length - unplaced.length < needed) break;
    }
  }
  const fits = placed.length >= needed && placed.length > 0;
  return { decision: { fits, placed, unplaced }, trial };
}

/** The given order; if members differ, then the largest first. */
function orders(pods: readonly PodInfo[]): (readonly PodInfo[])[] {
  const first = pods[0];
  if (!first || pods.every((pod) => pod.signature === first.signature)) return [pods];
  const largest = new Map<number, number>();
  for (const { dimensions, requests } of pods) {
    dimensions.forEach((d, i) => largest.set(d, Math.max(largest.get(d) ?? 0, requests[i]!)));
  }
  // Share of the largest request of any member: comparable between resources.
  const share = ({ dimensions, requests }: PodInfo): number =>
    dimensions.reduce((max, d, i) => Math.max(max, requests[i]! / largest.get(d)!), 0);
  const bySize = [...pods].sort((a, b) => share(b) - share(a));
  return [pods, bySize];
}

/** The sets of nodes to try the whole gang in, small ones first; `undefined` is all nodes. */
function domains(framework: Framework, gang: Gang): (Uint8Array | undefined)[] {
  const { snapshot } = framework;
  if (gang.topologyKey === undefined) return [undefined];
  const column = snapshot.labelColumn(gang.topologyKey);
  const wanted = new Set<number>();
  for (const name of gang.nodes ?? []) {
    const row = snapshot.rowOf(name);
    if (row !== undefined) wanted.add(column[row]!);
  }
  const rowsOf = new Map<number, Uint8Array>();
  const sizes = new Map<number, number>();
  for (let row = 0; row < snapshot.rowCount; row++) {
    const value = column[row]!;
    if (snapshot.alive[row] === 0 || value === 0 || (wanted.size > 0 && !wanted.has(value))) continue;
    let rows = rowsOf.get(value);
    if (!rows) rowsOf.set(value, (rows = new Uint8Array(snapshot.alive.length)));
    rows[row] = 1;
    sizes.set(value, (sizes.get(value) ?? 0) + 1);
  }
  // Small domains first: large ones stay whole for gangs that need them.
  return [...rowsOf].sort(([a], [b]) => sizes.get(a)! - sizes.get(b)!).map(([, rows]) => rows);
}

/** The reason most members wait for, and the one member's diagnosis that carries it. */
export function dominantMember(decision: GangDecision): UnplacedMember | undefined {
  const counts = new Map<string, { count: number; member: UnplacedMember }>();
  let best: { count: number; member: UnplacedMember } | undefined;
  for (const member of decision.unplaced) {
    const reason = dominantReason(member.diagnosis) ?? '';
    let entry = counts.get(reason);
    if (!entry) counts.set(reason, (entry = { count: 0, member }));
    entry.count++;
    if (!best || entry.count > best.count) best = entry;
  }
  return best?.member;
}
