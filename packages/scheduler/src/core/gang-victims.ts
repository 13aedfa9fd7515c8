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
  /** So many may go one by one; the next takes all others with it. 0: the group goes as a whole. */
  readonly surplus: number;
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
  readonly #groups = new Map<string, VictimGroup | undefined>();
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
    const { uid } = pod.info;
    let group = this.#groups.get(uid);
    if (group === undefined && !this.#groups.has(uid)) {
      group = this.#options.group(pod);
      this.#groups.set(uid, group);
    }
    if (!group) return [still(pod)];
    const left = group.pods.flatMap(({ info }) => this.#snapshot.pod(info.uid) ?? []);
    if (group.pods.length - left.length < group.surplus) return [still(pod)];
    if (left.some(({ info }) => info.priority >= priority)) return undefined;
    return left.length > 0 ? left.map(still) : [still(pod)];
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
