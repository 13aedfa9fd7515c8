/** What a Stage makes of an object's finalizers. */
import type { StageFinalizers } from './stage-type.ts';

/** The JSON patch (RFC 6902); empty: nothing is to be done. */
export function finalizerPatch(
  now: readonly string[] | undefined,
  { add = [], remove = [], empty = false }: StageFinalizers,
): object[] {
  const before = now ?? [];
  const removed = new Set(remove.map(({ value }) => value));
  const after = empty ? [] : before.filter((each) => !removed.has(each));
  for (const { value } of add) if (value !== undefined && !after.includes(value)) after.push(value);
  if (after.length === before.length && after.every((each, i) => each === before[i])) return [];
  const path = '/metadata/finalizers';
  // The test keeps what others have added meanwhile.
  const unchanged = before.length > 0 ? [{ op: 'test', path, value: before }] : [];
  if (after.length === 0) return [...unchanged, { op: 'remove', path }];
  return [...unchanged, { op: 'add', path, value: after }];
}
