import type { Node, PersistentVolume, Pod } from '@coracle/machinery/api';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createFramework,
  createSnapshot,
  defaultProfile,
  podRequests,
  profilesFrom,
  readConfiguration,
  scheduleOne,
  type Profile,
} from '../src/core/index.ts';
import { named, namespaces, nodes, podSpecs, roomyNodes, wishfulPods } from './arbitraries.ts';
import { choose, storageRejection, type Storage } from './reference-storage.ts';
import { needs, objections, resourceNames, totals, type Settings } from './reference.ts';
import { worldPods, worlds, type World } from './world.ts';

interface Step {
  what: 'pod' | 'delete' | 'node' | 'lose';
  of: number;
}
const step = (what: Step['what']): fc.Arbitrary<Step> => fc.record({ what: fc.constant(what), of: fc.nat() });
/** What happens to the cluster: mostly pods to place. */
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: step('pod') },
    { weight: 1, arbitrary: step('delete') },
    { weight: 1, arbitrary: step('node') },
    { weight: 1, arbitrary: step('lose') },
  ),
  { minLength: 1, maxLength: 25 },
);
const lots = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }));

/** Plays the steps and compares each decision with the reference. */
function play(
  before: readonly Node[],
  after: readonly Node[],
  specs: readonly Pod[],
  todo: readonly Step[],
  random: () => number,
): void {
  const snapshot = createSnapshot();
  const profile = defaultProfile({ percentageOfNodesToScore: 100 });
  const framework = createFramework({ profile, snapshot, random });
  const present = new Map<string, Node>(before.map((n) => [n.metadata.name, n]));
  const placed = new Map<string, { pod: Pod; nodeName: string }>();
  for (const n of before) snapshot.setNode(n);
  for (const [name, labels] of Object.entries(namespaces)) snapshot.setNamespace(name, labels);
  const podsOn = (n: Node): Pod[] =>
    [...placed.values()].filter((p) => p.nodeName === n.metadata.name).map((p) => p.pod);

  const place = (pod: Pod): void => {
    const all = [...present.values()];
    const cluster = { nodes: all, podsOn, namespaces };
    const against = all.map((n) => objections(pod, n, cluster));
    const feasible = all.filter((_n, at) => against[at]!.length === 0);
    const decision = scheduleOne(framework, snapshot.describe(pod));
    if (!decision.fits) {
      const reasons = new Map<string, number>();
      for (const reason of against.flat()) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      expect(feasible).toEqual([]);
      expect(Object.fromEntries(decision.diagnosis.reasons)).toEqual(Object.fromEntries(reasons));
      return;
    }
    const scores = totals(pod, feasible, cluster);
    const best = feasible.filter((_n, at) => scores[at] === Math.max(...scores));
    expect(best.map((n) => n.metadata.name)).toContain(decision.nodeName);
    placed.set(pod.metadata.uid, { pod, nodeName: decision.nodeName });
  };

  todo.forEach(({ what, of }, i) => {
    if (what === 'pod') place(named(specs[of % specs.length]!, `p${i}`));
    else if (what === 'delete') {
      const victim = [...placed.keys()][of % Math.max(1, placed.size)];
      if (victim === undefined) return;
      placed.delete(victim);
      snapshot.removePod(victim);
    } else if (what === 'node') {
      const changed = after[of % after.length]!;
      present.set(changed.metadata.name, changed);
      snapshot.setNode(changed);
    } else {
      const name = `n${of % before.length}`;
      present.delete(name);
      snapshot.removeNode(name);
    }
  });
}

