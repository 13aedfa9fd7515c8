/** A JobSet's status while it is decided on: conditions with the events that go with them. */
import type { EventDraft } from '../lib/decision.ts';
import { type Condition, setCondition } from '../lib/condition.ts';
import type { JobSet, JobSetStatus } from './types.ts';

const exclusive: Readonly<Record<string, string>> = {
  StartupPolicyInProgress: 'StartupPolicyCompleted',
  StartupPolicyCompleted: 'StartupPolicyInProgress',
};

export class StatusDraft {
  readonly status: JobSetStatus;
  readonly events: EventDraft[] = [];
  readonly #now: number;

  constructor(jobSet: JobSet, now: number) {
    this.#now = now;
    this.status = { ...jobSet.status };
  }

  /** Sets a condition; what changes is also an event. A condition that never was true is not added as false. */
  set(
    type: string,
    isTrue: boolean,
    reason: string,
    message: string,
    eventType: EventDraft['type'] = 'Normal',
  ): void {
    const before: readonly Condition[] = this.status.conditions ?? [];
    if (!isTrue && !before.some((c) => c.type === type)) return;
    const opposite = isTrue ? exclusive[type] : undefined;
    const cleared = before.map((c) =>
      c.type === opposite && c.status === 'True' ? { ...c, status: 'False' } : c,
    );
    const after = setCondition(
      cleared,
      { type, status: isTrue ? 'True' : 'False', reason, message },
      this.#now,
    );
    if (after === cleared) return;
    this.status.conditions = [...after];
    this.events.push({ type: eventType, reason, message });
  }

  restartingEnded(reason: string, message: string): void {
    this.set('RestartingJobSet', false, reason, message);
  }

  complete(): void {
    const message = 'jobset completed successfully';
    this.set('Completed', true, 'AllJobsCompleted', message);
    this.restartingEnded('JobSetCompleted', message);
    this.status.terminalState = 'Completed';
  }

  fail(reason: string, message: string): void {
    this.set('Failed', true, reason, message, 'Warning');
    this.restartingEnded('JobSetFailed', 'jobset failed');
    this.status.terminalState = 'Failed';
  }
}
