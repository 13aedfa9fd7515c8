/**
 * kube-scheduler's default rules once more, slow and plain: no columns, no caches, one node and one pod at a time, written
 * from the API's documentation. The core must agree with it.
 */
import type {
  LabelSelector,
  Node,
  NodeSelectorTerm,
  Pod,
  PodAffinityTerm,
  Taint,
  Toleration,
  TopologySpreadConstraint,
} from '@coracle/machinery/api';
import { parseQuantity } from '@coracle/machinery';

const int = Math.trunc;

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

/** Everything the rules about other pods look at. */
export interface Cluster {
  nodes: readonly Node[];
  podsOn(node: Node): Pod[];
  namespaces: Record<string, Record<string, string>>;
}

function selects(selector: LabelSelector | undefined, labels: Record<string, string> = {}): boolean {
  if (!selector) return false;
  return (
    Object.entries(selector.matchLabels ?? {}).every(([k, v]) => labels[k] === v) &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'In') return value !== undefined && values.includes(value);
      if (operator === 'NotIn') return value === undefined || !values.includes(value);
      return (value !== undefined) === (operator === 'Exists');
    })
  );
}

/** Does a term of `owner` speak of `other`? */
function speaksOf(term: PodAffinityTerm, owner: Pod, other: Pod, cluster: Cluster): boolean {
  const { namespace = '', labels } = other.metadata;
  const own = !term.namespaces?.length && !term.namespaceSelector;
  const inNamespace =
    (own && namespace === owner.metadata.namespace) ||
    (term.namespaces?.includes(namespace) ?? false) ||
    (term.namespaceSelector !== undefined && selects(term.namespaceSelector, cluster.namespaces[namespace]));
  return inNamespace && selects(term.labelSelector, labels);
}

function spreadObjection(pod: Pod, node: Node, cluster: Cluster): string | undefined {
  const constraints = (pod.spec!.topologySpreadConstraints ?? []).filter(
    (c) => c.whenUnsatisfiable === 'DoNotSchedule',
  );
  const text = "node(s) didn't match pod topology spread constraints";
  for (const c of constraints) {
    const here = node.metadata.labels?.[c.topologyKey];
    if (here === undefined) return `${text} (missing required label)`;
    const counts = new Map<string, number>();
    for (const n of cluster.nodes) {
      if (constraints.some((k) => n.metadata.labels?.[k.topologyKey] === undefined)) continue;
      if (!counted(pod, n, c)) continue;
      const value = n.metadata.labels![c.topologyKey]!;
      counts.set(value, (counts.get(value) ?? 0) + alike(pod, c, cluster.podsOn(n)));
    }
    const min = counts.size < (c.minDomains ?? 1) ? 0 : Math.min(...counts.values());
    const self = selects(c.labelSelector, pod.metadata.labels) ? 1 : 0;
    if ((counts.get(here) ?? 0) + self - (counts.size === 0 ? 0 : min) > c.maxSkew) return text;
  }
  return undefined;
}

const alike = (pod: Pod, c: TopologySpreadConstraint, others: readonly Pod[]): number =>
  others.filter(
    (p) => p.metadata.namespace === pod.metadata.namespace && selects(c.labelSelector, p.metadata.labels),
  ).length;

function counted(pod: Pod, node: Node, c: TopologySpreadConstraint): boolean {
  const honorsAffinity = c.nodeAffinityPolicy !== 'Ignore';
  const honorsTaints = c.nodeTaintsPolicy === 'Honor';
  const taints = (node.spec?.taints ?? []).filter((t) => t.effect !== 'PreferNoSchedule');
  return (
    (!honorsAffinity || affine(pod, node)) &&
    (!honorsTaints || taints.every((t) => tolerated(t, pod.spec!.tolerations ?? [])))
  );
}

function affine(pod: Pod, node: Node): boolean {
  const spec = pod.spec!;
  const selected = Object.entries(spec.nodeSelector ?? {}).every(([k, v]) => node.metadata.labels?.[k] === v);
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return selected && (!terms || terms.some((term) => termMatches(term, node)));
}

function affinityObjection(pod: Pod, node: Node, cluster: Cluster): string | undefined {
  const required = pod.spec!.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const anti = pod.spec!.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  const at = (n: Node, key: string): string | undefined => n.metadata.labels?.[key];
  const together = (n: Node, key: string): boolean =>
    at(n, key) !== undefined && at(n, key) === at(node, key);
  const friendly = (n: Node): Pod[] =>
    cluster.podsOn(n).filter((p) => required.every((term) => speaksOf(term, pod, p, cluster)));
  if (required.length > 0) {
    const keys = required.every((t) => at(node, t.topologyKey) !== undefined);
    const near = required.every((t) =>
      cluster.nodes.some((n) => together(n, t.topologyKey) && friendly(n).length > 0),
    );
    const anyone = cluster.nodes.some(
      (n) => friendly(n).length > 0 && required.some((t) => at(n, t.topologyKey) !== undefined),
    );
    const first = !anyone && required.every((term) => speaksOf(term, pod, pod, cluster));
    if (!keys || (!near && !first)) return "node(s) didn't match pod affinity rules";
  }
  for (const n of cluster.nodes) {
    for (const p of cluster.podsOn(n)) {
      if (anti.some((t) => together(n, t.topologyKey) && speaksOf(t, pod, p, cluster))) {
        return "node(s) didn't match pod anti-affinity rules";
      }
    }
  }
  for (const n of cluster.nodes) {
    for (const p of cluster.podsOn(n)) {
      const theirs = p.spec!.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
      if (theirs.some((t) => together(n, t.topologyKey) && speaksOf(t, p, pod, cluster))) {
        return "node(s) didn't satisfy existing pods anti-affinity rules";
      }
    }
  }
  return undefined;
}

