import type { Framework } from './framework.ts';
import type { PodInfo } from './pod-info.ts';
import type { SchedulingQueue, Unit } from './queue.ts';
import { rejectedByWide, WaitingUnits, type Waiting } from './waiting-units.ts';

/** Questions asked in one go (some microseconds each); with more, everybody is simply tried again, slice by slice. */
const maxQuestions = 2_000;
/** Changes of one plugin's state that are asked about one by one. */
const maxChanges = 64;
const none: readonly ((pod: PodInfo) => boolean)[] = [];

/**
 * Wakes units that fit nowhere when a node changed so that they may fit there now. Instead of guessing from the kind of
 * event, the changed nodes are looked at with the unit's own filters; equal pods are asked once.
 */
export class Hints {
  readonly #queue: SchedulingQueue;
  readonly #frameworkOf: (pod: PodInfo) => Framework;
  readonly #evicting: (unit: string) => boolean;
  readonly #isGone: (uid: string) => boolean;
  readonly #waiting: WaitingUnits;
  readonly #rows = new Set<number>();
  /** Nodes that are gone. */
  readonly #gone = new Set<string>();
  #podsCame = false;
  /** Plugins whose own state changed, and whom that may help: one of these questions must say yes. */
  readonly #changed = new Map<string, ((pod: PodInfo) => boolean)[]>();

  /**
   * `evicting`: the deletions asked for on behalf of the unit have not all been answered. `isGone`: the pod on the snapshot is
   * deleted, which the informer has yet to show.
   */
  constructor(
    queue: SchedulingQueue,
    frameworkOf: (pod: PodInfo) => Framework,
    evicting: (unit: string) => boolean,
    isGone: (uid: string) => boolean,
  ) {
    this.#queue = queue;
    this.#frameworkOf = frameworkOf;
    this.#evicting = evicting;
    this.#isGone = isGone;
    this.#waiting = new WaitingUnits(queue, frameworkOf);
  }

  /** This row may take more than before. */
  add(row: number): void {
    this.#rows.add(row);
  }
  /** The node is gone: what was nominated to it must look elsewhere. */
  nodeGone(name: string): void {
    this.#gone.add(name);
  }
  /** A pod has a node now, or other labels: pods that want it near, or its like spread, may fit. */
  podCame(): void {
    this.#podsCame = true;
  }
  /**
   * The state a plugin looks at changed, other than the nodes: pods it rejected may fit if `helps` says so (asked at the
   * next `apply`). Absent: any of them may.
   */
  changed(plugin: string, helps: (pod: PodInfo) => boolean = () => true): void {
    const questions = this.#changed.get(plugin);
    if (!questions) this.#changed.set(plugin, [helps]);
    // With very many changes everybody is tried.
    else if (questions.length >= maxChanges) this.#changed.set(plugin, [() => true]);
    else questions.push(helps);
  }
  get pending(): boolean {
    return this.#rows.size > 0 || this.#podsCame || this.#changed.size > 0 || this.#gone.size > 0;
  }

