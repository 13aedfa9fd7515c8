/**
 * What would help a pod that fits nowhere: the smallest changes that make one of the nodes fit, judged by the nodes on which
 * only one thing stands in the way, then by what the pod asks of nodes that none has.
 */
import { selectorFrom, type LabelSelectorLike } from '@coracle/machinery';
import type { PodAffinityTerm, Taint } from '@coracle/machinery/api';
import type { PodInfo } from '../pod-info.ts';
import type { Snapshot } from '../snapshot.ts';
import { firstUntolerated } from '../taints.ts';
import { amountText } from './amount-text.ts';
import type { Distance } from './nearest.ts';
import { missingAmount, shortagesOn } from './shortages.ts';
import type { Remedy } from './types.ts';
import type { Verdicts } from './verdicts.ts';

interface Situation {
  readonly snapshot: Snapshot;
  readonly pod: PodInfo;
  readonly verdicts: Verdicts;
  readonly distances: readonly Distance[];
  readonly visible: (namespace: string) => boolean;
}

/** Node names given in a sentence. */
const maxNames = 3;
const hardEffects = ['NoSchedule', 'NoExecute'];

/** The most useful first; never empty while nothing fits. */
export function remediesFor(situation: Situation): Remedy[] {
  const { verdicts, distances } = situation;
  if (verdicts.rejection) return [missingObject(verdicts.rejection.message)];
  if (verdicts.rows.length === 0) return [{ action: 'AddNode', text: 'the cluster has no nodes: add one' }];
  const remedies: Remedy[] = [];
  const alone = rejectedOnlyBy(situation);
  // In the order of the nodes: what the nearest one lacks comes first.
  for (const [plugin, indices] of alone) {
    if (plugin === 'NodeResourcesFit') remedies.push(...resources(situation, indices));
    else if (plugin === 'TaintToleration') remedies.push(...taints(situation, indices));
    else if (plugin === 'NodeAffinity') remedies.push(...labels(situation, indices));
    else if (plugin === 'NodeUnschedulable') {
      remedies.push({
        action: 'Uncordon',
        text: `let pods run on ${names(situation, indices)} again: kubectl uncordon ${nameAt(situation, indices[0]!)}`,
      });
    } else {
      const advice = advices[plugin];
      if (!advice) continue;
      const text = typeof advice.text === 'string' ? advice.text : advice.text(situation.pod);
      remedies.push({ action: advice.action, text: `${text} (${names(situation, indices)} would do then)` });
    }
  }
  // A label that no node has stands in the way everywhere, whatever else does.
  if (!alone.has('NodeAffinity')) remedies.push(...labels(situation, []));
  if (remedies.length > 0) return remedies;
  const [nearest] = distances;
  if (!nearest) return [];
  return [
    {
      action: 'Other',
      text: `${nearest.against} things stand in the way on every node: see the nearest ones for what each lacks`,
    },
  ];
}

interface Advice {
  readonly action: Remedy['action'];
  readonly text: string | ((pod: PodInfo) => string);
}

