import { topologyAnnotation } from '@coracle/machinery';
import type { Node } from '@coracle/machinery/api';
import type { RecordedNode } from './format.ts';
import type { Names } from './names.ts';

/** What is recorded of a node: what scheduling reads. Addresses, images and versions are left out. */
export function trimNode({ metadata, spec, status }: Node, names: Names): RecordedNode {
  const topology = metadata.annotations?.[topologyAnnotation];
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  return {
    name: names.name(metadata.name ?? ''),
    ...(metadata.labels ? { labels: names.labels(metadata.labels) } : {}),
    ...(topology === undefined ? {} : { annotations: { [topologyAnnotation]: topology } }),
    ...(spec?.taints?.length
      ? {
          taints: spec.taints.map(({ key, value, effect }) =>
            names.keyed({ key, effect, ...(value === undefined ? {} : { value }) }),
          ),
        }
      : {}),
    ...(spec?.unschedulable ? { unschedulable: true } : {}),
    ...(status?.capacity ? { capacity: status.capacity } : {}),
    ...(status?.allocatable ? { allocatable: status.allocatable } : {}),
    ...(ready ? { ready: ready.status === 'True' } : {}),
  };
}
