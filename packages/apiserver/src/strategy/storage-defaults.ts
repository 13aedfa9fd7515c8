/** Defaults of claims, also inside StatefulSets and ephemeral volumes. */
import type { PersistentVolumeClaimSpec } from '@coracle/machinery/api';
import { isPart } from './fields.ts';

export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ||= 'Filesystem';
  // dataSource and dataSourceRef are two spellings of one thing while no namespace is involved.
  if (isPart(spec.dataSource) && !spec.dataSourceRef) spec.dataSourceRef = { ...spec.dataSource };
  else if (isPart(spec.dataSourceRef) && !spec.dataSource && !spec.dataSourceRef.namespace) {
    const { apiGroup, kind, name } = spec.dataSourceRef;
    spec.dataSource = { ...(apiGroup === undefined ? {} : { apiGroup }), kind, name };
  }
  spec.resources ??= {};
}
