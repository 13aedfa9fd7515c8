/**
 * Which pods of a recording are one job, when it came and how long it ran.
 *
 * Pods of one pod group, or below one object whose pods start together (a JobSet, a PyTorchJob, an Indexed Job all of whose pods
 * run at a time), are one job. All other pods are jobs of their own. A pod that takes the place of one that failed is no
 * further member.
 */
import type { Job, PodSet, PodTemplate } from '../model/job.ts';
import type { Notes } from '../inputs/notes.ts';
import { asksForCards } from '../inputs/pod-shape.ts';
import type { RecordedRef } from './format.ts';
import { gangOf } from './kinds.ts';
import { finer } from './finer.ts';
import type { History, PodHistory, RecordingOptions } from './read-recording.ts';

/** What a pod is part of. */
interface Whole {
  /** Unique over time: things of one name may follow each other. */
  readonly key: string;
  readonly name: string;
  /** Of the owner or pod group; undefined: its pods say when it came. */
  readonly createdMs: number | undefined;
  /** Seconds. */
  readonly deadline: number | undefined;
}

export function recordedJobs(history: History, notes: Notes, options: RecordingOptions): Job[] {
  const groups = new Map<string, { whole: Whole; pods: PodHistory[] }>();
  const podGroups = new Map<string, number>();
  for (const { kind, ns = '', name, created } of history.owners.values()) {
    if (kind === 'PodGroup') podGroups.set(`${ns}/${name}`, created);
  }
  for (const pod of history.pods.values()) {
    const { facts } = pod;
    if (facts.pinned) {
      notes.mended(
        'a pod of a daemon set, or a static one: no job, what it asks for is taken off its node',
        pod.line,
      );
      continue;
    }
    const whole = wholeOf(pod, history, podGroups);
    const group = groups.get(whole.key);
    if (group) group.pods.push(pod);
    else groups.set(whole.key, { whole, pods: [pod] });
  }
  const sets = new SharedSets();
  const names = new Map<string, number>();
  const jobs: { job: Job; cameMs: number }[] = [];
  for (const { whole, pods } of groups.values()) {
    const before = names.get(whole.name) ?? 0;
    names.set(whole.name, before + 1);
    const id = before === 0 ? whole.name : `${whole.name}#${before + 1}`;
    const job = toJob({ id, pods, ...whole }, history, sets, notes, options);
    if (job) jobs.push(job);
  }
  // At time 0 what ran is there first, then what waited, by its age.
  return jobs.toSorted((a, b) => a.cameMs - b.cameMs).map(({ job }) => job);
}

function wholeOf({ facts }: PodHistory, { owners }: History, podGroups: ReadonlyMap<string, number>): Whole {
  let whole: Whole | undefined;
  let deadline = facts.deadline;
  // Up the line of owners: the uppermost whose pods start together is the job.
  const climbed = new Set<string>();
  for (
    let ref: RecordedRef | undefined = facts.owner;
    ref && !climbed.has(ref.uid);
    ref = owners.get(ref.uid)?.parent
  ) {
    climbed.add(ref.uid);
    const owner = owners.get(ref.uid);
    deadline = owner?.deadline ?? deadline;
    const gang = gangOf(ref.apiVersion, ref.kind);
    if (gang === true || (gang === 'asked' && owner?.together)) {
      whole = { key: ref.uid, name: `${facts.ns}/${ref.name}`, createdMs: owner?.created, deadline };
    }
  }
  if (whole) return whole;
  if (facts.group !== undefined) {
    const name = `${facts.ns}/${facts.group}`;
    return { key: `group ${name}`, name, createdMs: podGroups.get(name), deadline };
  }
  return { key: facts.uid, name: `${facts.ns}/${facts.name}`, createdMs: undefined, deadline };
}

interface Group extends Whole {
  readonly id: string;
  readonly pods: readonly PodHistory[];
}

