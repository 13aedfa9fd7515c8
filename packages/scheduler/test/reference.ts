/**
 * kube-scheduler's default rules once more, slow and plain: no columns, no caches, one node and one pod at a time, written
 * from the API's documentation. The core must agree with it.
 */
import type { Node, NodeSelectorTerm, Pod, Taint, Toleration } from '@coracle/machinery/api';
import { parseQuantity } from '@coracle/machinery';

export interface Placed {
  pod: Pod;
  nodeName: string;
}

const amount = (name: string, text: string): number =>
  name === 'cpu' ? parseQuantity(text).milli() : parseQuantity(text).value();

/** KEP-753: what the pod needs of one resource; `missing` counts for containers that do not name it. */
export function needs(pod: Pod, resource: string, missing = 0): number {
  const of = (requests: Record<string, string> | undefined): number =>
    requests?.[resource] === undefined ? missing : amount(resource, requests[resource]);
  const containers = pod.spec!.containers.map((c) => of(c.resources?.requests));
  const inits = (pod.spec!.initContainers ?? []).map((c) => ({
    sidecar: c.restartPolicy === 'Always',
    need: of(c.resources?.requests),
  }));
  const sidecarsBefore = (end: number): number =>
    inits.slice(0, end).reduce((sum, c) => sum + (c.sidecar ? c.need : 0), 0);
  const running = containers.reduce((a, b) => a + b, 0) + sidecarsBefore(inits.length);
  const starting = inits.map((c, i) => sidecarsBefore(i) + c.need);
  const overhead = pod.spec!.overhead?.[resource];
  return Math.max(running, 0, ...starting) + (overhead === undefined ? 0 : amount(resource, overhead));
}

export function resourceNames(pod: Pod): string[] {
  const names = new Set<string>();
  for (const c of [...pod.spec!.containers, ...(pod.spec!.initContainers ?? [])]) {
    for (const name of Object.keys(c.resources?.requests ?? {})) names.add(name);
  }
  for (const name of Object.keys(pod.spec!.overhead ?? {})) names.add(name);
  return [...names];
}

const offers = (node: Node, name: string): number => {
  const text = node.status?.allocatable?.[name];
  return text === undefined ? 0 : amount(name, text);
};

function tolerated(taint: Taint, tolerations: readonly Toleration[]): boolean {
  return tolerations.some((t) => {
    const effect = !t.effect || t.effect === taint.effect;
    if (t.operator === 'Exists') return effect && (!t.key || t.key === taint.key);
    return effect && t.key === taint.key && (t.value ?? '') === (taint.value ?? '');
  });
}

function termMatches(term: NodeSelectorTerm, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  if (!term.matchExpressions?.length && !term.matchFields?.length) return false;
  for (const { key, operator, values = [] } of term.matchExpressions ?? []) {
    const value = labels[key];
    if (operator === 'In' && !(value !== undefined && values.includes(value))) return false;
    if (operator === 'NotIn' && value !== undefined && values.includes(value)) return false;
    if (operator === 'Exists' && value === undefined) return false;
    if (operator === 'DoesNotExist' && value !== undefined) return false;
    if (operator === 'Gt' || operator === 'Lt') {
      if (value === undefined || !/^-?\d+$/.test(value)) return false;
      if (operator === 'Gt' ? !(Number(value) > Number(values[0])) : !(Number(value) < Number(values[0])))
        return false;
    }
  }
  return (term.matchFields ?? []).every(({ operator, values = [] }) =>
    operator === 'In' ? values.includes(node.metadata.name) : !values.includes(node.metadata.name),
  );
}

const hostPorts = (pod: Pod): { ip: string; protocol: string; port: number }[] =>
  pod.spec!.containers.flatMap((c) =>
    (c.ports ?? [])
      .filter((p) => p.hostPort)
      .map((p) => ({ ip: p.hostIP || '0.0.0.0', protocol: p.protocol ?? 'TCP', port: p.hostPort! })),
  );

