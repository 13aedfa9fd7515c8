/** On which nodes a DaemonSet runs. */
import { selectorFromSet } from '@coracle/machinery';
import type { Node, core_v1 } from '@coracle/machinery/api';
import { tolerates } from '../../node/taints.ts';

function bearing(name: string, effect: string): core_v1.Toleration {
  return { key: `node.kubernetes.io/${name}`, operator: 'Exists', effect };
}

/** What daemon pods bear besides their own tolerations: they are there to serve nodes in trouble, too. */
export function daemonTolerations(spec: core_v1.PodSpec | undefined): core_v1.Toleration[] {
  return [
    bearing('not-ready', 'NoExecute'),
    bearing('unreachable', 'NoExecute'),
    bearing('disk-pressure', 'NoSchedule'),
    bearing('memory-pressure', 'NoSchedule'),
    bearing('pid-pressure', 'NoSchedule'),
    bearing('unschedulable', 'NoSchedule'),
    ...(spec?.hostNetwork ? [bearing('network-unavailable', 'NoSchedule')] : []),
  ];
}

/**
 * `run`: the node should have a daemon pod. `keep`: one that is there may stay (a NoSchedule taint keeps new pods away, and
 * only NoExecute drives old ones out).
 */
export function fits(template: core_v1.PodTemplateSpec, node: Node): { run: boolean; keep: boolean } {
  const { spec } = template;
  if (spec?.nodeName && spec.nodeName !== node.metadata.name) return { run: false, keep: false };
  if (!selectorFromSet(spec?.nodeSelector ?? {}).matches(node.metadata.labels))
    return { run: false, keep: false };
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms && !terms.some((term) => matchesTerm(term, node))) return { run: false, keep: false };
  const tolerations = [...(spec?.tolerations ?? []), ...daemonTolerations(spec)];
  const bad = (node.spec?.taints ?? []).filter((taint) => !tolerations.some((t) => tolerates(t, taint)));
  const driven = bad.some(({ effect }) => effect === 'NoExecute');
  return { run: !driven && !bad.some(({ effect }) => effect === 'NoSchedule'), keep: !driven };
}

/** All of a term's requirements hold; an empty term matches nothing. */
function matchesTerm(term: core_v1.NodeSelectorTerm, { metadata }: Node): boolean {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length + matchFields.length === 0) return false;
  return (
    matchExpressions.every((r) => matchesRequirement(r, metadata.labels?.[r.key])) &&
    matchFields.every((r) => matchesRequirement(r, r.key === 'metadata.name' ? metadata.name : undefined))
  );
}

function matchesRequirement(
  { operator, values = [] }: core_v1.NodeSelectorRequirement,
  value: string | undefined,
): boolean {
  if (operator === 'In') return value !== undefined && values.includes(value);
  if (operator === 'NotIn') return value === undefined || !values.includes(value);
  if (operator === 'Exists') return value !== undefined;
  if (operator === 'DoesNotExist') return value === undefined;
  const [have, limit] = [Number(value), Number(values[0])];
  if (value === undefined || !Number.isInteger(have) || !Number.isInteger(limit)) return false;
  return operator === 'Gt' ? have > limit : operator === 'Lt' && have < limit;
}

/** The node that the pod is on, or is meant for. */
export function nodeNameOf(spec: core_v1.PodSpec | undefined): string | undefined {
  if (spec?.nodeName) return spec.nodeName;
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  for (const { matchFields } of terms ?? []) {
    for (const { key, operator, values } of matchFields ?? []) {
      if (key === 'metadata.name' && operator === 'In' && values?.length === 1) return values[0];
    }
  }
  return undefined;
}