  /** Wakes whom the changes since the last call may help. */
  apply(now: number): void {
    if (!this.pending) return;
    const rows = new Set(this.#rows);
    this.#rows.clear();
    this.#podsCame = false;
    const changed = new Map(this.#changed);
    this.#changed.clear();
    const gone = new Set(this.#gone);
    this.#gone.clear();
    const helped: Unit[] = [];
    const roomMade: Unit[] = [];
    const oneByOne = changed.size > 0 || this.#othersMatter();
    const answers = new Answers([...rows]);
    for (const unit of oneByOne ? this.#queue.unschedulable() : this.#waiting.singles) {
      const questions =
        changed.size === 0 ? none : [...unit.rejectedBy].flatMap((p) => changed.get(p) ?? none);
      for (const pod of unit.pods.values()) {
        if (this.#hasRoom(unit, pod, rows)) roomMade.push(unit);
        else if (questions.some((mayHelp) => mayHelp(pod)) || this.#helps(unit, pod, rows, answers))
          helped.push(unit);
        else continue;
        break;
      }
    }
    if (!oneByOne) this.#askKinds(rows, gone, roomMade, helped);
    for (const unit of this.#waiting.inOrder(roomMade)) this.#queue.resume(unit, now);
    for (const unit of this.#waiting.inOrder(helped)) this.#queue.wake(unit, now);
  }

  /** True if the labels of pods, in which equal pods differ, decide who fits: by the anti-affinity of others. */
  #othersMatter(): boolean {
    for (const { framework } of this.#waiting.kinds())
      if (framework.snapshot.podIndex.carriers.requiredAnti.size > 0) return true;
    return false;
  }

  /** Asks what `apply` asks every unit, once for each kind. */
  #askKinds(rows: ReadonlySet<number>, gone: ReadonlySet<string>, roomMade: Unit[], helped: Unit[]): void {
    /** Those that need not be asked any more. */
    const done = new Set<Waiting>();
    const help = (waiting: Waiting, whom: Unit[]): void => {
      if (done.has(waiting)) return;
      done.add(waiting);
      whom.push(waiting.unit);
    };
    const snapshot = this.#waiting.kinds()[Symbol.iterator]().next().value?.framework.snapshot;
    if (!snapshot) return;
    for (const row of rows) {
      for (const waiting of this.#waiting.on(snapshot.nameOf(row))) {
        const { kind, pod, unit } = waiting;
        if (kind.framework.fitsOn(pod, row)) help(waiting, roomMade);
        else if (!this.#evicting(unit.key) && !this.#leaving(kind.framework, pod, row)) help(waiting, helped);
      }
    }
    for (const name of gone) {
      if (snapshot.rowOf(name) === undefined)
        for (const waiting of this.#waiting.on(name)) help(waiting, helped);
    }
    let left = maxQuestions;
    for (const kind of this.#waiting.kinds()) {
      const { framework, free, nominated } = kind;
      const wake = (all: ReadonlySet<Waiting>): void => {
        for (const waiting of all) help(waiting, helped);
      };
      if (kind.wide) {
        wake(free);
        wake(nominated);
        continue;
      }
      const [first] = free;
      for (const row of first ? rows : []) {
        if (left-- > 0 && !framework.mayHelp(first!.pod, row)) continue;
        wake(free);
        break;
      }
      for (const row of rows) {
        const name = snapshot.nameOf(row);
        // One is enough: the others lose nothing. For whom the row is kept has been asked.
        const other = firstOf(nominated, (waiting) => waiting.nodeName !== name && !done.has(waiting));
        if (!other) continue;
        if (left-- <= 0) wake(nominated);
        else if (framework.fitsOn(other.pod, row)) help(other, helped);
      }
    }
  }

  /** True if a pod that could be its victim is on its way out. */
  #leaving({ snapshot }: Framework, pod: PodInfo, row: number): boolean {
    return snapshot
      .podsOn(row)
      .some(
        ({ info }) =>
          info.priority < pod.priority &&
          (info.pod.metadata.deletionTimestamp !== undefined || this.#isGone(info.uid)),
      );
  }

  /** True if the pod, the only one of its unit, fits now where victims left for it. */
  #hasRoom(unit: Unit, pod: PodInfo, rows: ReadonlySet<number>): boolean {
    if (unit.pods.size !== 1) return false;
    const framework = this.#frameworkOf(pod);
    const nominated = framework.nominations.nodeOf(pod.uid);
    const row = nominated === undefined ? undefined : framework.snapshot.rowOf(nominated);
    return row !== undefined && rows.has(row) && framework.fitsOn(pod, row);
  }

  /** True if one of the rows may take the pod now. */
  #helps(unit: Unit, pod: PodInfo, rows: ReadonlySet<number>, answers: Answers): boolean {
    const framework = this.#frameworkOf(pod);
    if (rejectedByWide(framework, unit)) return true;
    const nominated = framework.nominations.nodeOf(pod.uid);
    if (nominated === undefined) return answers.of(framework, pod, 'mayHelp', undefined);
    // It waits for its victims: nobody else's room but this can be made for it. It may still fit elsewhere.
    const row = framework.snapshot.rowOf(nominated);
    if (row === undefined) return true;
    if (rows.has(row)) {
      if (framework.fitsOn(pod, row)) return true;
      if (!this.#evicting(unit.key) && !this.#leaving(framework, pod, row)) return true;
    }
    return answers.of(framework, pod, 'fitsOn', row);
  }
}

function firstOf<T>(items: Iterable<T>, suits: (item: T) => boolean): T | undefined {
  for (const item of items) if (suits(item)) return item;
  return undefined;
}

/**
 * Whether any of some rows would do. Equal pods are asked about once a row, but for the row a pod is nominated to: there its
 * answer is its own.
 */
class Answers {
  readonly #rows: readonly number[];
  readonly #known = new Map<Framework, Map<string, Map<string, Known>>>();
  #asked = 0;

  constructor(rows: readonly number[]) {
    this.#rows = rows;
  }

  /** `own`: the row that the pod is nominated to, which is not asked about. */
  of(framework: Framework, pod: PodInfo, question: 'mayHelp' | 'fitsOn', own: number | undefined): boolean {
    const rows = this.#rows;
    const known = this.#knownOf(framework, pod, question);
    const { answers } = known;
    while (answers[known.refused]! >= no) known.refused++;
    for (let i = known.refused; i < rows.length; i++) {
      const row = rows[i]!;
      if (row === own) continue;
      if (answers[i] === open) {
        if (++this.#asked > maxQuestions) return true;
        answers[i] = framework[question](pod, row) ? yes : no;
      }
      if (answers[i] !== yes) continue;
      if (own !== undefined) answers[i] = given;
      return true;
    }
    return false;
  }

  #knownOf(framework: Framework, pod: PodInfo, question: string): Known {
    let bySignature = this.#known.get(framework);
    if (!bySignature) this.#known.set(framework, (bySignature = new Map()));
    let byPriority = bySignature.get(pod.signature);
    if (!byPriority) bySignature.set(pod.signature, (byPriority = new Map()));
    const own = isOneOfAKind(framework, pod) ? pod.uid : framework.snapshot.devices.kindOf(pod);
    const key = `${question}/${pod.priority}/${own}`;
    let known = byPriority.get(key);
    if (!known) byPriority.set(key, (known = { answers: new Uint8Array(this.#rows.length), refused: 0 }));
    return known;
  }
}

/** True if pods with its signature may get other answers: plugins that look further than one node have a say. */
function isOneOfAKind({ snapshot }: Framework, { pod, terms, volumes }: PodInfo): boolean {
  return (
    terms !== undefined ||
    volumes !== undefined ||
    (pod.spec?.topologySpreadConstraints?.length ?? 0) > 0 ||
    snapshot.podIndex.carriers.requiredAnti.size > 0
  );
}

interface Known {
  /** By place in `rows`. */
  readonly answers: Uint8Array;
  /** All before it are `no` or `given`. */
  refused: number;
}
const open = 0;
const yes = 1;
const no = 2;
/** Yes, and a pod that room is being made for elsewhere has been woken for it. That is enough: the others lose nothing. */
const given = 3;
