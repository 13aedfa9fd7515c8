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
import { storageObjections, type Storage } from './reference-storage.ts';

const int = Math.trunc;

const amount = (name: string, text: string): number =>
  name === 'cpu' ? parseQuantity(text).milli() : parseQuantity(text).value();

/** KEP-753: what the pod needs of one resource; `missing` counts for containers that do not name it. */
export function needs(pod: Pod, resource: string, missing = 0): number {
  if (isRunning(pod)) {
    // What is asked for, given, or in use now, whichever is the most; an infeasible wish counts for nothing.
    const infeasible = pod.status?.conditions?.some(
      (c) => c.type === 'PodResizePending' && c.reason === 'Infeasible',
    );
    const views = [
      ...(infeasible ? [] : [pod]),
      asIf(pod, (s) => s?.allocatedResources),
      asIf(pod, (s) => s?.resources?.requests ?? s?.allocatedResources),
    ];
    return Math.max(...views.map((view) => plainNeeds(view, resource, missing)));
  }
  return plainNeeds(pod, resource, missing);
}

type Status = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];
const isRunning = (pod: Pod): boolean =>
  [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])].some(
    (s) => s.resources ?? s.allocatedResources,
  );

/** The pod with other requests; where the status has none, and the wish is not infeasible, the spec's. */
function asIf(pod: Pod, of: (status: Status | undefined) => Record<string, string> | undefined): Pod {
  const infeasible = pod.status?.conditions?.some((c) => c.reason === 'Infeasible');
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const change = <C extends NonNullable<Pod['spec']>['containers'][number]>(c: C): C => {
    const reported = of(statuses.find((s) => s.name === c.name));
    const requests = reported ?? (infeasible ? {} : c.resources?.requests);
    return { ...c, resources: requests ? { requests } : {} };
  };
  const spec = pod.spec!;
  return {
    ...pod,
    spec: {
      ...spec,
      containers: spec.containers.map(change),
      ...(spec.initContainers ? { initContainers: spec.initContainers.map(change) } : {}),
    },
    status: {},
  } as Pod;
}

