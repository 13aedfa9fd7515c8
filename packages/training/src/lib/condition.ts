import { formatTime } from '@coracle/machinery';
import type { meta_v1 } from '@coracle/machinery/api';

export type Condition = meta_v1.Condition;

export function isTrue(conditions: readonly Condition[] | undefined, type: string): boolean {
  return conditions?.some((c) => c.type === type && c.status === 'True') ?? false;
}

export function find(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((c) => c.type === type);
}

/**
 * Sets a condition as apimachinery's SetStatusCondition does: the transition time moves only when the status changes.
 * Returns the new list, or the same one if nothing differs.
 */
export function setCondition(
  conditions: readonly Condition[],
  wanted: Omit<Condition, 'lastTransitionTime'> & { lastTransitionTime?: string | undefined },
  now: number,
): readonly Condition[] {
  const before = find(conditions, wanted.type);
  const lastTransitionTime =
    before?.status === wanted.status
      ? before.lastTransitionTime
      : (wanted.lastTransitionTime ?? formatTime(now));
  const after: Condition = { ...wanted, lastTransitionTime };
  if (!before) return [...conditions, after];
  if (before.status === after.status && before.reason === after.reason && before.message === after.message) {
    return conditions;
  }
  return conditions.map((c) => (c === before ? after : c));
}
