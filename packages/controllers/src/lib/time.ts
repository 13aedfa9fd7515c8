import { parseTime } from '@coracle/machinery';

/** A metav1.Time or MicroTime as milliseconds since 1970; undefined when absent or not a time. */
export function milliseconds(time: string | undefined): number | undefined {
  return time === undefined ? undefined : parseTime(time);
}
