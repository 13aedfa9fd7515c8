/** The clocks of the cluster and of the recorder may differ by so much and still be taken as one. */
const nearMs = 2000;

/** The server's time is of whole seconds and sure, the recorder's finer; where both agree the finer one counts. */
export function finer(sure: number | undefined, seen: number): number {
  if (sure === undefined) return seen;
  return Number.isNaN(seen) || Math.abs(seen - sure) > nearMs ? sure : seen;
}