/** Why the pod cannot run on the node: the reasons of the first plugin that objects; empty if it can. */
export function objections(pod: Pod, node: Node, present: readonly Pod[]): string[] {
  const spec = pod.spec!;
  const tolerations = spec.tolerations ?? [];
  const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };
  if (node.spec?.unschedulable && !tolerated(cordon, tolerations)) return ['node(s) were unschedulable'];
  const taint = (node.spec?.taints ?? []).find(
    (t) => t.effect !== 'PreferNoSchedule' && !tolerated(t, tolerations),
  );
  if (taint) return [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ''}}`];
  const selected = Object.entries(spec.nodeSelector ?? {}).every(([k, v]) => node.metadata.labels?.[k] === v);
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (!selected || (terms && !terms.some((term) => termMatches(term, node)))) {
    return ["node(s) didn't match Pod's node affinity/selector"];
  }
  const taken = present.flatMap(hostPorts);
  const clash = hostPorts(pod).some((want) =>
    taken.some(
      (has) =>
        has.port === want.port &&
        has.protocol === want.protocol &&
        (has.ip === want.ip || has.ip === '0.0.0.0' || want.ip === '0.0.0.0'),
    ),
  );
  if (clash) return ["node(s) didn't have free ports for the requested pod ports"];
  const reasons: string[] = [];
  if (present.length + 1 > offers(node, 'pods')) reasons.push('Too many pods');
  for (const name of resourceNames(pod)) {
    const need = needs(pod, name);
    const used = present.reduce((sum, p) => sum + needs(p, name), 0);
    if (need > 0 && used + need > offers(node, name)) reasons.push(`Insufficient ${name}`);
  }
  return reasons;
}

const int = Math.trunc;

/** Totals of the default profile's scores for each feasible node. */
export function totals(pod: Pod, nodes: readonly Node[], podsOn: (node: Node) => Pod[]): number[] {
  const soft = (pod.spec!.tolerations ?? []).filter((t) => !t.effect || t.effect === 'PreferNoSchedule');
  const untolerated = nodes.map(
    (n) =>
      (n.spec?.taints ?? []).filter((t) => t.effect === 'PreferNoSchedule' && !tolerated(t, soft)).length,
  );
  const preferred = pod.spec!.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const wished = nodes.map((n) =>
    preferred.reduce((sum, { weight, preference }) => sum + (termMatches(preference, n) ? weight : 0), 0),
  );
  const maxUntolerated = Math.max(...untolerated);
  const maxWished = Math.max(...wished);
  const asks = needs(pod, 'cpu') > 0 || needs(pod, 'memory') > 0;
  return nodes.map((n, i) => {
    const present = [...podsOn(n), pod];
    const taints = 100 - (maxUntolerated === 0 ? 0 : int((100 * untolerated[i]!) / maxUntolerated));
    const affinity = maxWished === 0 ? 0 : int((100 * wished[i]!) / maxWished);
    const least: number[] = [];
    const fractions: number[] = [];
    for (const [name, missing] of [
      ['cpu', 100],
      ['memory', 200 * 1024 * 1024],
    ] as const) {
      const capacity = offers(n, name);
      if (capacity === 0) continue;
      const assumed = present.reduce((sum, p) => sum + needs(p, name, missing), 0);
      least.push(assumed > capacity ? 0 : int(((capacity - assumed) * 100) / capacity));
      fractions.push(Math.min(1, present.reduce((sum, p) => sum + needs(p, name), 0) / capacity));
    }
    const fit = least.length === 0 ? 0 : int(least.reduce((a, b) => a + b, 0) / least.length);
    const spread = fractions.length === 2 ? Math.abs(fractions[0]! - fractions[1]!) / 2 : 0;
    const balanced = asks ? int((1 - spread) * 100) : 0;
    return 3 * taints + 2 * affinity + fit + balanced;
  });
}