const advices: Readonly<Record<string, Advice>> = {
  NodePorts: { action: 'FreeResources', text: 'free the host port, or ask for another' },
  InterPodAffinity: {
    action: 'RelaxAffinity',
    text: ({ pod }) => {
      const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
      const near = (podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(termText);
      const far = (podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map(termText);
      const wants = [
        ...near.map((text) => `near pods with ${text}`),
        ...far.map((text) => `away from pods with ${text}`),
      ];
      if (wants.length === 0)
        return 'pods that run there keep it away by their anti-affinity: change its labels or theirs';
      return `it wants to be ${wants.join(', and ')}: relax that, or make it preferred`;
    },
  },
  PodTopologySpread: {
    action: 'RelaxAffinity',
    text: ({ pod }) => {
      const hard = (pod.spec?.topologySpreadConstraints ?? []).filter(
        (c) => c.whenUnsatisfiable === 'DoNotSchedule',
      );
      const what = hard
        .map(({ maxSkew, topologyKey }) => `maxSkew ${maxSkew} over ${topologyKey}`)
        .join(', ');
      return `raise ${what}, make room in the emptiest domain, or let whenUnsatisfiable be ScheduleAnyway`;
    },
  },
  NodeName: {
    action: 'RelaxAffinity',
    text: 'name a node that exists in spec.nodeName, or leave it to the scheduler',
  },
  VolumeZone: { action: 'Other', text: 'use a volume of a zone that has room' },
  VolumeBinding: { action: 'Other', text: 'give the claim a volume, or a class that makes one there' },
  VolumeRestrictions: { action: 'Wait', text: 'wait until nobody else has the volume' },
  NodeVolumeLimits: { action: 'FreeResources', text: 'detach volumes from the node, or add a node' },
  DynamicResources: {
    action: 'FreeResources',
    text: 'free devices that the claims accept, or relax their selectors',
  },
  GpuShare: { action: 'FreeResources', text: 'free a share of a card' },
};

/** `app=db in the same rack`. */
function termText({ labelSelector, topologyKey }: PodAffinityTerm): string {
  return `${labelSelector ? selectorFrom(labelSelector as LabelSelectorLike).toString() || 'any labels' : 'no labels'} in the same ${topologyKey}`;
}

function missingObject(message: string): Remedy {
  if (/not found|does not exist|doesn't exist|waiting for .* to create/i.test(message)) {
    return { action: 'CreateMissing', text: `make what it refers to: ${message}` };
  }
  if (message.includes('unbound immediate PersistentVolumeClaims')) {
    const text =
      'the claim needs a volume that fits it, or a provisioner that runs: kubectl describe pvc tells more';
    return { action: 'CreateMissing', text };
  }
  return { action: 'Other', text: `mend what is said: ${message}` };
}

/** Nodes on which one plugin alone stands in the way, nearest first, by plugin. */
function rejectedOnlyBy({ verdicts, distances }: Situation): Map<string, number[]> {
  const result = new Map<string, number[]>();
  for (const { index, against } of distances) {
    if (against > 1) break;
    const plugin = verdicts.plugins.find(({ codes }) => codes[index] !== 0);
    if (!plugin) continue;
    const indices = result.get(plugin.name);
    if (indices) indices.push(index);
    else result.set(plugin.name, [index]);
  }
  return result;
}

/** Nodes that lack nothing but room. */
function resources(situation: Situation, indices: readonly number[]): Remedy[] {
  const { snapshot, pod, verdicts, visible } = situation;
  const remedies: Remedy[] = [];
  const couldHold = indices.filter((index) =>
    pod.dimensions.every((d, i) => {
      const capacity = snapshot.allocatable[d]![verdicts.rows[index]!]!;
      return (
        capacity >= pod.requests[i]! ||
        missingAmount(snapshot, verdicts.rows[index]!, d, pod.requests[i]!) <= 0
      );
    }),
  );
  const [best] = couldHold;
  if (best !== undefined) {
    const shortages = shortagesOn(snapshot, pod, verdicts.rows[best]!, visible);
    const what = shortages
      .map(({ resource, missing }) => (resource === 'pods' ? 'room for one pod' : `${missing} ${resource}`))
      .join(' and ');
    const who = shortages.flatMap(({ holders }) => holders.map(({ pod: name }) => name));
    const by = who.length > 0 ? ` (taken by ${[...new Set(who)].slice(0, maxNames).join(', ')})` : '';
    const more = couldHold.length - 1;
    const others = more > 0 ? `; ${more} more node${more > 1 ? 's' : ''} would do with more` : '';
    remedies.push({
      action: 'FreeResources',
      text: `free ${what} on node ${nameAt(situation, best)}${by}${others}`,
    });
  }
  const lower = lowerRequest(situation, indices);
  if (lower) remedies.push(lower);
  if (best === undefined && indices.length > 0) {
    const asks = pod.dimensions.map(
      (d, i) => `${amountText(snapshot.resourceName(d), pod.requests[i]!)} ${snapshot.resourceName(d)}`,
    );
    remedies.push({
      action: 'AddNode',
      text: `no node that it may use is large enough: add one with ${asks.join(', ')}`,
    });
  }
  return remedies;
}

/** The resource that alone is short, and the most of it that would fit somewhere now. */
function lowerRequest(situation: Situation, indices: readonly number[]): Remedy | undefined {
  const { snapshot, pod, verdicts } = situation;
  let best: { dimension: number; free: number; share: number; index: number } | undefined;
  for (const index of indices) {
    const row = verdicts.rows[index]!;
    const short = pod.dimensions.filter((d, i) => missingAmount(snapshot, row, d, pod.requests[i]!) > 0);
    const [dimension] = short;
    if (dimension === undefined || short.length > 1) continue;
    const free = snapshot.free[dimension]![row]!;
    const share = free / pod.requests[pod.dimensions.indexOf(dimension)]!;
    if (free > 0 && (!best || share > best.share)) best = { dimension, free, share, index };
  }
  if (!best) return undefined;
  const resource = snapshot.resourceName(best.dimension);
  const wanted = pod.requests[pod.dimensions.indexOf(best.dimension)]!;
  return {
    action: 'LowerRequest',
    text:
      `ask for at most ${amountText(resource, best.free)} ${resource} instead of ${amountText(resource, wanted)}: ` +
      `node ${nameAt(situation, best.index)} has that much free`,
  };
}

function taints(situation: Situation, indices: readonly number[]): Remedy[] {
  const { snapshot, pod, verdicts } = situation;
  const tolerations = pod.pod.spec?.tolerations ?? [];
  const byTaint = new Map<string, { taint: Taint; indices: number[] }>();
  for (const index of indices) {
    const taint = firstUntolerated(
      snapshot.taintSets[snapshot.taintSet[verdicts.rows[index]!]!]!,
      tolerations,
      hardEffects,
    );
    if (!taint) continue;
    const text = taintText(taint);
    const entry = byTaint.get(text);
    if (entry) entry.indices.push(index);
    else byTaint.set(text, { taint, indices: [index] });
  }
  return [...byTaint].map(([text, { taint, indices: nodes }]) => ({
    action: 'TolerateTaint',
    text:
      `tolerate the taint ${text} of ${names(situation, nodes)}, or take it off: ` +
      `kubectl taint nodes ${nameAt(situation, nodes[0]!)} ${taint.key}:${taint.effect}-`,
  }));
}

function taintText({ key, value, effect }: Taint): string {
  return `${key}${value ? `=${value}` : ''}:${effect}`;
}

/** What the pod's selector asks that too few nodes have. */
function labels(situation: Situation, indices: readonly number[]): Remedy[] {
  const { snapshot, pod, verdicts } = situation;
  const wanted = Object.entries(pod.pod.spec?.nodeSelector ?? {});
  const remedies: Remedy[] = [];
  for (const [key, value] of wanted) {
    const values = new Map<string, number>();
    let have = 0;
    for (const row of verdicts.rows) {
      const found = snapshot.node(row)?.metadata.labels?.[key];
      if (found === value) have++;
      else if (found !== undefined) values.set(found, (values.get(found) ?? 0) + 1);
    }
    if (have > 0) continue;
    const known = [...values.keys()].toSorted().slice(0, maxNames);
    const others = known.length > 0 ? `: there are ${known.map((v) => `${key}=${v}`).join(', ')}` : '';
    remedies.push({
      action: 'LabelNode',
      text: `no node has the label ${key}=${value} that nodeSelector asks for${others}`,
    });
  }
  if (remedies.length > 0) return remedies;
  const asked = requiredText(pod);
  if (indices.length === 0 || asked === '') return [];
  const lacking = wanted.find(
    ([key, value]) => snapshot.node(verdicts.rows[indices[0]!]!)?.metadata.labels?.[key] !== value,
  );
  // Labels that say what a node is are not there to be changed.
  const how =
    lacking && !/(^|\.)kubernetes\.io\//.test(lacking[0])
      ? `kubectl label node ${nameAt(situation, indices[0]!)} ${lacking[0]}=${lacking[1]}`
      : `change what it requires (${asked})`;
  return [{ action: 'LabelNode', text: `let it run on ${names(situation, indices)}: ${how}` }];
}

/** The pod's node selector and required node affinity in one line. */
function requiredText({ pod }: PodInfo): string {
  const selector = Object.entries(pod.spec?.nodeSelector ?? {}).map(([key, value]) => `${key}=${value}`);
  const terms =
    pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const alternatives = terms.map(({ matchExpressions = [], matchFields = [] }) =>
    [...matchExpressions, ...matchFields]
      .map(({ key, operator, values }) => [key, operator, (values ?? []).join(',')].join(' ').trim())
      .join(' and '),
  );
  return [...selector, ...(alternatives.length > 0 ? [alternatives.join(' or ')] : [])].join(' and ');
}

function nameAt({ snapshot, verdicts }: Situation, index: number): string {
  return snapshot.nameOf(verdicts.rows[index]!);
}

/** `node a`, `nodes a, b`, `nodes a, b, c and 12 more`. */
function names(situation: Situation, indices: readonly number[]): string {
  const first = indices.slice(0, maxNames).map((index) => nameAt(situation, index));
  const more = indices.length - first.length;
  return `node${indices.length > 1 ? 's' : ''} ${first.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