function spreadScores(pod: Pod, nodes: readonly Node[], cluster: Cluster): number[] {
  const constraints = (pod.spec!.topologySpreadConstraints ?? []).filter(
    (c) => c.whenUnsatisfiable === 'ScheduleAnyway',
  );
  if (constraints.length === 0) return nodes.map(() => 0);
  const complete = (n: Node): boolean =>
    constraints.every((c) => n.metadata.labels?.[c.topologyKey] !== undefined);
  const raw = nodes.map((n) => {
    if (!complete(n)) return undefined;
    let sum = 0;
    for (const c of constraints) {
      const host = c.topologyKey === 'kubernetes.io/hostname';
      const value = (m: Node): string => m.metadata.labels![c.topologyKey]!;
      const domains = host ? nodes.filter(complete).length : new Set(nodes.filter(complete).map(value)).size;
      const others = host
        ? [n]
        : cluster.nodes.filter((m) => complete(m) && counted(pod, m, c) && value(m) === value(n));
      const count = others.reduce((total, m) => total + alike(pod, c, cluster.podsOn(m)), 0);
      sum += count * Math.log(domains + 2) + (c.maxSkew - 1);
    }
    return Math.round(sum);
  });
  const known = raw.filter((score) => score !== undefined);
  const max = Math.max(0, ...known);
  const min = Math.min(...known);
  return raw.map((score) =>
    score === undefined ? 0 : max === 0 ? 100 : int((100 * (max + min - score)) / max),
  );
}

function affinityScores(pod: Pod, nodes: readonly Node[], cluster: Cluster): number[] {
  type Weighted = { weight: number; podAffinityTerm: PodAffinityTerm };
  const affinityOf = (p: Pod, kind: 'podAffinity' | 'podAntiAffinity'): readonly Weighted[] =>
    p.spec!.affinity?.[kind]?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const raw = nodes.map((node) => {
    let sum = 0;
    for (const n of cluster.nodes) {
      const together = (key: string): boolean =>
        n.metadata.labels?.[key] !== undefined && n.metadata.labels[key] === node.metadata.labels?.[key];
      for (const p of cluster.podsOn(n)) {
        const add = (owner: Pod, other: Pod, term: PodAffinityTerm, weight: number): void => {
          if (together(term.topologyKey) && speaksOf(term, owner, other, cluster)) sum += weight;
        };
        for (const t of affinityOf(pod, 'podAffinity')) add(pod, p, t.podAffinityTerm, t.weight);
        for (const t of affinityOf(pod, 'podAntiAffinity')) add(pod, p, t.podAffinityTerm, -t.weight);
        for (const t of affinityOf(p, 'podAffinity')) add(p, pod, t.podAffinityTerm, t.weight);
        for (const t of affinityOf(p, 'podAntiAffinity')) add(p, pod, t.podAffinityTerm, -t.weight);
        const hard = p.spec!.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
        for (const t of hard) add(p, pod, t, 1);
      }
    }
    return sum;
  });
  const [min, max] = [Math.min(...raw), Math.max(...raw)];
  return raw.map((score) => (max > min ? int(100 * ((score - min) / (max - min))) : 0));
}

/** Why the pod cannot run on the node: the reasons of the first plugin that objects; empty if it can. */
export function objections(pod: Pod, node: Node, cluster: Cluster): string[] {
  const present = cluster.podsOn(node);
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
  if (reasons.length > 0) return reasons;
  const objection = spreadObjection(pod, node, cluster) ?? affinityObjection(pod, node, cluster);
  return objection === undefined ? [] : [objection];
}

/** Totals of the default profile's scores for each feasible node. */
export function totals(pod: Pod, nodes: readonly Node[], cluster: Cluster): number[] {
  const spread = spreadScores(pod, nodes, cluster);
  const near = affinityScores(pod, nodes, cluster);
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
    const present = [...cluster.podsOn(n), pod];
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
    const deviation = fractions.length === 2 ? Math.abs(fractions[0]! - fractions[1]!) / 2 : 0;
    const balanced = asks ? int((1 - deviation) * 100) : 0;
    return 3 * taints + 2 * affinity + fit + balanced + 2 * spread[i]! + 2 * near[i]!;
  });
}
