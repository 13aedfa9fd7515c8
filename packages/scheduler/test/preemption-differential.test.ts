/** DefaultPreemption against its rules written down slowly and plainly. */
import type { Node, Pod, PodDisruptionBudget } from '@coracle/machinery/api';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  findPreemption,
  fitErrorMessage,
} from '../src/core/index.ts';
import { named, namespaces, nodes, podSpecs } from './arbitraries.ts';
import { node, pod } from './objects.ts';
import { needs, objections, resourceNames, type Cluster } from './reference.ts';

interface Running {
  pod: Pod;
  nodeName: string;
}
interface Choice {
  nodeName: string;
  victims: string[];
  /** What candidates are compared by, the most important first; less is better. */
  rank: (number | string)[];
}

const priorities = fc.constantFrom(-10, 0, 0, 1, 2, 3);
/** Mostly pods that want room, a port, or distance; some with every rule. */
const plainPods: fc.Arbitrary<Pod> = fc
  .record({
    namespace: fc.constantFrom('default', 'default', 'other'),
    labels: fc.constantFrom({ app: 'a' }, { app: 'b' }, {}),
    cpu: fc.constantFrom('500m', '1', '2'),
    hostPort: fc.constantFrom(undefined, undefined, 80),
    apart: fc.constantFrom(undefined, undefined, undefined, 'zone', 'kubernetes.io/hostname'),
    spread: fc.constantFrom(false, false, false, true),
  })
  .map((o) => {
    const labelSelector = { matchLabels: { app: 'a' } };
    const ports = o.hostPort ? [{ containerPort: 80, hostPort: o.hostPort }] : [];
    const anti = {
      requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: o.apart, labelSelector }],
    };
    const even = { topologyKey: 'zone', maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', labelSelector };
    return pod('p', {
      namespace: o.namespace,
      labels: o.labels,
      spec: {
        containers: [{ name: 'c', ports, resources: { requests: { cpu: o.cpu } } }],
        ...(o.apart ? { affinity: { podAntiAffinity: anti } } : {}),
        ...(o.spread ? { topologySpreadConstraints: [even] } : {}),
      } as never,
    });
  });
