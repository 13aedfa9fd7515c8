/** What-if: a scenario with changes, and what to call it. */
import type { ScenarioSpec, Variant } from './types.ts';

/** The changes of a variant that concern nodes; the others are written over the spec. */
export type NodeChanges = Pick<Variant, 'add' | 'remove' | 'swap'>;

/** The spec with a variant's changes; those of nodes are for `clusterOf`, in the order add, swap, remove. */
export function withChanges(spec: ScenarioSpec, variant: Variant): ScenarioSpec & { nodes?: NodeChanges } {
  const {
    add,
    remove,
    swap,
    arrivals,
    durations,
    checkpoint,
    start,
    placement,
    ordering,
    name: _,
    ...events
  } = variant;
  const { workload } = spec;
  const nodes: NodeChanges = { ...(add && { add }), ...(remove && { remove }), ...(swap && { swap }) };
  const { variants: _variants, find: _find, ...kept } = spec;
  return {
    ...kept,
    ...events,
    workload: {
      ...workload,
      ...(arrivals !== undefined && { arrivals: (workload.arrivals ?? 1) * arrivals }),
      ...(durations !== undefined && { durations: (workload.durations ?? 1) * durations }),
      ...(checkpoint !== undefined && { checkpoint }),
      ...(start !== undefined && { start }),
    },
    ...(placement !== undefined && { placement: [placement] }),
    ...(ordering !== undefined && { ordering: [ordering] }),
    ...(Object.keys(nodes).length > 0 && { nodes }),
  };
}

/** `8 more h100x8 nodes, arrivals x 1.2`. */
export function variantName(variant: Variant): string {
  if (variant.name !== undefined) return variant.name;
  const parts = [
    ...(variant.add ?? []).map(({ shape, count }) => `${count} more ${shape} node${plural(count)}`),
    ...(variant.swap ?? []).map(
      ({ pool, shape, count }) => `${count === undefined ? 'all' : count} ${pool} to ${shape}`,
    ),
    ...(variant.remove ?? []).map(({ pool, count }) => `${count} fewer ${pool} node${plural(count)}`),
  ];
  if (variant.arrivals !== undefined) parts.push(`arrivals x ${variant.arrivals}`);
  if (variant.durations !== undefined) parts.push(`durations x ${variant.durations}`);
  if (variant.checkpoint !== undefined) parts.push(`checkpoints every ${variant.checkpoint}`);
  if (variant.start !== undefined) parts.push(`starts cost ${variant.start}`);
  if (variant.placement !== undefined) parts.push(`placement ${variant.placement}`);
  if (variant.ordering !== undefined) parts.push(`ordering ${variant.ordering}`);
  if (variant.preemption !== undefined)
    parts.push(variant.preemption ? 'with preemption' : 'without preemption');
  for (const [model, speed] of Object.entries(variant.speeds ?? {})) parts.push(`${model} at ${speed}x`);
  if (variant.nodeFailures) parts.push(`nodes fail every ${variant.nodeFailures.meanUp}`);
  if (variant.jobFailures) parts.push(`pods fail every ${variant.jobFailures.meanPodUp}`);
  if (variant.maintenance)
    parts.push(`${variant.maintenance.length} maintenance window${plural(variant.maintenance.length)}`);
  for (const { pool, min, max } of variant.autoscaling ?? []) parts.push(`${pool} scales ${min} to ${max}`);
  return parts.join(', ') || 'no change';
}

const plural = (count: number): string => (count === 1 ? '' : 's');
