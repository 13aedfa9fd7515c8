/** Why one pod waits, and what would help. Pure: reads the snapshot, and leaves it as it was. */
import type { PodDisruptionBudget } from '@coracle/machinery/api';
import { fitErrorMessage } from '../diagnosis.ts';
import type { Framework } from '../framework.ts';
import type { PodInfo } from '../pod-info.ts';
import { findPreemption, type Preemption, type PreemptionOptions } from '../preemption.ts';
import { byDistance, nearNodes, type Distance } from './nearest.ts';
import { remediesFor } from './remedies.ts';
import type { Explanation, ExplainOptions, PreemptionReport, Rejection, Remedy } from './types.ts';
import { reasonsAt, verdictsOf, type Verdicts } from './verdicts.ts';

export interface ExplainPodOptions extends ExplainOptions {
  readonly budgets?: readonly PodDisruptionBudget[];
  readonly group?: PreemptionOptions['group'];
  /** Victims have been asked to leave for it. */
  readonly evicting?: boolean;
  /** Its group preempts or does not, and not it alone. */
  readonly withoutPreemption?: boolean;
}

const everything = (): boolean => true;
/** Nodes named with a reason. */
const maxExamples = 3;

/** Explains a pod that has no node, or would need one. `framework`: of the profile that the pod names. */
export function explainPod(framework: Framework, pod: PodInfo, options: ExplainPodOptions = {}): Explanation {
  const { snapshot, profile } = framework;
  const { visible = everything } = options;
  const { namespace = '', name } = pod.pod.metadata;
  const subject = { kind: 'Pod', namespace, name };
  const total = snapshot.nodeCount;
  const nothing = { rejections: [], nearest: [], remedies: [], notes: [] } as const;
  const gates = pod.pod.spec?.schedulingGates ?? [];
  if (gates.length > 0) {
    const list = gates.map((gate) => gate.name).join(', ');
    return {
      ...nothing,
      subject,
      state: 'Gated',
      summary: `it is held back by the scheduling gate${gates.length > 1 ? 's' : ''} ${list}`,
      message: `Scheduling is blocked due to non-empty scheduling gates`,
      dominant: { plugin: 'SchedulingGates', reason: `waiting for scheduling gates: [${list}]` },
      nodes: { total, feasible: 0 },
      remedies: [
        {
          action: 'RemoveGate',
          text: `whoever set ${list} takes it away when the pod may go; to do so yourself: kubectl edit pod ${name} -n ${namespace}, and remove spec.schedulingGates`,
        },
      ],
    };
  }
  const gate = framework.gate(pod.pod);
  if (gate) {
    return {
      ...nothing,
      subject,
      state: 'Gated',
      summary: gate.reason,
      message: gate.reason,
      dominant: { plugin: gate.plugin, reason: gate.reason },
      nodes: { total, feasible: 0 },
      remedies: [gateRemedy(pod, gate.reason)],
    };
  }
  const verdicts = verdictsOf(profile, pod, snapshot);
  const decision = framework.schedule(pod);
  const feasible = verdicts.rejection
    ? 0
    : verdicts.against.reduce((n, against) => n + (against === 0 ? 1 : 0), 0);
  if (decision.fits) {
    const which = feasible === 1 ? 'one node fits' : `${feasible} of ${total} nodes fit`;
    return {
      ...nothing,
      subject,
      state: 'Feasible',
      summary: `${which}; it would go to ${decision.nodeName} now`,
      nodes: { total, feasible },
      rejections: rejectionsOf(snapshot, verdicts),
      node: decision.nodeName,
    };
  }
  const { diagnosis } = decision;
  const distances = verdicts.rejection ? [] : byDistance(snapshot, pod, verdicts);
  const closest = classOf(distances);
  const dominant = dominantOf(verdicts, closest);
  const preemption = options.withoutPreemption
    ? undefined
    : reportOf(
        framework,
        pod,
        options.evicting
          ? undefined
          : findPreemption(framework, pod, diagnosis, {
              budgets: options.budgets ?? [],
              random: () => 0,
              ...(options.group ? { group: options.group } : {}),
            }),
        visible,
      );
  const remedies: Remedy[] = [...remediesFor({ snapshot, pod, verdicts, distances, visible })];
  if (preemption?.victims || options.evicting) {
    remedies.unshift({ action: 'Wait', text: 'nothing to do: room is being made for it' });
  } else {
    const raise = raisePriority(framework, pod, verdicts, closest);
    if (raise) remedies.push(raise);
  }
  const nominated = feasible > 0;
  return {
    subject,
    state: 'Waiting',
    summary: nominated
      ? 'the room there is, is kept for pods that go before it'
      : summaryOf(verdicts, dominant, closest, total),
    message: fitErrorMessage(diagnosis, preemption && !preemption.victims ? preemption.text : ''),
    ...(dominant ? { dominant } : {}),
    nodes: { total, feasible: 0 },
    rejections: rejectionsOf(snapshot, verdicts),
    nearest: nearNodes(snapshot, pod, verdicts, distances.slice(0, options.nearest ?? 5), visible),
    remedies,
    ...(preemption ? { preemption } : {}),
    notes: [],
  };
}

