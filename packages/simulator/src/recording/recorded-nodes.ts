/**
 * The nodes of a recording: what they offer, and when they were there. A node joins when it is first seen ready; it leaves when it
 * is seen no more: with what ran on it then, or, where nothing did, as soon as it is empty.
 */
import type { Node } from '@coracle/machinery/api';
import { amounts, podRequests } from '@coracle/scheduler/core';
import type { Cluster, NodeChange } from '../model/cluster.ts';
import type { Notes } from '../inputs/notes.ts';
import type { RecordedNode } from './format.ts';
import type { History, PodHistory } from './read-recording.ts';

interface Known {
  /** As it counts. */
  node: RecordedNode;
  line: number;
  /** It was not there at the start. */
  readonly late: boolean;
  readonly seenMs: number;
  /** It is there, and has been ready. */
  there: boolean;
  /** As it was told last. */
  ready: boolean;
  cordoned: boolean;
}

export class RecordedNodes {
  readonly #known = new Map<string, Known>();
  readonly #changes: { readonly ms: number; readonly node: string; readonly what: NodeChange['what'] }[] = [];
  readonly #notes: Notes;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  /** `late`: not of the list at the start. */
  seen(node: RecordedNode, ms: number, line: number, late: boolean): void {
    const { name } = node;
    const ready = node.ready !== false;
    const cordoned = node.unschedulable === true;
    const known = this.#known.get(name);
    if (!known) {
      this.#known.set(name, { node, line, late, seenMs: ms, there: ready, ready, cordoned });
      if (late && ready) this.#joins(name, ms);
      return;
    }
    if (!known.there && ready) {
      known.there = true;
      this.#joins(name, ms);
    } else if (known.there && known.ready && !ready) {
      this.#notes.mended('a node was not ready for a while: it is taken as ready', line);
    }
    if (known.there && !known.cordoned && cordoned && !known.node.unschedulable) {
      this.#notes.mended('a node was cordoned later: it is taken as open', line);
    }
    known.ready = ready;
    known.cordoned = cordoned;
    if (!this.#replaces(node, known, line)) return;
    known.node = node;
    known.line = line;
  }

  #joins(node: string, ms: number): void {
    this.#changes.push({ ms, node, what: 'joins' });
  }

  /**
   * A node counts as it was first seen ready; one that joined later as it was last seen ready, for its labels and cards come one
   * by one.
   */
  #replaces(node: RecordedNode, known: Known, line: number): boolean {
    if (known.node.ready === false) return true;
    if (known.node.unschedulable && !node.unschedulable) {
      this.#notes.mended('a node was cordoned at first: it is taken as open', line);
      return true;
    }
    return known.late && node.ready !== false && !node.unschedulable;
  }

  /** `busy`: something ran there then. */
  gone(name: string, ms: number, busy: boolean, line: number): void {
    const known = this.#known.get(name);
    if (!known) return;
    if (known.there) this.#changes.push({ ms, node: name, what: busy ? 'leaves' : 'retires' });
    else if (!this.#changes.some(({ node }) => node === name)) {
      this.#notes.skipped('a node went away before it was ever ready', line);
      this.#known.delete(name);
      return;
    }
    known.there = false;
  }

  /** Names of those that are there. */
  there(): string[] {
    return [...this.#known].flatMap(([name, { there }]) => (there ? [name] : []));
  }

  /** What pods of daemon sets and static ones ask for is taken off. */
  cluster(name: string, history: History): Cluster {
    const pinned = pinnedOn(history);
    const changes = this.#changes.slice();
    const nodes = [...this.#known.values()].map(({ node, line, late, seenMs }) => {
      if (node.ready === false) {
        this.#notes.mended('a node was never seen ready: it is taken as ready', line);
        if (late) changes.push({ ms: seenMs, node: node.name, what: 'joins' });
      }
      return nodeOf(node, pinned.get(node.name));
    });
    return {
      name,
      nodes,
      pools: [],
      ...(changes.length > 0 && {
        changes: changes
          .toSorted((a, b) => a.ms - b.ms)
          .map(({ ms, node, what }) => ({ atMs: Math.max(0, ms - history.beginMs), node, what })),
      }),
    };
  }
}

type Amounts = ReadonlyMap<string, number>;

/** By node: what its daemons ask for, of each the most it ever did, for one follows the other. */
function pinnedOn({ pods, templates }: History): ReadonlyMap<string, readonly Amounts[]> {
  const by = new Map<string, Map<string, Map<string, number>>>();
  for (const { facts } of pods.values()) {
    if (!facts.pinned || facts.node === undefined) continue;
    const template = templates.get(String(facts.template))!;
    const asked = podRequests(template as unknown as Parameters<typeof podRequests>[0]);
    asked.set('pods', 1);
    let daemons = by.get(facts.node);
    if (!daemons) by.set(facts.node, (daemons = new Map()));
    // Static pods are owned by their node.
    const { owner } = facts;
    const daemon = owner && owner.kind !== 'Node' ? owner.uid : `${facts.ns}/${facts.name}`;
    const most = daemons.get(daemon);
    if (!most) daemons.set(daemon, new Map(asked));
    else
      for (const [resource, amount] of asked) most.set(resource, Math.max(most.get(resource) ?? 0, amount));
  }
  return new Map([...by].map(([node, daemons]) => [node, [...daemons.values()]]));
}

/** It has not ended, and is no daemon: it goes with its node. */
export function runsOn({ facts, endedMs, goneMs }: PodHistory, node: string): boolean {
  return facts.node === node && !facts.pinned && Number.isNaN(endedMs) && Number.isNaN(goneMs);
}

function nodeOf(
  { name, labels, annotations, taints, unschedulable, capacity, allocatable }: RecordedNode,
  pinned: readonly Amounts[] = [],
): Node {
  // Taints of nodes that are not ready are the control plane's word on that moment.
  const lasting = (taints ?? []).filter((taint) => {
    const { key = '' } = taint as { key?: string };
    return !/^node\.kubernetes\.io\/(not-ready|unreachable|network-unavailable|unschedulable)$/.test(key);
  });
  const spec = {
    ...(lasting.length > 0 ? { taints: lasting } : {}),
    ...(unschedulable ? { unschedulable } : {}),
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, ...(labels ? { labels } : {}), ...(annotations ? { annotations } : {}) },
    spec,
    status: {
      ...(capacity ? { capacity } : {}),
      ...(allocatable ? { allocatable: less(allocatable, pinned) } : {}),
    },
  } as unknown as Node;
}

function less(
  allocatable: Readonly<Record<string, string>>,
  pinned: readonly Amounts[],
): Readonly<Record<string, string>> {
  if (pinned.length === 0) return allocatable;
  const left: Record<string, string> = { ...allocatable };
  for (const [resource, offered] of amounts(allocatable)) {
    const asked = pinned.reduce((sum, one) => sum + (one.get(resource) ?? 0), 0);
    if (asked === 0) continue;
    const rest = Math.max(0, offered - asked);
    left[resource] = resource === 'cpu' ? `${rest}m` : String(rest);
  }
  return left;
}
