/**
 * Preemption as kube-scheduler's DefaultPreemption does it: on each node where evicting could help, imagine all pods of
 * lower priority gone; if the pod then fits, bring back as many as fit, the most important first (those whose disruption
 * budget would be violated before the others). Among the nodes the choice falls on the one with, in this order: fewest
 * budgets violated, lowest highest priority of a victim, lowest sum of their priorities, fewest victims, latest start of
 * the most important victim.
 */
import { selectorFrom, type Selector } from '@coracle/machinery';
import type { Pod, PodDisruptionBudget } from '@coracle/machinery/api';
import { histogram, type Diagnosis } from './diagnosis.ts';
import { fits, type Framework, type Probe } from './framework.ts';
import type { PreemptionSettings } from './plugin.ts';
import type { PodInfo } from './pod-info.ts';
import { keptVictims } from './kept-victims.ts';
import type { VictimGroup } from './gang-victims.ts';
import type { PlacedPod } from './snapshot.ts';
import { Trial } from './trial.ts';
import type { Looker } from './victim-tree.ts';

export interface PreemptionOptions {
  readonly budgets: readonly PodDisruptionBudget[];
  /** Uniform in [0, 1): where among the nodes the search starts. */
  readonly random: () => number;
  /** The group a victim runs with; undefined: it runs alone. Absent: all do. */
  group?(victim: PlacedPod): VictimGroup | undefined;
}

export interface Victims {
  readonly nodeName: string;
  /** Most important first. */
  readonly pods: readonly PlacedPod[];
  /** Evictions that break a disruption budget. */
  readonly violations: number;
  /** Sum of the victims' priorities, each offset as upstream does, so that many negative ones do not look better than one. */
  readonly prioritySum: number;
  /** Earliest start among the victims of the highest priority. */
  readonly start: string;
  /** Equal for victims of whom none are the better choice. */
  readonly rank: string;
}

/** What came of it: a node and its victims, or the sentence kube-scheduler appends to the pod's message. */
export type Preemption = { readonly victims: Victims } | { readonly message: string };

/** Candidates sought: a tenth of the nodes, at least 100 (DefaultPreemptionArgs' defaults). */
const defaults: PreemptionSettings = { minCandidateNodesPercentage: 10, minCandidateNodesAbsolute: 100 };

const notHelpful = 'Preemption is not helpful for scheduling';
const noVictims = 'No preemption victims found for incoming pod';

export function findPreemption(
  framework: Framework,
  pod: PodInfo,
  diagnosis: Diagnosis,
  options: PreemptionOptions,
): Preemption {
  const { snapshot, profile } = framework;
  const settings = profile.preemption ?? defaults;
  if (!settings) return { message: '' };
  const ineligible = whyNotEligible(framework, pod, diagnosis);
  if (ineligible) return { message: `preemption: ${ineligible}` };
  const share = Math.floor((snapshot.nodeCount * settings.minCandidateNodesPercentage) / 100);
  const wanted = Math.max(settings.minCandidateNodesAbsolute, share);
  const looker = new RowLooker(framework, pod, options);
  const { helpful } = diagnosis;
  // Cluster-wide plugins make a row's answer depend on more than the row.
  const kept = helpful && !looker.probe.clusterWide ? keptVictims(framework, pod, better) : undefined;
  let count: number;
  if (kept) {
    // A pod's own nomination does not stand in its way: that answer is for it alone.
    const own = framework.nominations.nodeOf(pod.uid);
    count = kept.begin(helpful!, options.budgets, own === undefined ? undefined : snapshot.rowOf(own));
  } else count = diagnosis.resolvable.length;
  const first = Math.floor(options.random() * count);
  let found: Victims | ReadonlyMap<string, number>;
  if (!snapshot.hasPodsBelow(pod.priority)) found = new Map(count > 0 ? [[noVictims, count]] : []);
  else if (kept) found = kept.choose(first, wanted, looker);
  else found = bestOf(diagnosis.resolvable, first, wanted, looker);
  if ('nodeName' in found) return { victims: found };
  const failures = new Map(found);
  if (diagnosis.nodeCount > count) failures.set(notHelpful, diagnosis.nodeCount - count);
  const details = failures.size > 0 ? `: ${histogram(failures)}.` : '.';
  return { message: `preemption: 0/${diagnosis.nodeCount} nodes are available${details}` };
}

