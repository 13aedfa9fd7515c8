import type { Shared } from './shared.ts';

/** How long a gang may be incomplete before its status says so: members come one after the other. */
const noticeMs = 2_000;

/** Tells gangs that stay incomplete what they wait for. */
export class HeldGangs {
  readonly #shared: Shared;
  /** By gang. */
  readonly #timers = new Map<string, () => void>();

  constructor(shared: Shared) {
    this.#shared = shared;
  }

  watch(key: string): void {
    if (this.#timers.has(key)) return;
    const cancel = this.#shared.deps.clock.after(noticeMs, () => {
      this.#timers.delete(key);
      this.#notice(key);
    });
    this.#timers.set(key, cancel);
  }

  stop(): void {
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  #notice(key: string): void {
    const { queue, gangs, status } = this.#shared;
    const unit = queue.get(`gang/${key}`);
    if (unit?.state !== 'held') return;
    const gang = gangs.get(key);
    const message = gang?.group
      ? 'waiting for minCount pods from a gang to appear in scheduling queue'
      : `waiting for pod's pod group "${nameIn(key)}" to appear in scheduling queue`;
    if (gang?.group) status.group(gang, { scheduled: false, reason: 'Unschedulable', message });
    for (const { pod } of unit.pods.values()) status.pod(pod, { reason: 'Unschedulable', message });
  }
}

/** The group's name in a gang's key. */
function nameIn(key: string): string {
  return key.slice(key.indexOf('/') + 1).replace(/@.*/, '');
}