function gateRemedy({ pod }: PodInfo, reason: string): Remedy {
  const templates = (pod.spec?.resourceClaims ?? []).flatMap(
    (claim) => claim.resourceClaimTemplateName ?? [],
  );
  if (reason.includes('not created yet') && templates.length > 0) {
    return {
      action: 'CreateMissing',
      text: `its claims are made from the ResourceClaimTemplate ${templates.join(', ')}: see that it is there (kubectl get resourceclaimtemplates -n ${pod.metadata.namespace})`,
    };
  }
  return { action: 'CreateMissing', text: `make what it waits for: ${reason}` };
}

/** The nodes that come closest: rejected by as few plugins as any, and as few of them beyond help. */
function classOf(distances: readonly Distance[]): readonly Distance[] {
  const [first] = distances;
  return distances.filter(({ against, hard }) => against === first!.against && hard === first!.hard);
}

/** The reason that most of the closest nodes have first; not that of most nodes, which may be none for this pod anyway. */
function dominantOf(verdicts: Verdicts, closest: readonly Distance[]): Explanation['dominant'] {
  if (verdicts.rejection) return { plugin: verdicts.rejection.plugin, reason: verdicts.rejection.message };
  const counts = new Map<string, { plugin: string; reason: string; nodes: number }>();
  for (const { index } of closest) {
    for (const plugin of verdicts.plugins) {
      for (const reason of reasonsAt(plugin, verdicts.rows, index)) {
        const key = `${plugin.name}\n${reason}`;
        const entry = counts.get(key);
        if (entry) entry.nodes++;
        else counts.set(key, { plugin: plugin.name, reason, nodes: 1 });
      }
    }
  }
  const [best] = [...counts.values()].sort((a, b) => b.nodes - a.nodes || (a.reason < b.reason ? -1 : 1));
  return best && { plugin: best.plugin, reason: best.reason };
}

function summaryOf(
  verdicts: Verdicts,
  dominant: Explanation['dominant'],
  closest: readonly Distance[],
  total: number,
): string {
  if (verdicts.rejection) return verdicts.rejection.message;
  if (total === 0) return 'the cluster has no nodes';
  const where =
    closest.length === total
      ? total === 1
        ? 'on the only node'
        : `on all ${total} nodes`
      : `on the ${closest.length === 1 ? 'node that comes' : `${closest.length} nodes that come`} closest, of ${total}`;
  return `${dominant?.reason ?? 'nothing fits'} ${where}`;
}

/** As kube-scheduler counts: each node by the first plugin that rejects it; most nodes first. */
function rejectionsOf(snapshot: Framework['snapshot'], verdicts: Verdicts): Rejection[] {
  const { rows, plugins, rejection } = verdicts;
  if (rejection) {
    return [{ plugin: rejection.plugin, reason: rejection.message, nodes: rows.length, examples: [] }];
  }
  const counts = new Map<string, { plugin: string; reason: string; nodes: number; examples: string[] }>();
  for (let index = 0; index < rows.length; index++) {
    const first = plugins.find(({ codes }) => codes[index] !== 0);
    if (!first) continue;
    for (const reason of reasonsAt(first, rows, index)) {
      let entry = counts.get(reason);
      if (!entry) counts.set(reason, (entry = { plugin: first.name, reason, nodes: 0, examples: [] }));
      entry.nodes++;
      if (entry.examples.length < maxExamples) entry.examples.push(snapshot.nameOf(rows[index]!));
    }
  }
  return [...counts.values()].sort((a, b) => b.nodes - a.nodes || (a.reason < b.reason ? -1 : 1));
}

function reportOf(
  { profile, nominations }: Framework,
  pod: PodInfo,
  found: Preemption | undefined,
  visible: (namespace: string) => boolean,
): PreemptionReport {
  if (profile.preemption === false) return { tried: false, text: 'this profile never preempts' };
  if (!found) {
    const node = nominations.nodeOf(pod.uid);
    return {
      tried: true,
      text: 'pods of lower priority have been asked to leave',
      ...(node ? { node } : {}),
    };
  }
  if ('message' in found) {
    const tried = !found.message.includes('not eligible');
    return { tried, text: found.message };
  }
  const { nodeName, pods, violations } = found.victims;
  const victims = pods.map(({ info }) =>
    visible(info.pod.metadata.namespace ?? '') ? info.key : 'a pod of another namespace',
  );
  const budgets =
    violations > 0 ? `, which breaks ${violations} disruption budget${violations > 1 ? 's' : ''}` : '';
  return {
    tried: true,
    text: `evicting ${victims.length} pod${victims.length === 1 ? '' : 's'} from ${nodeName} makes room${budgets}`,
    node: nodeName,
    victims,
  };
}

/** Pods that are in the way and could be evicted by one of higher priority. */
function raisePriority(
  { snapshot }: Framework,
  pod: PodInfo,
  verdicts: Verdicts,
  closest: readonly Distance[],
): Remedy | undefined {
  const [nearest] = closest;
  if (!nearest || nearest.hard > 0) return undefined;
  let lowest = Number.POSITIVE_INFINITY;
  for (const { index } of closest) {
    for (const { info } of snapshot.podsOn(verdicts.rows[index]!)) lowest = Math.min(lowest, info.priority);
  }
  if (!Number.isFinite(lowest) || lowest < pod.priority) return undefined;
  if (pod.pod.spec?.preemptionPolicy === 'Never') return undefined;
  return {
    action: 'RaisePriority',
    text: `a priority above ${lowest} (it has ${pod.priority}) lets it evict pods that are in its way: spec.priorityClassName`,
  };
}