/** As VictimTree.choose, on these rows, each looked at as it is now. */
function bestOf(
  rows: readonly number[],
  first: number,
  wanted: number,
  looker: RowLooker,
): Victims | ReadonlyMap<string, number> {
  const failures = new Map<string, number>();
  let candidates = 0;
  let withoutViolation = 0;
  let best: Victims | undefined;
  for (let i = 0, at = first; i < rows.length; i++, at++) {
    if (at === rows.length) at = 0;
    const result = looker.look(rows[at]!);
    if (typeof result === 'string') failures.set(result, (failures.get(result) ?? 0) + 1);
    else {
      candidates++;
      if (result.violations === 0) withoutViolation++;
      if (best === undefined || better(result, best)) best = result;
      if (withoutViolation > 0 && candidates >= wanted) break;
    }
  }
  return best ?? failures;
}

/** The pod may preempt unless it says never, or its earlier victims are still on their way out. */
function whyNotEligible(framework: Framework, pod: PodInfo, diagnosis: Diagnosis): string | undefined {
  if (pod.pod.spec?.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = framework.nominations.nodeOf(pod.uid) ?? pod.pod.status?.nominatedNodeName;
  const row = nominated === undefined ? undefined : framework.snapshot.rowOf(nominated);
  if (row === undefined) return undefined;
  const { snapshot } = framework;
  const ours = snapshot
    .podsOn(row)
    .some(({ info }) => info.priority < pod.priority && isLeavingByPreemption(info.pod));
  // Where nothing that leaves can help any more, the pod may look elsewhere.
  if (ours && (diagnosis.helpful?.has(row) ?? diagnosis.resolvable.includes(row)))
    return 'not eligible due to a terminating pod on the nominated node.';
  // The pods are gone, their devices are not free yet.
  return framework.freeing(row)
    ? 'not eligible due to devices on the nominated node that are being freed.'
    : undefined;
}

/** The pod is on its way out because a scheduler preempted it. */
function isLeavingByPreemption({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp === undefined) return false;
  const target = status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return target?.status === 'True' && target.reason === 'PreemptionByScheduler';
}

/** Finds the fewest pods to evict from a row for a pod, or why that would not help. */
class RowLooker implements Looker {
  readonly probe: Probe;
  lasting = false;
  readonly #framework: Framework;
  readonly #pod: PodInfo;
  readonly #options: PreemptionOptions;

  constructor(framework: Framework, pod: PodInfo, options: PreemptionOptions) {
    this.probe = framework.probe(pod);
    this.#framework = framework;
    this.#pod = pod;
    this.#options = options;
  }

  look(row: number): Victims | string {
    const { snapshot } = this.#framework;
    const { group } = this.#options;
    const pod = this.#pod;
    this.lasting = true;
    const potential: PlacedPod[] = [];
    for (const victim of snapshot.podsOn(row)) {
      if (victim.info.priority >= pod.priority) continue;
      const together = group?.(victim);
      // Who goes with a group depends on more than the row.
      if (together) this.lasting = false;
      if (!together || mayGo(together, pod)) potential.push(victim);
    }
    if (potential.length === 0) return noVictims;
    const found = this.#imagined(row, potential) ?? this.#tried(row, potential);
    if (typeof found === 'string') return found;
    const { victims, violations } = found;
    if (group) addGroups(victims, group);
    victims.sort(moreImportant);
    const top = victims[0]?.info.priority;
    let prioritySum = 0;
    let first = '9999';
    for (const victim of victims) {
      prioritySum += victim.info.priority + 2 ** 31;
      const start = startOf(victim);
      if (victim.info.priority === top && start < first) first = start;
    }
    const rank = `${violations} ${top} ${prioritySum} ${victims.length} ${first}`;
    const nodeName = snapshot.nameOf(row);
    return { nodeName, pods: victims, violations, prioritySum, start: first, rank };
  }

  /** Who of `potential` (sorted here) must go, the most important first, and how many budgets that breaks; by calculation. Undefined: it takes a trial. */
  #imagined(row: number, potential: PlacedPod[]): Chosen | string | undefined {
    const gone = potential.map(({ info }) => info);
    const without = this.probe.imagine(row, gone);
    if (without === undefined || typeof without === 'string') return without;
    potential.sort(moreImportant);
    return this.#reprieve(potential, (candidate) => {
      const at = gone.indexOf(candidate.info);
      gone.splice(at, 1);
      if (this.probe.imagine(row, gone) === fits) return true;
      gone.push(candidate.info);
      return false;
    });
  }

  /** The same by carrying it out, on trial. */
  #tried(row: number, potential: PlacedPod[]): Chosen | string {
    const { snapshot } = this.#framework;
    potential.sort(moreImportant);
    const trial = new Trial(snapshot, this.#framework);
    for (const victim of potential) trial.remove(victim);
    const rejection = this.probe.rejection(row);
    const found =
      rejection ??
      this.#reprieve(potential, (_candidate, i) => {
        const again = new Trial(snapshot, this.#framework);
        again.bringBack(trial, i);
        if (this.probe.rejection(row) === undefined) return true;
        again.rollback();
        return false;
      });
    trial.rollback();
    return found;
  }

  /** Who cannot stay, asked one after the other. */
  #reprieve(potential: readonly PlacedPod[], mayStay: (candidate: PlacedPod, i: number) => boolean): Chosen {
    const violating = violatingBudgets(potential, this.#options.budgets);
    const victims: PlacedPod[] = [];
    let violations = 0;
    // Those whose eviction would break a budget stay before others.
    for (const violates of violating.size > 0 ? [true, false] : [false]) {
      for (let i = 0; i < potential.length; i++) {
        const candidate = potential[i]!;
        if (violating.has(candidate) !== violates || mayStay(candidate, i)) continue;
        victims.push(candidate);
        if (violates) violations++;
      }
    }
    return { victims, violations };
  }
}

