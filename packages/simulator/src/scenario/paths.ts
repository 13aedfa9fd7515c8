/** Files that a scenario names are found from where it lies. */
import { isAbsolute, join } from 'node:path';
import type { Scenario } from './types.ts';

/** The scenario with its paths from `folder` on. */
export function relativeTo(folder: string, { name, spec }: Scenario): Scenario {
  const at = (path: string): string => (isAbsolute(path) ? path : join(folder, path));
  const policy = (text: string): string => (/\.(ya?ml|json)(#|$)/.test(text) ? at(text) : text);
  const { cluster, workload, placement, variants } = spec;
  return {
    name,
    spec: {
      ...spec,
      cluster: { ...cluster, ...(cluster.from !== undefined && { from: at(cluster.from) }) },
      workload: { ...workload, ...(workload.from !== undefined && { from: at(workload.from) }) },
      ...(placement && { placement: placement.map(policy) }),
      ...(variants && {
        variants: variants.map((variant) => ({
          ...variant,
          ...(variant.placement !== undefined && { placement: policy(variant.placement) }),
        })),
      }),
    },
  };
}
