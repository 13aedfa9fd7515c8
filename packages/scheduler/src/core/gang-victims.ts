/**
 * Whom a gang may evict, and what that costs. Pods are evicted in units: one pod alone, or all that is left of a group that
 * would be of no use without it. A unit is open to eviction only if each of its pods has a lower priority.
 */
import type { PodDisruptionBudget } from '@coracle/machinery/api';
import type { Selector } from '@coracle/machinery';
import { selectorOf } from './preemption.ts';
import type { PlacedPod, Snapshot } from './snapshot.ts';

/** Pods that run together. */
export interface VictimGroup {
  readonly key: string;
  /** All of them that have a node. */
  readonly pods: readonly PlacedPod[];
  /** While so many are left, others may go one by one; with the next all go. Infinity: the group goes as a whole. */
  readonly min: number;
}

export interface VictimOptions {
  readonly budgets: readonly PodDisruptionBudget[];
  /** The group the pod runs with; undefined: it runs alone. */
  group(victim: PlacedPod): VictimGroup | undefined;
  /** Seconds of work that are lost with the pod, up to a constant. Default: those since it started. */
  lostWork?(victim: PlacedPod): number;
}

/** Compared in this order: broken budgets, highest priority of a victim, victims, lost work. */
export interface Cost {
  readonly violations: number;
  readonly top: number;
  readonly pods: number;
  readonly work: number;
}

export const free: Cost = { violations: 0, top: Number.NEGATIVE_INFINITY, pods: 0, work: 0 };

export function addCosts(a: Cost, b: Cost): Cost {
  return {
    violations: a.violations + b.violations,
    top: Math.max(a.top, b.top),
    pods: a.pods + b.pods,
    work: a.work + b.work,
  };
}

/** Negative if `a` is cheaper. Sums are taken per unit of gain. */
export function compareCosts(a: Cost, b: Cost, gainA = 1, gainB = 1): number {
  return (
    a.violations / gainA - b.violations / gainB ||
    difference(a.top, b.top) ||
    a.pods / gainA - b.pods / gainB ||
    a.work / gainA - b.work / gainB
  );
}

function difference(a: number, b: number): number {
  return a === b ? 0 : a - b;
}

/** The pod as it stands now: entries of the snapshot change under our feet when pods come and go. */
export function still({ info, nodeName, row }: PlacedPod): PlacedPod {
  return { info, nodeName, row };
}

interface Budget {
  readonly namespace: string;
  readonly selector: Selector;
  readonly disrupted: Readonly<Record<string, unknown>>;
  allowed: number;
}

export class VictimPool {
  readonly #snapshot: Snapshot;
  readonly #options: VictimOptions;
  readonly #budgets: Budget[];
  /** By uid of a member. */
  readonly #groups = new Map<string, VictimGroup | undefined>();
  /** By key: as they were before anybody was evicted. */
  readonly #byKey = new Map<string, VictimGroup>();
  /** Budgets that protect a pod, by its uid. */
  readonly #protecting = new Map<string, readonly Budget[]>();

  constructor(snapshot: Snapshot, options: VictimOptions) {
    this.#snapshot = snapshot;
    this.#options = options;
    this.#budgets = options.budgets.flatMap((budget) => {
      const selector = selectorOf(budget);
      if (!selector) return [];
      const { disruptionsAllowed = 0, disruptedPods = {} } = budget.status ?? {};
      const namespace = budget.metadata.namespace ?? '';
      return [{ namespace, selector, disrupted: disruptedPods, allowed: disruptionsAllowed }];
    });
  }

  /** All that must go if this pod goes, as things are on the snapshot. Undefined: it may not go for that priority. */
  unitOf(pod: PlacedPod, priority: number): readonly PlacedPod[] | undefined {
    if (pod.info.priority >= priority) return undefined;
    const group = this.#groupOf(pod);
    if (!group) return [still(pod)];
    const left = group.pods.flatMap(({ info }) => this.#snapshot.pod(info.uid) ?? []);
    if (left.length > group.min) return [still(pod)];
    if (left.some(({ info }) => info.priority >= priority)) return undefined;
    return left.length > 0 ? left.map(still) : [still(pod)];
  }

  #groupOf(pod: PlacedPod): VictimGroup | undefined {
    const { uid } = pod.info;
    let group = this.#groups.get(uid);
    if (group === undefined && !this.#groups.has(uid)) {
      group = this.#options.group(pod);
      if (group) {
        const first = this.#byKey.get(group.key);
        if (first) group = first;
        else this.#byKey.set(group.key, group);
      }
      this.#groups.set(uid, group);
    }
    return group;
  }

  /** True if what goes with these, or what that costs, depends on who has gone elsewhere. */
  entangled(pods: readonly PlacedPod[]): boolean {
    return this.#budgets.length > 0 || pods.some((pod) => this.#groupOf(pod) !== undefined);
  }

  /** True if, as things are on the snapshot, the groups of these pods have all they need or have gone. */
  whole(pods: readonly PlacedPod[]): boolean {
    return pods.every((pod) => {
      const group = this.#groupOf(pod);
      if (!group) return true;
      let left = 0;
      for (const { info } of group.pods) if (this.#snapshot.pod(info.uid)) left++;
      return left === 0 || left >= Math.min(group.min, group.pods.length);
    });
  }

  /** What it costs to evict these besides those evicted (`charge`) already. */
  cost(pods: readonly PlacedPod[]): Cost {
    let violations = 0;
    let top = Number.NEGATIVE_INFINITY;
    let work = 0;
    for (const pod of pods) {
      top = Math.max(top, pod.info.priority);
      work += (this.#options.lostWork ?? secondsRun)(pod);
    }
    if (this.#budgets.length > 0) {
      violations = this.charge(pods);
      this.refund(pods);
    }
    return { violations, top, pods: pods.length, work };
  }

  /** Counts the evictions against the budgets. Answers how many of them break one. */
  charge(pods: readonly PlacedPod[]): number {
    let violations = 0;
    for (const pod of pods) {
      let violates = false;
      for (const budget of this.#protectors(pod)) if (--budget.allowed < 0) violates = true;
      if (violates) violations++;
    }
    return violations;
  }
  refund(pods: readonly PlacedPod[]): void {
    for (const pod of pods) for (const budget of this.#protectors(pod)) budget.allowed++;
  }

  #protectors({ info }: PlacedPod): readonly Budget[] {
    if (this.#budgets.length === 0) return [];
    let found = this.#protecting.get(info.uid);
    if (!found) {
      const { namespace, name = '', labels } = info.pod.metadata;
      found = labels
        ? this.#budgets.filter(
            (b) => b.namespace === namespace && b.disrupted[name] === undefined && b.selector.matches(labels),
          )
        : [];
      this.#protecting.set(info.uid, found);
    }
    return found;
  }
}

/** Up to a constant: less for a pod that started later; nothing for one that has not. */
function secondsRun({ info }: PlacedPod): number {
  const start = info.pod.status?.startTime;
  return start === undefined ? -latest : -Date.parse(start) / 1000;
}
/** Later than any start, in seconds. */
const latest = 2 ** 33;