function toJob(
  { id, pods, createdMs, deadline }: Group,
  history: History,
  shared: SharedSets,
  notes: Notes,
  { stillRunning = 'forever' }: RecordingOptions,
): { job: Job; cameMs: number } | undefined {
  const { beginMs, endMs } = history;
  const [first] = pods as [PodHistory];
  const { line, facts } = first;
  if (pods.every((pod) => over(pod) <= beginMs)) {
    notes.skipped('it had ended when the recording began', line);
    return undefined;
  }
  const starts = pods.map(startOf).filter((ms) => !Number.isNaN(ms));
  const members = membersOf(pods, history);
  if (members.replaced > 0)
    notes.mended('pods took the place of others: counted once, its time is that of all', line);
  if (pods.some(({ facts: { claims = 0 } }) => claims > 0)) {
    notes.mended('its claims on devices are not recorded: it asks for the rest', line);
  }
  if (pods.some(({ facts: { volumes = 0 } }) => volumes > 0)) {
    notes.mended('its claims on volumes are not recorded: they keep it off no node', line);
  }
  const ended = pods.map(over);
  const open = ended.some((ms) => Number.isNaN(ms));
  // With the first generation all there, the job works.
  const startMs = starts.length === 0 ? NaN : firstFull(starts, members.count);
  let runMs: number;
  if (Number.isNaN(startMs)) {
    if (!open) {
      notes.skipped('it went away before it ran', line);
      return undefined;
    }
    if (stillRunning === 'observed') {
      notes.skipped('it had not started when the recording ended', line);
      return undefined;
    }
    notes.mended('it had not started when the recording ended: it never ends', line);
    runMs = Infinity;
  } else if (open) {
    const text = 'it still ran when the recording ended';
    notes.mended(stillRunning === 'forever' ? `${text}: it never ends` : `${text}: it ends there`, line);
    runMs = stillRunning === 'forever' ? Infinity : endMs - Math.max(beginMs, startMs);
  } else {
    runMs = Math.max(...ended) - Math.max(beginMs, startMs);
    if (startMs < beginMs) notes.mended('it ran when the recording began: what was left of it counts', line);
  }
  const submitMs = Math.min(createdMs ?? Infinity, ...pods.map(cameMs));
  const running = startMs < beginMs;
  if (!running && submitMs < beginMs) notes.mended('it waited when the recording began: it comes at 0', line);
  // From then on it held its places, though it did not work before its containers ran: images, volumes.
  const placed = pods.map(({ boundMs }) => boundMs).filter((ms) => !Number.isNaN(ms));
  const placedMs = running || placed.length < members.count ? NaN : firstFull(placed, members.count);
  const costMs = Math.max(0, startMs - placedMs);
  const failed = pods.filter(({ facts: { phase } }) => phase === 'Failed').length > members.replaced;
  const cancelled = pods.some((pod) => Number.isNaN(pod.endedMs) && !Number.isNaN(pod.goneMs));
  const job: Job = {
    id,
    tenant: facts.ns,
    submitMs: Math.max(0, submitMs - beginMs),
    podSets: shared.of(members.sets),
    runMs: Math.max(0, runMs),
    ...(costMs > 0 ? { startMs: costMs } : {}),
    ...(deadline === undefined ? {} : { estimateMs: deadline * 1000 }),
    ...(facts.priority ? { priority: facts.priority } : {}),
    ...(open ? {} : failed ? { ends: 'failed' as const } : cancelled ? { ends: 'cancelled' as const } : {}),
    about: {
      ...(facts.owner ? { owner: `${facts.owner.kind}/${facts.owner.name}` } : {}),
      ...(Number.isNaN(startMs) || running
        ? {}
        : { waitedMs: Math.max(0, startMs - (costMs || 0) - Math.max(submitMs, beginMs)) }),
      ...(facts.node === undefined || pods.length > 1 ? {} : { node: facts.node }),
      ...cardNodes(pods, history),
    },
  };
  return { job, cameMs: running ? -Infinity : submitMs };
}

/** Where its pods with cards were, by commas: how fast it ran. */
function cardNodes(pods: readonly PodHistory[], { templates }: History): { cardNodes?: string } {
  const nodes = new Set<string>();
  for (const { facts } of pods) {
    if (facts.node !== undefined && asksForCards(templates.get(String(facts.template))!))
      nodes.add(facts.node);
  }
  return nodes.size === 0 ? {} : { cardNodes: [...nodes].join(',') };
}

function cameMs(pod: PodHistory): number {
  return pod.before ? pod.facts.created : finer(pod.facts.created, pod.seenMs);
}

function startOf(pod: PodHistory): number {
  return finer(pod.facts.started, pod.before && pod.facts.started !== undefined ? NaN : pod.runningMs);
}

/** When it held its place no longer; NaN: it does. */
function over(pod: PodHistory): number {
  const { facts, endedMs, goneMs } = pod;
  if (facts.phase === 'Succeeded' || facts.phase === 'Failed') return finer(facts.ended, endedMs);
  return goneMs;
}

interface Members {
  readonly sets: readonly { readonly name: string; readonly count: number; readonly template: PodTemplate }[];
  readonly count: number;
  readonly replaced: number;
}

/** How many pods of each template there were at a time, at most. */
function membersOf(pods: readonly PodHistory[], { templates }: History): Members {
  const by = new Map<string, PodHistory[]>();
  for (const pod of pods) {
    const key = `${pod.facts.role ?? ''} ${String(pod.facts.template)}`;
    const same = by.get(key);
    if (same) same.push(pod);
    else by.set(key, [pod]);
  }
  let count = 0;
  let replaced = 0;
  const names = new Set<string>();
  const sets = [...by.values()].map((same) => {
    const most = mostAtATime(same);
    count += most;
    replaced += same.length - most;
    const { facts } = same[0]!;
    let name = facts.role ?? 'pod';
    for (let i = 2; names.has(name); i += 1) name = `${facts.role ?? 'pod'}-${i}`;
    names.add(name);
    return { name, count: most, template: templates.get(String(facts.template))! };
  });
  return { sets, count, replaced };
}

function mostAtATime(pods: readonly PodHistory[]): number {
  if (pods.length === 1) return 1;
  const changes = pods.flatMap((pod): [number, number][] => {
    const end = over(pod);
    return [[cameMs(pod), 1], ...(Number.isNaN(end) ? [] : ([[end, -1]] as [number, number][]))];
  });
  // Of one moment ends come first: a replacement is made when its forerunner has ended.
  changes.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let now = 0;
  let most = 1;
  for (const [, change] of changes) most = Math.max(most, (now += change));
  return most;
}

/** When as many had started as the job has members. */
function firstFull(starts: readonly number[], members: number): number {
  const sorted = starts.toSorted((a, b) => a - b);
  return sorted[Math.min(members, sorted.length) - 1]!;
}

/** Jobs that ask for the same share their pod sets. */
class SharedSets {
  readonly #templates = new Map<PodTemplate, number>();
  readonly #sets = new Map<string, readonly PodSet[]>();

  of(sets: readonly PodSet[]): readonly PodSet[] {
    const key = sets
      .map(({ name, count, template }) => `${name} ${count} ${this.#number(template)}`)
      .join(' + ');
    const known = this.#sets.get(key);
    if (known) return known;
    this.#sets.set(key, sets);
    return sets;
  }

  #number(template: PodTemplate): number {
    let number = this.#templates.get(template);
    if (number === undefined) this.#templates.set(template, (number = this.#templates.size));
    return number;
  }
}
