/** Answers why something waits, from what the live scheduler knows this moment: its snapshot, its queue, its gangs. */
import type { Pod, PodTemplateSpec } from '@coracle/machinery/api';
import {
  createFramework,
  explainGang,
  explainPod,
  traceDecision,
  Trial,
  type Explanation,
  type Framework,
  type PodInfo,
  type PreemptionReport,
  type QueueReport,
  type Trace,
  type Unit,
} from '../core/index.ts';
import { requestOf, victimGroup } from './decide-gang.ts';
import { placedCount, type GangState } from './gang-registry.ts';
import type { Shared } from './shared.ts';

/** What is asked about; exactly one of `pod`, `podGroup` and `template`. */
export interface ExplainQuery {
  readonly namespace: string;
  /** Name of a pod. */
  readonly pod?: string;
  /** Name of a pod group; `group`: its API group, if there are several of the name. */
  readonly podGroup?: { readonly name: string; readonly group?: string };
  /** A pod that does not exist: what would become of it? */
  readonly template?: PodTemplateSpec;
  /** With the verdict and score of every plugin on the nodes. */
  readonly trace?: boolean;
  /** Nodes in the trace, and in detail. */
  readonly limit?: number;
}
export interface ExplainAnswer {
  readonly explanation: Explanation;
  readonly trace?: Trace;
}

export interface ExplainContext {
  readonly shared: Shared;
  readonly now: number;
  /** Longest stay among the unschedulable, in milliseconds. */
  readonly flushMs: number;
  podOf(namespace: string, name: string): Pod | undefined;
  priorityOf(pod: Pod): number;
  /** False: it only looks on, and knows of no queue. */
  readonly decides: boolean;
  /** May the asker know of pods of this namespace? */
  readonly visible: (namespace: string) => boolean;
}

const traceLimit = 20;
/** An example is enough: a decision compares a hundred nodes and more, which takes as many tries. */
const fewCandidates = { minCandidateNodesPercentage: 0, minCandidateNodesAbsolute: 5 };

/** Undefined: there is nothing of that name. The snapshot is as it was. */
export function explainLive(context: ExplainContext, query: ExplainQuery): ExplainAnswer | undefined {
  const { shared } = context;
  if (query.podGroup) {
    const gang = gangOf(shared, query);
    return gang && { explanation: gangExplanation(context, gang, query, undefined) };
  }
  const pod = query.template
    ? podFrom(query.template, query.namespace)
    : context.podOf(query.namespace, query.pod ?? '');
  return pod && ofPod(context, pod, query);
}

function ofPod(context: ExplainContext, pod: Pod, query: ExplainQuery): ExplainAnswer {
  const { shared, visible } = context;
  const { snapshot } = shared;
  const framework = ownFramework(shared, pod);
  const info = snapshot.describe(pod, { priority: context.priorityOf(pod) });
  const placed = snapshot.pod(info.uid);
  // A pod that has its place is judged as if it had none.
  const trial = new Trial(snapshot, framework);
  let trace: Trace | undefined;
  try {
    if (placed) trial.remove(placed);
    if (query.trace) trace = traceDecision(framework, info, query.limit ?? traceLimit);
  } finally {
    trial.rollback();
  }
  const answer = (explanation: Explanation): ExplainAnswer => ({ explanation, ...(trace ? { trace } : {}) });
  const { phase } = pod.status ?? {};
  const at = pod.spec?.nodeName ?? placed?.nodeName;
  if (phase === 'Succeeded' || phase === 'Failed') return answer(settled(framework, pod, 'Finished', at));
  if (at !== undefined) return answer(settled(framework, pod, 'Scheduled', at));
  const gang = query.template ? undefined : shared.gangs.ofPod(pod);
  if (gang && !pod.spec?.schedulingGates?.length) {
    const whole = gangExplanation(context, gang, query, info);
    const { kind, name, namespace } = whole.subject;
    const note = `it is a member of ${kind} ${namespace}/${name}, whose members get nodes together or not at all`;
    return answer({ ...whole, subject: podSubject(pod), notes: [note, ...whole.notes] });
  }
  const unit = shared.queue.get(`pod/${info.uid}`);
  const found = explainPod(framework, info, {
    budgets: shared.budgets(),
    group: (victim) => victimGroup(shared, victim),
    evicting: shared.evicting(`pod/${info.uid}`),
    visible,
    ...(query.limit === undefined ? {} : { nearest: query.limit }),
  });
  const schedulerName = pod.spec?.schedulerName || 'default-scheduler';
  const foreign = shared.frameworkOf({ pod }) === undefined;
  return answer({
    ...found,
    ...(foreign ? { state: 'Foreign' as const } : {}),
    ...(unit && context.decides ? { queue: queueReport(context, unit) } : {}),
    notes: foreign
      ? [
          ...found.notes,
          `the pod asks for the scheduler ${schedulerName}, which is not this one: below is what this one would do`,
        ]
      : found.notes,
  });
}

/** A framework of its own, so that asking leaves no mark on decisions: neither kept verdicts nor where searches begin. */
function ownFramework(shared: Shared, pod: Pod): Framework {
  const { snapshot, nominations } = shared;
  const { profile } = shared.frameworkOf({ pod }) ?? shared.anyFramework();
  const preemption = profile.preemption === false ? false : fewCandidates;
  return createFramework({ profile: { ...profile, preemption }, snapshot, nominations, random: () => 0 });
}

