import type { Framework, PodInfo, SchedulingQueue, Unit } from '../core/index.ts';

/** Questions asked in one go (some microseconds each); with more, everybody is simply tried again, slice by slice. */
const maxQuestions = 2_000;
/** Changes of one plugin's state that are asked about one by one. */
const maxChanges = 64;

/**
 * Wakes units that fit nowhere when a node changed so that they may fit there now. Instead of guessing from the kind of
 * event, the changed nodes are looked at with the unit's own filters; equal pods are asked once.
 */
export class Hints {
  readonly #queue: SchedulingQueue;
  readonly #frameworkOf: (pod: PodInfo) => Framework;
  readonly #rows = new Set<number>();
  #podsCame = false;
  /** Plugins whose own state changed, and whom that may help: one of these questions must say yes. */
  readonly #changed = new Map<string, ((pod: PodInfo) => boolean)[]>();

  constructor(queue: SchedulingQueue, frameworkOf: (pod: PodInfo) => Framework) {
    this.#queue = queue;
    this.#frameworkOf = frameworkOf;
  }

  /** This row may take more than before. */
  add(row: number): void {
    this.#rows.add(row);
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
    return this.#rows.size > 0 || this.#podsCame || this.#changed.size > 0;
  }

  /** Wakes whom the changes since the last call may help. */
  apply(now: number): void {
    if (!this.pending) return;
    const rows = [...this.#rows];
    this.#rows.clear();
    this.#podsCame = false;
    const changed = new Map(this.#changed);
    this.#changed.clear();
    const answers = new Map<string, boolean>();
    let questions = 0;
    const helped: Unit[] = [];
    for (const unit of this.#queue.unschedulable()) {
      const questionsOf = [...unit.rejectedBy].flatMap((plugin) => changed.get(plugin) ?? []);
      let helps = false;
      for (const pod of unit.pods.values()) {
        if (questionsOf.some((mayHelp) => mayHelp(pod))) {
          helps = true;
          break;
        }
        const key = `${pod.pod.spec?.schedulerName ?? ''}/${pod.priority}/${pod.signature}`;
        let answer = answers.get(key);
        if (answer === undefined) {
          const framework = this.#frameworkOf(pod);
          // Rejected by a plugin that looks at the whole cluster: any change may help.
          const wide = framework.profile.plugins.some(
            ({ plugin }) =>
              'prepareFilter' in plugin &&
              plugin.clusterWide === true &&
              plugin.ownHints !== true &&
              unit.rejectedBy.has(plugin.name),
          );
          answer =
            wide ||
            questions > maxQuestions ||
            rows.some((row) => {
              questions++;
              return framework.mayHelp(pod, row);
            });
          answers.set(key, answer);
        }
        if (answer) {
          helps = true;
          break;
        }
      }
      if (helps) helped.push(unit);
    }
    for (const unit of helped) this.#queue.wake(unit, now);
  }
}
