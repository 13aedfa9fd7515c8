import type { Framework, PodInfo, SchedulingQueue, Unit } from '../core/index.ts';

/** Questions asked in one go (some microseconds each); with more, everybody is simply tried again, slice by slice. */
const maxQuestions = 2_000;

/**
 * Wakes units that fit nowhere when a node changed so that they may fit there now. Instead of guessing from the kind of
 * event, the changed nodes are looked at with the unit's own filters; equal pods are asked once.
 */
export class Hints {
  readonly #queue: SchedulingQueue;
  readonly #frameworkOf: (pod: PodInfo) => Framework;
  readonly #rows = new Set<number>();
  #podsCame = false;

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
  get pending(): boolean {
    return this.#rows.size > 0 || this.#podsCame;
  }

  /** Wakes whom the changes since the last call may help. */
  apply(now: number): void {
    if (!this.pending) return;
    const rows = [...this.#rows];
    this.#rows.clear();
    this.#podsCame = false;
    const answers = new Map<string, boolean>();
    let questions = 0;
    const helped: Unit[] = [];
    for (const unit of this.#queue.unschedulable()) {
      let helps = false;
      for (const pod of unit.pods.values()) {
        const key = `${pod.pod.spec?.schedulerName ?? ''}/${pod.priority}/${pod.signature}`;
        let answer = answers.get(key);
        if (answer === undefined) {
          const framework = this.#frameworkOf(pod);
          // Rejected by a plugin that looks at the whole cluster: any change may help.
          const wide = framework.profile.plugins.some(
            ({ plugin }) => plugin.clusterWide === true && unit.rejectedBy.has(plugin.name),
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
