/**
 * Units that fit nowhere, by what could help them: a changed row is of interest to the pod that is nominated to it, and to each kind
 * of pod once, however many of the kind wait.
 *
 * Invariant: every unschedulable unit of the queue is in `singles` or in one kind; of the latter those that are nominated are
 * in `byNode` too.
 */
import type { Framework } from './framework.ts';
import type { PodInfo } from './pod-info.ts';
import type { SchedulingQueue, Unit } from './queue.ts';

/** A unit of one pod. */
export interface Waiting {
  readonly unit: Unit;
  readonly pod: PodInfo;
  readonly kind: WaitingKind;
  /** The node that room is being made on for it. */
  readonly nodeName: string | undefined;
}

/** Equal pods: what one row has to offer one of them it has to offer all. */
export interface WaitingKind {
  readonly framework: Framework;
  readonly priority: number;
  /** Rejected by a plugin that looks at the whole cluster: any change may help. */
  readonly wide: boolean;
  readonly free: Set<Waiting>;
  /** Those for which room is being made somewhere. */
  readonly nominated: Set<Waiting>;
}

export class WaitingUnits {
  /** Gangs, and pods whose equals may get other answers. */
  readonly singles = new Set<Unit>();
  /** All; who waits longer has the smaller number. */
  readonly #serials = new Map<Unit, number>();
  readonly #frameworkOf: (pod: PodInfo) => Framework;
  readonly #units = new Map<Unit, Waiting>();
  /** By framework and signature. */
  readonly #kinds = new Map<Framework, Map<string, WaitingKind[]>>();
  readonly #byNode = new Map<string, Set<Waiting>>();
  #serial = 0;

  constructor(queue: SchedulingQueue, frameworkOf: (pod: PodInfo) => Framework) {
    this.#frameworkOf = frameworkOf;
    queue.follow({
      waits: (unit) => this.#add(unit),
      leaves: (unit) => this.#remove(unit),
    });
  }

  /** Puts units that wait in the order in which they came. */
  inOrder(units: Unit[]): Unit[] {
    return units.length < 2 ? units : units.sort((a, b) => this.#serials.get(a)! - this.#serials.get(b)!);
  }

  *kinds(): Iterable<WaitingKind> {
    for (const bySignature of this.#kinds.values()) for (const kinds of bySignature.values()) yield* kinds;
  }

  /** Those that are nominated to the node. */
  on(nodeName: string): Iterable<Waiting> {
    return this.#byNode.get(nodeName) ?? none;
  }

  #add(unit: Unit): void {
    this.#serials.set(unit, this.#serial++);
    const [pod] = unit.pods.values();
    if (!pod || unit.pods.size > 1 || !unit.key.startsWith('pod/') || isOneOfAKind(pod)) {
      this.singles.add(unit);
      return;
    }
    const framework = this.#frameworkOf(pod);
    const kind = this.#kindOf(framework, pod, rejectedByWide(framework, unit));
    const nodeName = framework.nominations.nodeOf(pod.uid);
    const waiting: Waiting = { unit, pod, kind, nodeName };
    this.#units.set(unit, waiting);
    if (nodeName === undefined) {
      kind.free.add(waiting);
      return;
    }
    kind.nominated.add(waiting);
    let there = this.#byNode.get(nodeName);
    if (!there) this.#byNode.set(nodeName, (there = new Set()));
    there.add(waiting);
  }

  #remove(unit: Unit): void {
    this.#serials.delete(unit);
    const waiting = this.#units.get(unit);
    if (!waiting) {
      this.singles.delete(unit);
      return;
    }
    this.#units.delete(unit);
    const { kind, nodeName, pod } = waiting;
    kind.free.delete(waiting);
    kind.nominated.delete(waiting);
    if (nodeName !== undefined) {
      const there = this.#byNode.get(nodeName)!;
      there.delete(waiting);
      if (there.size === 0) this.#byNode.delete(nodeName);
    }
    if (kind.free.size + kind.nominated.size > 0) return;
    const bySignature = this.#kinds.get(kind.framework)!;
    const others = bySignature.get(pod.signature)!.filter((other) => other !== kind);
    if (others.length > 0) bySignature.set(pod.signature, others);
    else bySignature.delete(pod.signature);
  }

  #kindOf(framework: Framework, { signature, priority }: PodInfo, wide: boolean): WaitingKind {
    let bySignature = this.#kinds.get(framework);
    if (!bySignature) this.#kinds.set(framework, (bySignature = new Map()));
    let kinds = bySignature.get(signature);
    if (!kinds) bySignature.set(signature, (kinds = []));
    let kind = kinds.find((known) => known.priority === priority && known.wide === wide);
    if (!kind) {
      kind = { framework, priority, wide, free: new Set(), nominated: new Set() };
      kinds.push(kind);
    }
    return kind;
  }
}

const none: readonly Waiting[] = [];

/** True if pods with its signature may get other answers: plugins that look further than one node have a say. */
function isOneOfAKind({ pod, terms, volumes }: PodInfo): boolean {
  const { topologySpreadConstraints, resourceClaims } = pod.spec ?? {};
  return (
    terms !== undefined ||
    volumes !== undefined ||
    (topologySpreadConstraints?.length ?? 0) > 0 ||
    (resourceClaims?.length ?? 0) > 0
  );
}

/** Rejected by a plugin that looks at the whole cluster: any change may help. */
export function rejectedByWide(framework: Framework, { rejectedBy }: Unit): boolean {
  let names = wideNames.get(framework);
  if (!names) {
    names = framework.profile.plugins
      .map(({ plugin }) => plugin)
      .filter((plugin) => 'prepareFilter' in plugin && plugin.clusterWide === true && !plugin.ownHints)
      .map(({ name }) => name);
    wideNames.set(framework, names);
  }
  return names.some((name) => rejectedBy.has(name));
}
/** A profile does not change: asked of thousands of units at every change. */
const wideNames = new WeakMap<Framework, readonly string[]>();