function podSubject(pod: Pod): Explanation['subject'] {
  return { kind: 'Pod', namespace: pod.metadata.namespace ?? '', name: pod.metadata.name };
}

function settled(
  { snapshot }: Framework,
  pod: Pod,
  state: 'Scheduled' | 'Finished',
  node: string | undefined,
): Explanation {
  const where =
    node === undefined ? '' : state === 'Scheduled' ? `it has node ${node}` : `it ran on node ${node}`;
  return {
    subject: podSubject(pod),
    state,
    summary: state === 'Scheduled' ? where : `it has ended (${pod.status?.phase})${where && `; ${where}`}`,
    nodes: { total: snapshot.nodeCount, feasible: 0 },
    rejections: [],
    nearest: [],
    remedies: [],
    notes: [],
    ...(node === undefined ? {} : { node }),
  };
}

function podFrom({ metadata, spec }: PodTemplateSpec, namespace: string): Pod {
  const name = metadata?.name ?? metadata?.generateName ?? 'what-if';
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    // No real object has this uid.
    metadata: { ...metadata, name, namespace, uid: `what-if/${namespace}/${name}` },
    spec,
    status: { phase: 'Pending' },
  } as unknown as Pod;
}

function gangOf({ gangs }: Shared, { namespace, podGroup }: ExplainQuery): GangState | undefined {
  for (const gang of gangs.all()) {
    const [name] = gang.key.split('@');
    const { group } = gang.kind.type;
    if (name === `${namespace}/${podGroup!.name}` && (podGroup!.group ?? group) === group) return gang;
  }
  return undefined;
}

function gangExplanation(
  context: ExplainContext,
  gang: GangState,
  query: ExplainQuery,
  member: PodInfo | undefined,
): Explanation {
  const { shared, visible } = context;
  const key = `gang/${gang.key}`;
  const [namespace = '', name = ''] = gang.key.split('@')[0]!.split('/');
  const unit = shared.queue.get(key);
  const pods = unit ? [...unit.pods.values()] : [];
  const first = member ?? pods[0] ?? anyMember(shared, gang);
  const framework = ownFramework(shared, first?.pod ?? ({} as Pod));
  const request =
    unit && gang.spec
      ? requestOf(shared, gang, unit)
      : { pods, minCount: gang.spec?.minCount ?? 0, scheduled: placedCount(gang) };
  const found = explainGang(framework, request, {
    kind: gang.kind.type.kind,
    namespace,
    name,
    members: pods.length + placedCount(gang),
    exists: gang.group !== undefined,
    preemption: gangPreemption(context, gang, key, pods),
    visible,
    ...(query.limit === undefined ? {} : { nearest: query.limit }),
  });
  return {
    ...found,
    ...(unit && context.decides && pods.length > 0 ? { queue: queueReport(context, unit) } : {}),
  };
}

function anyMember({ snapshot }: Shared, gang: GangState): PodInfo | undefined {
  for (const uid of gang.scheduled.keys()) {
    const placed = snapshot.pod(uid);
    if (placed) return placed.info;
  }
  return undefined;
}

/** Every decision on a gang tries it; what came of it is in the decision's verdict. */
function gangPreemption(
  { shared, decides }: ExplainContext,
  gang: GangState,
  key: string,
  pods: readonly PodInfo[],
): PreemptionReport | undefined {
  if (!decides || pods.length === 0) return undefined;
  if (shared.evicting(key) || gang.verdict?.message.includes('waiting for preemption')) {
    return { tried: true, text: 'pods of lower priority have been asked to leave for it', victims: [] };
  }
  if (pods.some(({ pod }) => pod.spec?.preemptionPolicy === 'Never')) {
    return { tried: false, text: 'a member has preemptionPolicy Never' };
  }
  if (gang.verdict?.reason !== 'Unschedulable') return undefined;
  return { tried: true, text: 'evicting pods of lower priority would not make room for all it needs' };
}

const queueStates: Readonly<Record<Unit['state'], QueueReport['state']>> = {
  active: 'active',
  deciding: 'active',
  backoff: 'backoff',
  unschedulable: 'unschedulable',
  held: 'gated',
  gone: 'gated',
};

function queueReport({ shared, now, flushMs }: ExplainContext, unit: Unit): QueueReport {
  const state = queueStates[unit.state];
  const attempts = unit.attempts;
  const since = new Date(unit.added || now).toISOString();
  const tried = attempts === 1 ? 'tried once' : `tried ${attempts} times`;
  if (state === 'gated')
    return { state, attempts, since, text: 'it is not tried until what it waits for is there' };
  if (state === 'active') {
    let ahead = 0;
    for (const other of shared.queue.units()) if (other.state === 'active' && before(other, unit)) ahead++;
    return {
      state,
      ahead,
      attempts,
      since,
      text: ahead === 0 ? 'it is next' : `due now, behind ${ahead} others`,
    };
  }
  const at = state === 'backoff' ? unit.at : unit.at + flushMs;
  const retryAt = new Date(at).toISOString();
  const seconds = Math.max(0, Math.round((at - now) / 1000));
  const text =
    state === 'backoff'
      ? `${tried}; again in ${seconds} s (back-off)`
      : `${tried}; again when something changes that may help, or in ${seconds} s whatever happens`;
  return { state, attempts, since, retryAt, text };
}

function before(a: Unit, b: Unit): boolean {
  if (a === b) return false;
  if (a.urgent !== b.urgent) return a.urgent;
  return a.priority !== b.priority ? a.priority > b.priority : a.since < b.since;
}
