/** A DaemonSet as a function: one pod of it on each node it fits. */
import type { Draft } from '@coracle/machinery';
import { DaemonSet } from '@coracle/machinery/api';
import type { Node, Pod, apps_v1 } from '@coracle/machinery/api';
import { scaled } from '../../disruption/budget.ts';
import { controllerReference } from '../../lib/claim.ts';
import { isReady, isTerminal } from '../../lib/pods.ts';
import { milliseconds } from '../../lib/time.ts';
import { podOfTemplate } from '../../lib/template.ts';
import { availableAt } from '../replicas.ts';
import { revisionLabel } from '../revisions.ts';
import { daemonTolerations, fits, nodeNameOf } from './nodes.ts';

export interface DaemonView {
  set: DaemonSet;
  nodes: readonly Node[];
  /** Those it controls. */
  pods: readonly Pod[];
  /** The hash that pods of the template as it is now carry. */
  hash: string;
  now: number;
}
export interface DaemonPlan {
  /** Names of nodes to make a pod for. */
  create: string[];
  remove: Pod[];
  /** Of `remove`: ended pods, to be told. */
  failed: Pod[];
}

const maxWritesPerRound = 250;

export function planDaemonSet({ set, nodes, pods, hash, now }: DaemonView): DaemonPlan {
  const plan: DaemonPlan = { create: [], remove: [], failed: [] };
  if (set.metadata.deletionTimestamp !== undefined || !set.spec) return plan;
  const byNode = groupByNode(pods);
  const there = new Set(nodes.map(({ metadata }) => metadata.name));
  let wanted = 0;
  let unavailable = 0;
  const outdated: Pod[] = [];
  for (const node of nodes) {
    const { name } = node.metadata;
    const { run, keep } = fits(set.spec.template, node);
    const mine = (byNode.get(name) ?? []).filter((pod) => pod.metadata.deletionTimestamp === undefined);
    if (run) wanted += 1;
    const ended = mine.filter(isTerminal);
    plan.failed.push(...ended);
    plan.remove.push(...ended);
    const alive = mine.filter((pod) => !isTerminal(pod)).toSorted((a, b) => age(a) - age(b));
    if (!keep) plan.remove.push(...alive);
    else {
      // One a node: the oldest stays.
      plan.remove.push(...alive.slice(1));
      const [pod] = alive;
      if (!run) continue;
      if (!pod) {
        // One that is on its way out is replaced when it has gone.
        if ((byNode.get(name) ?? []).length === 0) plan.create.push(name);
        unavailable += 1;
        continue;
      }
      const available = isAvailable(set, pod, now);
      if (!available) unavailable += 1;
      if (pod.metadata.labels?.[revisionLabel] !== hash) {
        // One that does not work may go at any time.
        if (available) outdated.push(pod);
        else if (isRolling(set)) plan.remove.push(pod);
      }
    }
  }
  for (const [name, orphans] of byNode) {
    if (there.has(name)) continue;
    plan.remove.push(...orphans.filter((pod) => pod.metadata.deletionTimestamp === undefined));
  }
  if (isRolling(set)) {
    const most = Math.max(1, scaled(set.spec.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1, wanted));
    plan.remove.push(...outdated.slice(0, Math.max(0, most - unavailable)));
  }
  plan.create = plan.create.slice(0, maxWritesPerRound);
  plan.remove = plan.remove.slice(0, maxWritesPerRound);
  return plan;
}

export function daemonStatus({ set, nodes, pods, hash, now }: DaemonView): apps_v1.DaemonSetStatus {
  const status = {
    currentNumberScheduled: 0,
    desiredNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
    updatedNumberScheduled: 0,
    numberAvailable: 0,
  };
  const byNode = groupByNode(pods.filter((pod) => pod.metadata.deletionTimestamp === undefined));
  for (const node of nodes) {
    const run = set.spec !== undefined && fits(set.spec.template, node).run;
    const mine = (byNode.get(node.metadata.name) ?? []).toSorted((a, b) => age(a) - age(b));
    if (run) status.desiredNumberScheduled += 1;
    const [pod] = mine;
    if (!pod) continue;
    if (!run) {
      status.numberMisscheduled += 1;
      continue;
    }
    status.currentNumberScheduled += 1;
    if (isReady(pod)) status.numberReady += 1;
    if (isAvailable(set, pod, now)) status.numberAvailable += 1;
    if (pod.metadata.labels?.[revisionLabel] === hash) status.updatedNumberScheduled += 1;
  }
  return {
    ...status,
    numberUnavailable: status.desiredNumberScheduled - status.numberAvailable,
    observedGeneration: set.metadata.generation,
    ...(set.status?.conditions ? { conditions: set.status.conditions } : {}),
  };
}

/** A pod for one node: the scheduler binds it there and nowhere else. */
export function podForNode(set: DaemonSet, node: string, hash: string): Draft<Pod> {
  const { metadata, spec } = podOfTemplate(set, controllerReference(DaemonSet, set), set.spec?.template);
  return {
    metadata: { ...metadata, labels: { ...metadata.labels, [revisionLabel]: hash } },
    spec: {
      containers: [],
      ...spec,
      tolerations: [...(spec?.tolerations ?? []), ...daemonTolerations(spec)],
      affinity: {
        ...spec?.affinity,
        nodeAffinity: {
          ...spec?.affinity?.nodeAffinity,
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [node] }] }],
          },
        },
      },
    },
  };
}

function isRolling(set: DaemonSet): boolean {
  return (set.spec?.updateStrategy?.type ?? 'RollingUpdate') === 'RollingUpdate';
}
function isAvailable(set: DaemonSet, pod: Pod, now: number): boolean {
  const at = availableAt(pod, set.spec?.minReadySeconds ?? 0);
  return at !== undefined && at <= now;
}
function age(pod: Pod): number {
  return milliseconds(pod.metadata.creationTimestamp) ?? 0;
}
function groupByNode(pods: readonly Pod[]): Map<string, Pod[]> {
  const groups = new Map<string, Pod[]>();
  for (const pod of pods) {
    const name = nodeNameOf(pod.spec) ?? '';
    groups.set(name, [...(groups.get(name) ?? []), pod]);
  }
  return groups;
}