const anyPods = fc.oneof({ weight: 5, arbitrary: plainPods }, { weight: 1, arbitrary: podSpecs });
const plainNodes: fc.Arbitrary<Node[]> = fc
  .array(
    fc.record({
      zone: fc.constantFrom('a', 'b', undefined),
      cpu: fc.constantFrom('2', '3'),
      pods: fc.constantFrom('2', '3', '110'),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((list) =>
    list.map(({ zone, cpu, pods }, i) =>
      node(`n${i}`, { labels: zone ? { zone } : {}, allocatable: { cpu, pods } }),
    ),
  );
const someNodes = fc.oneof({ weight: 4, arbitrary: plainNodes }, { weight: 1, arbitrary: nodes });
const running = fc.array(
  fc.record({ spec: anyPods, priority: priorities, on: fc.integer({ min: 0, max: 7 }), start: fc.boolean() }),
  { minLength: 6, maxLength: 14 },
);
const budgets = fc.array(
  fc.record({
    namespace: fc.constantFrom('default', 'other'),
    selector: fc.constantFrom({ matchLabels: { app: 'a' } }, { matchLabels: { app: 'b' } }, {}, undefined),
    allowed: fc.integer({ min: 0, max: 2 }),
    disrupted: fc.constantFrom(undefined, 'r0', 'r1'),
  }),
  { maxLength: 2 },
);

/** Reasons that no eviction can help. */
const final = [
  'node(s) were unschedulable',
  'untolerated taint',
  "didn't match Pod's node affinity/selector",
  'missing required label',
  "node(s) didn't match pod affinity rules",
];

function resolvable(pod: Pod, node: Node, reasons: readonly string[]): boolean {
  if (reasons.some((reason) => final.some((text) => reason.includes(text)))) return false;
  const offered = (name: string): number => needs(podOf(node.status!.allocatable!), name);
  return !reasons.some((reason) => reason.startsWith('Insufficient') || reason === 'Too many pods')
    ? true
    : resourceNames(pod).every((name) => needs(pod, name) <= offered(name));
}

/** A pod that asks for all of this: a way to read amounts. */
const podOf = (requests: Record<string, string>): Pod =>
  ({ spec: { containers: [{ name: 'c', resources: { requests } }] } }) as unknown as Pod;

const startOf = (pod: Pod): string => pod.status?.startTime ?? '9999';
const priorityOf = (pod: Pod): number => pod.spec!.priority ?? 0;
const byImportance = (a: Pod, b: Pod): number =>
  priorityOf(b) - priorityOf(a) || (startOf(a) < startOf(b) ? -1 : startOf(a) > startOf(b) ? 1 : 0);

function choiceOn(
  pod: Pod,
  node: Node,
  present: readonly Running[],
  all: readonly Node[],
  protectedBy: readonly PodDisruptionBudget[],
): Choice | undefined {
  const nodeName = node.metadata.name;
  const clusterWith = (pods: readonly Pod[]): Cluster => ({
    nodes: all,
    namespaces,
    podsOn: (n) =>
      n.metadata.name === nodeName
        ? [...pods]
        : present.filter((p) => p.nodeName === n.metadata.name).map((p) => p.pod),
  });
  const here = present.filter((p) => p.nodeName === nodeName).map((p) => p.pod);
  const lower = here.filter((p) => priorityOf(p) < priorityOf(pod)).toSorted(byImportance);
  let kept = here.filter((p) => !lower.includes(p));
  if (lower.length === 0 || objections(pod, node, clusterWith(kept)).length > 0) return undefined;
  const left = new Map(protectedBy.map((budget) => [budget, budget.status!.disruptionsAllowed ?? 0]));
  const breaks = new Set<Pod>();
  for (const victim of lower) {
    const { namespace, labels = {}, name } = victim.metadata;
    for (const [budget, allowed] of left) {
      const wanted = Object.entries(budget.spec!.selector?.matchLabels ?? {});
      if (wanted.length === 0 || budget.metadata.namespace !== namespace) continue;
      if (wanted.some(([key, value]) => labels[key] !== value)) continue;
      if (budget.status!.disruptedPods?.[name]) continue;
      left.set(budget, allowed - 1);
      if (allowed - 1 < 0) breaks.add(victim);
    }
  }
  const victims: Pod[] = [];
  for (const candidate of [...lower.filter((p) => breaks.has(p)), ...lower.filter((p) => !breaks.has(p))]) {
    const more = [...kept, candidate];
    if (objections(pod, node, clusterWith(more)).length === 0) kept = more;
    else victims.push(candidate);
  }
  const top = Math.max(...victims.map(priorityOf));
  const earliest = victims
    .filter((p) => priorityOf(p) === top)
    .map(startOf)
    .toSorted()[0]!;
  return {
    nodeName,
    victims: victims.map((p) => p.metadata.name).toSorted(),
    rank: [
      victims.filter((p) => breaks.has(p)).length,
      top,
      victims.reduce((sum, p) => sum + priorityOf(p) + 2 ** 31, 0),
      victims.length,
      // The latest start is best: texts of times turned round.
      [...earliest].map((c) => String.fromCharCode(255 - c.charCodeAt(0))).join(''),
    ],
  };
}

function compare(a: Choice['rank'], b: Choice['rank']): number {
  for (const [i, x] of a.entries()) if (x !== b[i]) return x < b[i]! ? -1 : 1;
  return 0;
}

test('preemption takes the victims that the reference finds best, on every node the reference would', () => {
  fc.assert(
    fc.property(someNodes, running, anyPods, budgets, fc.nat(), (all, list, spec, protection, lot) => {
      const snapshot = createSnapshot();
      const profile = defaultProfile({ percentageOfNodesToScore: 100 });
      const framework = createFramework({ profile, snapshot, random: () => 0 });
      for (const n of all) snapshot.setNode(n);
      for (const [name, labels] of Object.entries(namespaces)) snapshot.setNamespace(name, labels);
      const present = list.map(({ spec: template, priority, on, start }, i): Running => {
        const base = named(template, `r${i}`);
        // No two alike: which of equals goes is nobody's promise.
        const minute = `${((start ? 7 : 53) * i) % 60}`.padStart(2, '0');
        const startTime = `2026-01-0${start ? 1 : 2}T00:${minute}:00Z`;
        const status = { phase: 'Running', startTime };
        const placed = { ...base, spec: { ...base.spec!, priority }, status } as Pod;
        return { pod: placed, nodeName: all[on % all.length]!.metadata.name };
      });
      for (const { pod, nodeName } of present)
        snapshot.addPod(snapshot.describe(pod, { placed: true }), nodeName);
      const budgetObjects = protection.map(
        ({ namespace, selector, allowed, disrupted }, i) =>
          ({
            metadata: { name: `b${i}`, namespace, uid: `b${i}`, resourceVersion: '1' },
            spec: { selector },
            status: {
              disruptionsAllowed: allowed,
              ...(disrupted ? { disruptedPods: { [disrupted]: '2026-01-01T00:00:00Z' } } : {}),
            },
          }) as unknown as PodDisruptionBudget,
      );
      const base = named(spec, 'preemptor');
      const preemptor = { ...base, spec: { ...base.spec!, priority: 2 } } as Pod;
      const info = snapshot.describe(preemptor);
      const decision = framework.schedule(info);
      if (decision.fits) return;
      const found = findPreemption(framework, info, decision.diagnosis, {
        budgets: budgetObjects,
        random: () => (lot % 100) / 100,
      });
      const cluster: Cluster = {
        nodes: all,
        namespaces,
        podsOn: (n) => present.filter((p) => p.nodeName === n.metadata.name).map((p) => p.pod),
      };
      const choices = all
        .filter((n) => resolvable(preemptor, n, objections(preemptor, n, cluster)))
        .flatMap((n) => choiceOn(preemptor, n, present, all, budgetObjects) ?? []);
      if ('message' in found) {
        expect(choices).toEqual([]);
        expect(fitErrorMessage(decision.diagnosis, found.message)).toContain('preemption: 0/');
        return;
      }
      const best = choices.toSorted((a, b) => compare(a.rank, b.rank))[0]!;
      const chosen = choices.find((c) => c.nodeName === found.victims.nodeName);
      expect(found.victims.pods.map((p) => p.info.pod.metadata.name).toSorted()).toEqual(chosen?.victims);
      expect(chosen!.rank).toEqual(best.rank);
    }),
    { numRuns: 300 },
  );
});