interface Chosen {
  readonly victims: PlacedPod[];
  readonly violations: number;
}

/** False if the victim's group must go with it and one of that is too important. */
function mayGo(group: VictimGroup, pod: PodInfo): boolean {
  return group.pods.length > group.min || group.pods.every(({ info }) => info.priority < pod.priority);
}

/** Adds all that goes with the victims: groups of which too few would be left. */
function addGroups(victims: PlacedPod[], groupOf: NonNullable<PreemptionOptions['group']>): void {
  const going = new Map<string, { readonly group: VictimGroup; count: number }>();
  for (const victim of victims) {
    const group = groupOf(victim);
    if (!group) continue;
    const known = going.get(group.key);
    if (known) known.count++;
    else going.set(group.key, { group, count: 1 });
  }
  const uids = new Set(victims.map(({ info }) => info.uid));
  for (const { group, count } of going.values()) {
    if (group.pods.length - count >= group.min) continue;
    for (const pod of group.pods) if (!uids.has(pod.info.uid)) victims.push(pod);
  }
}

/** Higher priority first, then the longer running. */
function moreImportant(a: PlacedPod, b: PlacedPod): number {
  return b.info.priority - a.info.priority || compareText(startOf(a), startOf(b));
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** When the pod started, as RFC 3339 text (which sorts as time does); a pod not started yet sorts last. */
function startOf({ info }: PlacedPod): string {
  return info.pod.status?.startTime ?? '9999';
}

/** Pods whose eviction would break a budget, counted in order. */
function violatingBudgets(
  pods: readonly PlacedPod[],
  budgets: readonly PodDisruptionBudget[],
): ReadonlySet<PlacedPod> {
  if (budgets.length === 0) return noPods;
  const open = budgets.flatMap((budget) => {
    const selector = selectorOf(budget);
    return selector ? [{ budget, selector, allowed: budget.status?.disruptionsAllowed ?? 0 }] : [];
  });
  const violating = new Set<PlacedPod>();
  for (const placed of pods) {
    const { namespace, name = '', labels } = placed.info.pod.metadata;
    for (const entry of labels ? open : []) {
      const { budget, selector } = entry;
      if (budget.metadata.namespace !== namespace || !selector.matches(labels)) continue;
      // Counted by the budget already, as on its way out.
      if (budget.status?.disruptedPods?.[name] !== undefined) continue;
      if (--entry.allowed < 0) violating.add(placed);
    }
  }
  return violating;
}
const noPods: ReadonlySet<PlacedPod> = new Set();

/** Undefined for a budget that protects nothing: no selector, an empty one (as upstream here) or a broken one. */
export function selectorOf(budget: PodDisruptionBudget): Selector | undefined {
  try {
    const selector = selectorFrom(budget.spec?.selector);
    return selector.nothing || selector.empty ? undefined : selector;
  } catch {
    return undefined;
  }
}

/** True if `a` is the better choice; among equals the first found stays. Nothing is better than nobody to evict. */
function better(a: Victims, b: Victims): boolean {
  if (a.rank === b.rank) return false;
  if (a.pods.length === 0 || b.pods.length === 0) return b.pods.length > 0;
  const order =
    a.violations - b.violations ||
    a.pods[0]!.info.priority - b.pods[0]!.info.priority ||
    a.prioritySum - b.prioritySum ||
    a.pods.length - b.pods.length ||
    compareText(b.start, a.start);
  return order < 0;
}
