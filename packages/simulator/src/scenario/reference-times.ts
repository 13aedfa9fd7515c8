import type { Node } from '@coracle/machinery/api';
import { speedOfNode } from '../engine/speed.ts';
import type { Workload } from '../model/job.ts';

/**
 * Jobs of a recording ran on cards that are known (`about.cardNodes`): their run times as they would have been at speed 1, so that a
 * job that is put where it was takes as long as it did. `nodes`: those of the recording.
 */
export function atReference(
  workload: Workload,
  nodes: readonly Node[],
  speeds: Readonly<Record<string, number>> | undefined,
): Workload {
  const byName = new Map<string, number>();
  for (const node of nodes) {
    const speed = speedOfNode(node, speeds);
    if (speed !== 1) byName.set(node.metadata.name ?? '', speed);
  }
  if (byName.size === 0) return workload;
  return {
    ...workload,
    *jobs() {
      for (const job of workload.jobs()) {
        const { cardNodes } = job.about ?? {};
        const all = typeof cardNodes === 'string' ? cardNodes.split(',') : [];
        // As it ran: at the speed of the slowest.
        const speed = all.length === 0 ? 1 : Math.min(...all.map((name) => byName.get(name) ?? 1));
        yield speed === 1 ? job : { ...job, runMs: job.runMs * speed };
      }
    },
  };
}
