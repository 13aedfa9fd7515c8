/**
 * Preemption for a gang: in which domain, and by evicting whom, all it needs can be placed at once. Nobody is evicted for
 * less than that, and nobody whose place the gang could not use: cards freed here and there are of no use to a gang that
 * wants one rack.
 *
 * Domains are taken in the order of what they promise to cost, by columns: the lowest priority up to which pods must go,
 * then the fewest members that lack room. In each, members that fit are placed in a trial; for each of the others the
 * cheapest unit of victims (gang-victims.ts) that makes room on some node goes, where what is freed for one member and
 * serves others too counts as cheaper. In the end whoever need not go after all stays, the most important first. The
 * cheapest plan of the domains looked at wins.
 *
 * Pods on their way out already are taken as gone: if that is all the gang needs, the plan has no victims.
 */
import type { Framework } from './framework.ts';
import { finish, type Gang } from './gang.ts';
import { Clearing, rowsAStep, type GangVictims, type Plan } from './gang-clearing.ts';
import { domainsOf, type Domain } from './gang-topology.ts';
import { compareCosts, VictimPool, type VictimOptions } from './gang-victims.ts';
import { podsDimension, type PodInfo } from './pod-info.ts';
import type { Snapshot } from './snapshot.ts';

export type { GangVictims } from './gang-clearing.ts';
export type GangPreemptionOptions = VictimOptions;

/** Domains for which whole plans are made: at least so many, or that share of them. */
const minPlans = 8;
const planShare = 0.1;

/** Undefined: no eviction makes room for the gang. The snapshot is as it was in any case. */
export function findGangPreemption(
  framework: Framework,
  gang: Gang,
  options: GangPreemptionOptions,
): GangVictims | undefined {
  return finish(findingGangPreemption(framework, gang, options));
}

/** The same in steps; the conditions of `placingGang` hold. */
export function* findingGangPreemption(
  framework: Framework,
  gang: Gang,
  options: GangPreemptionOptions,
): Generator<void, GangVictims | undefined> {
  const { snapshot } = framework;
  const needed = gang.minCount - gang.scheduled;
  const first = gang.pods[0];
  if (!first || needed <= 0 || needed > gang.pods.length) return undefined;
  if (!gang.pods.some((pod) => snapshot.hasPodsBelow(pod.priority))) return undefined;
  const keys = gang.topology?.required ?? [];
  const prospects: Prospect[] = [];
  for (const domain of domainsOf(snapshot, keys, gang.nodes ?? [])) {
    const prospect = yield* look(framework, first, domain, gang.pods.length, needed);
    if (prospect) prospects.push(prospect);
    yield;
  }
  prospects.sort((a, b) => difference(a.top, b.top) || b.holds - a.holds);
  const enough = Math.max(minPlans, prospects.length * planShare);
  let best: Plan | undefined;
  let plans = 0;
  for (const { domain } of prospects) {
    const clearing = new Clearing(framework, gang, needed, domain, new VictimPool(snapshot, options));
    const plan = yield* clearing.run(best?.cost);
    if (!plan) continue;
    // It fits as things are.
    if (plan.victims.length === 0 && plan.leaving === 0) return undefined;
    plans++;
    if (!best || compareCosts(plan.cost, best.cost) < 0) best = plan;
    if (plans >= enough || best.victims.length === 0) break;
  }
  if (!best) return undefined;
  const { placed, victims, cost, domain } = best;
  return { placed, victims, violations: cost.violations, domain };
}

/** True while pods that make room for members of the gang are still on their way out. */
export function victimsLeaving(framework: Framework, gang: Gang): boolean {
  return gang.pods.some((pod) => {
    const nodeName = framework.nominations.nodeOf(pod.uid);
    const row = nodeName === undefined ? undefined : framework.snapshot.rowOf(nodeName);
    if (row === undefined) return false;
    const leaving = framework.snapshot.podsOn(row);
    if (framework.freeing(row)) return true;
    return leaving.some(
      ({ info }) => info.priority < pod.priority && info.pod.metadata.deletionTimestamp !== undefined,
    );
  });
}

interface Prospect {
  readonly domain: Domain;
  /** Members there is room for now, by columns. */
  readonly holds: number;
  /** Pods up to this priority must go, at least. */
  readonly top: number;
}

/** What a domain promises for pods like this one; undefined: it cannot hold enough of them whoever goes. */
function* look(
  framework: Framework,
  pod: PodInfo,
  domain: Domain,
  members: number,
  needed: number,
): Generator<void, Prospect | undefined> {
  const { snapshot } = framework;
  const { rows } = domain;
  const room = new Int32Array(rows.length);
  const resolvable = new Uint8Array(rows.length);
  framework.room(pod, rows, rows.length, room, resolvable);
  let holds = 0;
  /** Priority -> members that have room once pods up to it are gone, beyond those with less. */
  const gains = new Map<number, number>();
  for (let i = 0; i < rows.length; i++) {
    holds += room[i]!;
    if (i % rowsAStep === rowsAStep - 1) yield;
    if (room[i] === 0 && resolvable[i] === 0) continue;
    let before = room[i]!;
    for (const [priority, after] of roomWithout(snapshot, pod, rows[i]!)) {
      if (after > before) gains.set(priority, (gains.get(priority) ?? 0) + after - before);
      before = Math.max(before, after);
    }
  }
  // Members that differ are judged by the first of them: close enough to sort by, too coarse to rule out by.
  const enough = Math.min(members, needed);
  let sum = holds;
  let top = Number.NEGATIVE_INFINITY;
  for (const [priority, gain] of [...gains].sort(([a], [b]) => a - b)) {
    if (sum >= enough) break;
    sum += gain;
    top = priority;
  }
  return sum > 0
    ? { domain, holds: Math.min(holds, enough), top: sum >= enough ? top : Infinity }
    : undefined;
}

/** For each lower priority on the row, ascending: pods like this one that fit once all up to it are gone. */
function roomWithout(snapshot: Snapshot, pod: PodInfo, row: number): [number, number][] {
  const lower = snapshot.podsOn(row).filter(({ info }) => info.priority < pod.priority);
  if (lower.length === 0) return [];
  lower.sort((a, b) => a.info.priority - b.info.priority);
  const { dimensions, requests } = pod;
  const left = dimensions.map((d) => snapshot.free[d]![row]!);
  let slots = snapshot.free[podsDimension]![row]!;
  const result: [number, number][] = [];
  lower.forEach(({ info }, n) => {
    slots++;
    for (let i = 0; i < dimensions.length; i++) {
      const at = info.dimensions.indexOf(dimensions[i]!);
      if (at >= 0) left[i]! += info.requests[at]!;
    }
    if (lower[n + 1]?.info.priority === info.priority) return;
    let most = slots;
    for (let i = 0; i < dimensions.length; i++) most = Math.min(most, Math.floor(left[i]! / requests[i]!));
    result.push([info.priority, Math.max(0, most)]);
  });
  return result;
}

function difference(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