function plainNeeds(pod: Pod, resource: string, missing: number, incoming = false): number {
  const podLevel = pod.spec!.resources?.requests;
  const extra = pod.spec!.overhead?.[resource];
  if ((resource === 'cpu' || resource === 'memory') && podLevel?.[resource] !== undefined) {
    return amount(resource, podLevel[resource]) + (extra === undefined ? 0 : amount(resource, extra));
  }
  // Pod-level requests that leave this one out: a container without one asks for nothing.
  const absent =
    !incoming &&
    podLevel &&
    Object.keys(podLevel).length > 0 &&
    missing > 0 &&
    plainNeeds(pod, resource, 0) > 0;
  if (absent) missing = 0;
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
  for (const name of Object.keys(pod.spec!.resources?.requests ?? {})) names.add(name);
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
  [
    ...pod.spec!.containers,
    ...(pod.spec!.initContainers ?? []).filter((c) => c.restartPolicy === 'Always'),
  ].flatMap((c) =>
    (c.ports ?? [])
      .filter((p) => p.hostPort)
      .map((p) => ({ ip: p.hostIP || '0.0.0.0', protocol: p.protocol ?? 'TCP', port: p.hostPort! })),
  );

/** Everything the rules about other pods look at. */
export interface Cluster {
  nodes: readonly Node[];
  podsOn(node: Node): Pod[];
  namespaces: Record<string, Record<string, string>>;
  storage?: Storage;
  /** Services and controllers: what spreads pods that say nothing of it. */
  selectors?: readonly Selecting[];
  settings?: Settings;
}

/** A Service (by labels) or a controller (by owner) and the pods it selects. */
export interface Selecting {
  namespace: string;
  kind: 'Service' | 'ReplicaSet';
  name: string;
  matchLabels: Record<string, string>;
}

/** What of a profile is not as the default profile has it. */
export interface Settings {
  strategy?: 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio';
  /** Of RequestedToCapacityRatio. */
  shape?: readonly { utilization: number; score: number }[];
  resources?: readonly { name: string; weight: number }[];
  ignored?: readonly string[];
  hardWeight?: number;
  /** Zones that every pod must be in, and the one it had rather be in. */
  added?: { zones: string[]; rather: string };
  ignorePreferred?: boolean;
  defaultConstraints?: readonly TopologySpreadConstraint[];
  weights?: Partial<Record<string, number>>;
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

const systemConstraints: readonly TopologySpreadConstraint[] = [
  { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
];

/** The pod's own constraints; for a pod without any, the defaults over what selects it. */
function constraintsOf(pod: Pod, action: string, cluster: Cluster): TopologySpreadConstraint[] {
  const own = pod.spec!.topologySpreadConstraints ?? [];
  if (own.length > 0) return own.filter((c) => c.whenUnsatisfiable === action);
  const { namespace, labels = {}, ownerReferences = [] } = pod.metadata;
  const matchLabels: Record<string, string> = {};
  const matchExpressions: { key: string; operator: string; values: string[] }[] = [];
  for (const one of cluster.selectors ?? []) {
    if (one.namespace !== namespace) continue;
    if (one.kind === 'Service') {
      if (selects({ matchLabels: one.matchLabels }, labels)) Object.assign(matchLabels, one.matchLabels);
    } else if (ownerReferences.some((o) => o.controller && o.kind === one.kind && o.name === one.name)) {
      for (const [key, value] of Object.entries(one.matchLabels)) {
        matchExpressions.push({ key, operator: 'In', values: [value] });
      }
    }
  }
  if (Object.keys(matchLabels).length + matchExpressions.length === 0) return [];
  return (cluster.settings?.defaultConstraints ?? systemConstraints)
    .filter((c) => c.whenUnsatisfiable === action)
    .map((c) => ({ ...c, labelSelector: { matchLabels, matchExpressions } }));
}

function spreadObjection(pod: Pod, node: Node, cluster: Cluster): string | undefined {
  const constraints = constraintsOf(pod, 'DoNotSchedule', cluster);
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
    const self = spreadWith(pod, c, pod.metadata.labels) ? 1 : 0;
    if ((counts.get(here) ?? 0) + self - (counts.size === 0 ? 0 : min) > c.maxSkew) return text;
  }
  return undefined;
}

const alike = (pod: Pod, c: TopologySpreadConstraint, others: readonly Pod[]): number =>
  others.filter(
    (p) =>
      p.metadata.namespace === pod.metadata.namespace &&
      p.metadata.deletionTimestamp === undefined &&
      spreadWith(pod, c, p.metadata.labels),
  ).length;

/** The constraint's selector with the pod's own values of `matchLabelKeys`. */
function spreadWith(
  pod: Pod,
  c: TopologySpreadConstraint,
  labels: Record<string, string> | undefined,
): boolean {
  const keys = (c.matchLabelKeys ?? []).filter((key) => pod.metadata.labels?.[key] !== undefined);
  return selects(c.labelSelector, labels) && keys.every((key) => labels?.[key] === pod.metadata.labels![key]);
}

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
  const constraints = constraintsOf(pod, 'ScheduleAnyway', cluster);
  if (constraints.length === 0) return nodes.map(() => 0);
  // The system's own constraints also spread over nodes without a zone; those are a domain of their own, which nobody counts.
  const needAll =
    (pod.spec!.topologySpreadConstraints?.length ?? 0) > 0 ||
    cluster.settings?.defaultConstraints !== undefined;
  const complete = (n: Node): boolean =>
    !needAll || constraints.every((c) => n.metadata.labels?.[c.topologyKey] !== undefined);
  const raw = nodes.map((n) => {
    if (!complete(n)) return undefined;
    let sum = 0;
    for (const c of constraints) {
      const host = c.topologyKey === 'kubernetes.io/hostname';
      const value = (m: Node): string | undefined => m.metadata.labels?.[c.topologyKey];
      const domains = host ? nodes.filter(complete).length : new Set(nodes.filter(complete).map(value)).size;
      if (value(n) === undefined) continue;
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
  const wishes = [...affinityOf(pod, 'podAffinity'), ...affinityOf(pod, 'podAntiAffinity')];
  if (cluster.settings?.ignorePreferred && wishes.length === 0) return nodes.map(() => 0);
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
        const { hardWeight = 1 } = cluster.settings ?? {};
        for (const t of affinityOf(p, 'podAffinity')) add(p, pod, t.podAffinityTerm, t.weight);
        for (const t of affinityOf(p, 'podAntiAffinity')) add(p, pod, t.podAffinityTerm, -t.weight);
        const hard = p.spec!.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
        for (const t of hard) add(p, pod, t, hardWeight);
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
  const { added } = cluster.settings ?? {};
  if (added && !added.zones.includes(node.metadata.labels?.['topology.kubernetes.io/zone'] ?? '')) {
    return ["node(s) didn't match scheduler-enforced node affinity"];
  }
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
    if (cluster.settings?.ignored?.includes(name)) continue;
    if (need > 0 && used + need > offers(node, name)) reasons.push(`Insufficient ${name}`);
  }
  if (reasons.length > 0) return reasons;
  const stored = storageObjections(pod, node, cluster);
  if (stored.length > 0) return stored;
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
  const rather = cluster.settings?.added?.rather;
  const inRather = (n: Node): boolean =>
    rather !== undefined && n.metadata.labels?.['topology.kubernetes.io/zone'] === rather;
  const wished = nodes.map((n) =>
    preferred.reduce(
      (sum, { weight, preference }) => sum + (termMatches(preference, n) ? weight : 0),
      inRather(n) ? 10 : 0,
    ),
  );
  const maxUntolerated = Math.max(...untolerated);
  const maxWished = Math.max(...wished);
  const asks = needs(pod, 'cpu') > 0 || needs(pod, 'memory') > 0;
  const images = imageScores(pod, nodes, cluster);
  const weight = (name: string, usual: number): number => cluster.settings?.weights?.[name] ?? usual;
  return nodes.map((n, i) => {
    const present = [...cluster.podsOn(n), pod];
    const taints = 100 - (maxUntolerated === 0 ? 0 : int((100 * untolerated[i]!) / maxUntolerated));
    const affinity = maxWished === 0 ? 0 : int((100 * wished[i]!) / maxWished);
    const fractions: number[] = [];
    for (const name of ['cpu', 'memory']) {
      const capacity = offers(n, name);
      if (capacity === 0) continue;
      fractions.push(Math.min(1, present.reduce((sum, p) => sum + needs(p, name), 0) / capacity));
    }
    const deviation = fractions.length === 2 ? Math.abs(fractions[0]! - fractions[1]!) / 2 : 0;
    const balanced = asks ? int((1 - deviation) * 100) : 0;
    return (
      weight('TaintToleration', 3) * taints +
      weight('NodeAffinity', 2) * affinity +
      weight('NodeResourcesFit', 1) * fitScore(pod, n, cluster) +
      weight('NodeResourcesBalancedAllocation', 1) * balanced +
      weight('PodTopologySpread', 2) * spread[i]! +
      weight('InterPodAffinity', 2) * near[i]! +
      weight('ImageLocality', 1) * images[i]!
    );
  });
}

function fitScore(pod: Pod, node: Node, cluster: Cluster): number {
  const settings = cluster.settings ?? {};
  const { strategy = 'LeastAllocated', shape = [] } = settings;
  const resources = settings.resources ?? [
    { name: 'cpu', weight: 1 },
    { name: 'memory', weight: 1 },
  ];
  const assumed: Record<string, number> = { cpu: 100, memory: 200 * 1024 * 1024 };
  let total = 0;
  let weights = 0;
  for (const { name, weight } of resources) {
    const capacity = offers(node, name);
    const extended = name.includes('/');
    if (capacity === 0 || (extended && needs(pod, name) === 0)) continue;
    const missing = assumed[name] ?? 0;
    const used = cluster
      .podsOn(node)
      .reduce((sum, p) => sum + needs(p, name, missing), plainNeeds(pod, name, missing, true));
    let score: number;
    if (strategy === 'LeastAllocated')
      score = used > capacity ? 0 : int(((capacity - used) * 100) / capacity);
    else if (strategy === 'MostAllocated') score = int((Math.min(used, capacity) * 100) / capacity);
    else score = onLine(shape, used > capacity ? 100 : int((used * 100) / capacity));
    if (strategy === 'RequestedToCapacityRatio' && score <= 0) continue;
    total += score * weight;
    weights += weight;
  }
  if (weights === 0) return 0;
  return strategy === 'RequestedToCapacityRatio' ? Math.round(total / weights) : int(total / weights);
}

/** The height at `x` of a line through points whose heights are tenths of the scale. */
function onLine(points: readonly { utilization: number; score: number }[], x: number): number {
  const at = points.findIndex((p) => x <= p.utilization);
  if (at < 0) return 10 * points.at(-1)!.score;
  const [left, right] = [points[at - 1], points[at]!];
  if (!left) return 10 * right.score;
  const rise = 10 * (right.score - left.score);
  return 10 * left.score + int((rise * (x - left.utilization)) / (right.utilization - left.utilization));
}

function imageScores(pod: Pod, nodes: readonly Node[], cluster: Cluster): number[] {
  const wanted = [...(pod.spec!.initContainers ?? []), ...pod.spec!.containers].map((c) => c.image ?? '');
  const full = (name: string): string => (/:[^/]*$/.test(name) ? name : `${name}:latest`);
  const sizeOn = (n: Node, name: string): number | undefined =>
    n.status?.images?.find((image) => image.names?.includes(full(name)))?.sizeBytes;
  const mebi = 1024 * 1024;
  const most = 1000 * mebi * wanted.length;
  return nodes.map((n) => {
    let sum = 0;
    for (const name of wanted) {
      const spread = cluster.nodes.filter((m) => sizeOn(m, name) !== undefined).length / cluster.nodes.length;
      sum += int((sizeOn(n, name) ?? 0) * spread);
    }
    const bounded = Math.min(Math.max(sum, 23 * mebi), most);
    return int((100 * (bounded - 23 * mebi)) / (most - 23 * mebi));
  });
}
