import type { Snapshot } from './snapshot.ts';

/** Counts by row summed by the value of a topology label: `sums[value id]`. Rows without the label are left out. */
export function sumByDomain(
  snapshot: Snapshot,
  topologyKey: string,
  counts: Int32Array,
  include?: Uint8Array,
): Int32Array {
  const column = snapshot.labelColumn(topologyKey);
  const sums = new Int32Array(snapshot.labels.values.size + 1);
  const { alive } = snapshot;
  for (let row = 0; row < snapshot.rowCount; row++) {
    if (alive[row] !== 0 && (include === undefined || include[row] !== 0))
      sums[column[row]!]! += counts[row]!;
  }
  sums[0] = 0;
  return sums;
}