/** The profile that a configuration with these settings makes. */
function profileOf(settings: Settings): Profile {
  const { strategy = 'LeastAllocated', shape, resources, ignored } = settings;
  const ratio = strategy === 'RequestedToCapacityRatio';
  const args: Record<string, object> = {
    NodeResourcesFit: {
      ...(ignored ? { ignoredResources: ignored } : {}),
      scoringStrategy: {
        type: strategy,
        ...(resources ? { resources } : {}),
        ...(ratio ? { requestedToCapacityRatio: { shape } } : {}),
      },
    },
    InterPodAffinity: {
      ...(settings.hardWeight === undefined ? {} : { hardPodAffinityWeight: settings.hardWeight }),
      ignorePreferredTermsOfExistingPods: settings.ignorePreferred ?? false,
    },
    ...(settings.defaultConstraints
      ? { PodTopologySpread: { defaultingType: 'List', defaultConstraints: settings.defaultConstraints } }
      : {}),
  };
  const { added } = settings;
  if (added) {
    const key = 'topology.kubernetes.io/zone';
    const zones = (values: string[]): object => ({ matchExpressions: [{ key, operator: 'In', values }] });
    args['NodeAffinity'] = {
      addedAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [zones(added.zones)] },
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, preference: zones([added.rather]) }],
      },
    };
  }
  const enabled = Object.entries(settings.weights ?? {}).map(([name, weight]) => ({ name, weight }));
  const config = readConfiguration({
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    percentageOfNodesToScore: 100,
    profiles: [
      {
        plugins: { score: { enabled } },
        pluginConfig: Object.entries(args).map(([name, value]) => ({ name, args: value })),
      },
    ],
  });
  return profilesFrom(config).profiles[0]!;
}

/** Places pods in a world one after the other; volumes they get are bound at once, as a fast controller would. */
function live({ nodes: all, storage, selectors, running, settings }: World, specs: readonly Pod[]): void {
  const snapshot = createSnapshot();
  const framework = createFramework({ profile: profileOf(settings), snapshot, random: () => 0 });
  for (const n of all) snapshot.setNode(n);
  const state = snapshot.volumes;
  for (const one of storage.classes) state.setClass(one);
  for (const one of storage.csiNodes) state.setCsiNode(one);
  for (const one of storage.volumes) state.setVolume(one);
  for (const one of storage.claims) state.setClaim(one);
  for (const { kind, namespace, name, matchLabels } of selectors) {
    if (kind === 'Service') snapshot.selectors.setService(namespace, name, matchLabels);
    else
      snapshot.selectors.setController(
        { apiVersion: 'apps/v1', kind, metadata: { namespace, name } },
        { matchLabels },
      );
  }
  const placed = running.map((p, i) => ({ ...p, pod: named(p.pod, `r${i}`) }));
  for (const { pod, nodeName } of placed) {
    snapshot.addPod(snapshot.describe(pod, { placed: true }), nodeName);
  }
  const podsOn = (n: Node): Pod[] => placed.filter((p) => p.nodeName === n.metadata.name).map((p) => p.pod);
  specs.forEach((spec, i) => {
    const pod = named(spec, `p${i}`);
    const cluster = { nodes: all, podsOn, namespaces: {}, storage, selectors, settings };
    const decision = scheduleOne(framework, snapshot.describe(pod));
    const rejection = storageRejection(pod, storage);
    if (rejection !== undefined) {
      expect(decision).toMatchObject({ fits: false, diagnosis: { rejection } });
      return;
    }
    const against = all.map((n) => objections(pod, n, cluster));
    const feasible = all.filter((_n, at) => against[at]!.length === 0);
    if (!decision.fits) {
      const reasons: Record<string, number> = {};
      for (const reason of against.flat()) reasons[reason] = (reasons[reason] ?? 0) + 1;
      expect(feasible).toEqual([]);
      expect(Object.fromEntries(decision.diagnosis.reasons)).toEqual(reasons);
      return;
    }
    const scores = totals(pod, feasible, cluster);
    const best = feasible.filter((_n, at) => scores[at] === Math.max(...scores));
    expect(best.map((n) => n.metadata.name)).toContain(decision.nodeName);
    for (const reservation of decision.reservations ?? []) reservation.settle?.();
    storage = bindAll(
      pod,
      all.find((n) => n.metadata.name === decision.nodeName)!,
      storage,
    );
    for (const one of storage.volumes) state.setVolume(one);
    for (const one of storage.claims) state.setClaim(one);
    placed.push({ pod, nodeName: decision.nodeName });
  });
}

/** The storage after the pod's claims have got what the reference chooses for them. */
function bindAll(pod: Pod, on: Node, storage: Storage): Storage {
  let { volumes, claims } = storage;
  for (const { claim, volume } of choose(pod, on, storage)!) {
    const { name, namespace, uid } = claim.metadata;
    const values = [on.metadata.name];
    const terms = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values }] }];
    const made = {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { ...claim.metadata, name: `made-${name}`, namespace: undefined },
      spec: {
        capacity: claim.spec!.resources!.requests,
        accessModes: claim.spec!.accessModes,
        storageClassName: claim.spec!.storageClassName,
        nodeAffinity: { required: { nodeSelectorTerms: terms } },
      },
    } as unknown as PersistentVolume;
    const chosen = volume ?? made;
    const bound = {
      ...chosen,
      spec: { ...chosen.spec, claimRef: { namespace, name, uid } },
      status: { phase: 'Bound' },
    };
    volumes = [...volumes.filter((v) => v !== volume), bound as PersistentVolume];
    const annotations = { ...claim.metadata.annotations, 'pv.kubernetes.io/bind-completed': 'yes' };
    const after = {
      ...claim,
      metadata: { ...claim.metadata, annotations },
      spec: { ...claim.spec, volumeName: chosen.metadata.name },
      status: { phase: 'Bound' },
    };
    claims = claims.map((c) => (c === claim ? after : c));
  }
  return { ...storage, volumes, claims };
}

describe('the core against the slow reference', () => {
  test('requests of a pod are what KEP-753 says', () => {
    fc.assert(
      fc.property(podSpecs, (spec) => {
        const computed = podRequests(spec);
        for (const name of resourceNames(spec)) expect(computed.get(name) ?? 0).toBe(needs(spec, name));
      }),
      { numRuns: 300 },
    );
  });

  test('the default profile has the weights of kube-scheduler', () => {
    const weights = defaultProfile().plugins.map(({ plugin, weight }) => [plugin.name, weight]);
    // Has no say where no node says how its cards are linked.
    const own = ['NodeCardTopology'];
    const theirs = weights.filter(([name, weight]) => weight !== undefined && !own.includes(name as string));
    expect(theirs).toEqual([
      ['TaintToleration', 3],
      ['NodeAffinity', 2],
      ['NodeResourcesFit', 1],
      ['PodTopologySpread', 2],
      ['InterPodAffinity', 2],
      ['DynamicResources', 2],
      ['NodeResourcesBalancedAllocation', 1],
      ['ImageLocality', 1],
    ]);
  });

  test('every pod goes to a node the reference scores highest, or has the same reasons against every node', () => {
    fc.assert(
      fc.property(
        nodes,
        nodes,
        fc.array(podSpecs, { minLength: 1, maxLength: 3 }),
        steps,
        lots,
        (a, b, specs, todo, lot) => play(a, b, specs, todo, () => lot.next().value),
      ),
      { numRuns: 300 },
    );
  });

  test('where all nodes have room, wishes are weighed as the reference weighs them', () => {
    fc.assert(
      fc.property(
        roomyNodes,
        roomyNodes,
        fc.array(wishfulPods, { minLength: 1, maxLength: 3 }),
        steps,
        lots,
        (a, b, specs, todo, lot) => play(a, b, specs, todo, () => lot.next().value),
      ),
      { numRuns: 200 },
    );
  });

  test('storage, owners, images, resizes, pod-level resources and other profiles too', () => {
    fc.assert(
      fc.property(worlds, fc.array(worldPods, { minLength: 1, maxLength: 8 }), (world, specs) =>
        live(world, specs),
      ),
      { numRuns: 400 },
    );
  });
});
