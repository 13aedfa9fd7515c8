/** Why a workload (a Job, a TrainJob, a Deployment, ...) does not run: itself, its controllers, its pods. */
import type { Client } from '@coracle/client';
import { ApiError, type Unstructured } from '@coracle/machinery';
import { Event, Pod } from '@coracle/machinery/api';
import type { Explanation, ExplainAnswer, Remedy, Trace } from '@coracle/scheduler';
import type { ServedResource } from '../discover.ts';
import { podSource } from '../log-source.ts';
import type { Explainer } from './explainer.ts';

/** Pods that wait for the same reason. */
export interface PodsAlike {
  readonly pods: readonly string[];
  readonly explanation: Explanation;
  readonly trace?: Trace;
}
export interface WorkloadReport {
  readonly subject: { readonly kind: string; readonly namespace: string; readonly name: string };
  readonly summary: string;
  /** What its controllers could not do, and what is set to keep it from running. */
  readonly holdups: readonly { readonly about: string; readonly reason: string; readonly message: string }[];
  readonly remedies: readonly Remedy[];
  readonly counts: { readonly pods: number; readonly waiting: number; readonly withNode: number };
  readonly waiting: readonly PodsAlike[];
}

/** Kinds that stand between a workload and its pods. */
const between = [
  'jobsets.jobset.x-k8s.io',
  'jobs.batch',
  'replicasets.apps',
  'podgroups.scheduling.k8s.io',
  'podgroups.scheduling.x-k8s.io',
];
/** Different kinds of waiting pods that are asked about. */
const maxShapes = 10;

/** Explains the workload `TYPE/NAME`. */
export async function explainWorkload(
  client: Client,
  explainer: Explainer,
  served: readonly ServedResource[],
  type: ServedResource,
  name: string,
  options: { namespace: string; trace: boolean; limit: number | undefined; signal: AbortSignal },
): Promise<WorkloadReport> {
  const { namespace, trace, limit, signal } = options;
  const object = await client.get(type, name, { namespace, signal });
  const { labelSelector, fieldSelector } = await podSource(
    client,
    `${type.resource}/${name}`,
    namespace,
    signal,
  );
  const { items: pods } = await client.list(Pod, { namespace, labelSelector, fieldSelector, signal });
  const waiting = pods.filter(({ spec, status, metadata }) => {
    const ended = status?.phase === 'Succeeded' || status?.phase === 'Failed';
    return !spec?.nodeName && !ended && !metadata.deletionTimestamp;
  });
  const alike = await Promise.all(
    shapesOf(waiting)
      .slice(0, maxShapes)
      .map(async (group): Promise<PodsAlike> => {
        const asked = {
          namespace,
          pod: group[0]!.metadata.name,
          trace,
          ...(limit === undefined ? {} : { limit }),
        };
        const answer: ExplainAnswer = await explainer.explain(asked);
        return { pods: group.map(({ metadata }) => metadata.name), ...answer };
      }),
  );
  const { holdups, remedies } = await holdupsOf(client, served, type, object, { namespace, signal });
  const [first] = alike.toSorted((a, b) => b.pods.length - a.pods.length);
  const counts = {
    pods: pods.length,
    waiting: waiting.length,
    withNode: pods.filter(({ spec }) => spec?.nodeName).length,
  };
  return {
    subject: { kind: type.kind, namespace, name },
    summary: summaryOf(counts, holdups, first?.explanation, object),
    holdups,
    remedies,
    counts,
    waiting: alike,
  };
}

/** Pods that the scheduler cannot tell apart, and the members of one group, together. */
function shapesOf(pods: readonly Pod[]): Pod[][] {
  const groups = new Map<string, Pod[]>();
  for (const pod of pods) {
    const { schedulingGroup, ...rest } = pod.spec ?? { containers: [] };
    const shape = rest as Partial<NonNullable<Pod['spec']>>;
    const key = schedulingGroup
      ? `group ${schedulingGroup.podGroupName}`
      : JSON.stringify([
          shape.schedulerName,
          shape.priority,
          shape.schedulingGates,
          shape.nodeSelector,
          shape.affinity,
          shape.tolerations,
          shape.topologySpreadConstraints,
          shape.resourceClaims,
          [...(shape.containers ?? []), ...(shape.initContainers ?? [])].map(({ resources, ports }) => [
            resources,
            ports,
          ]),
        ]);
    const group = groups.get(key);
    if (group) group.push(pod);
    else groups.set(key, [pod]);
  }
  return [...groups.values()].sort((a, b) => b.length - a.length);
}

async function holdupsOf(
  client: Client,
  served: readonly ServedResource[],
  type: ServedResource,
  object: Unstructured,
  options: { namespace: string; signal: AbortSignal },
): Promise<Pick<WorkloadReport, 'holdups' | 'remedies'>> {
  const { namespace, signal } = options;
  const family = new Map([[object.metadata.uid, { type, object }]]);
  for (const word of between) {
    const found = served.find((r) => `${r.resource}.${r.group}` === word);
    if (!found) continue;
    const list = await client.list(found, { namespace, signal }).catch((error: unknown) => {
      // What the user may not see is left out.
      if (error instanceof ApiError) return { items: [] as Unstructured[] };
      throw error;
    });
    for (const item of list.items) {
      if (item.metadata.ownerReferences?.some(({ uid }) => family.has(uid)))
        family.set(item.metadata.uid, { type: found, object: item });
    }
  }
  const holdups: { about: string; reason: string; message: string }[] = [];
  const remedies: Remedy[] = [];
  for (const { type: of, object: member } of family.values()) {
    const { suspend } = (member['spec'] ?? {}) as { suspend?: boolean };
    if (suspend !== true) continue;
    const about = `${of.singular}/${member.metadata.name}`;
    holdups.push({ about, reason: 'Suspended', message: 'spec.suspend is true: no pods are made' });
    if (member === object) {
      remedies.push({
        action: 'Resume',
        text: `let it go on, unless a queue holds it back: kubectl patch ${of.resource} ${member.metadata.name} -n ${namespace} --type merge -p '{"spec":{"suspend":false}}'`,
      });
    }
  }
  const { items: events } = await client
    .list(Event, { namespace, fieldSelector: 'type=Warning', signal })
    .catch((error: unknown) => {
      if (error instanceof ApiError) return { items: [] as Event[] };
      throw error;
    });
  const told = new Set<string>();
  const at = ({ lastTimestamp, eventTime, metadata }: Event): number =>
    Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp ?? '');
  for (const event of events.toSorted((a, b) => at(b) - at(a))) {
    const about = family.get(event.involvedObject.uid ?? '');
    const { reason = '', message = '' } = event;
    // Of those that repeat themselves the last is enough; the scheduler's own word on groups is in the explanation.
    const key = `${event.involvedObject.uid}/${reason}`;
    if (!about || told.has(key) || reason === 'FailedScheduling') continue;
    told.add(key);
    holdups.push({ about: `${about.type.singular}/${about.object.metadata.name}`, reason, message });
    const quota =
      /exceeded quota: ([^,]+), requested: ([^,]+(?:,[^,:]+=[^,]+)*), used: .*, limited: (.*)$/.exec(message);
    if (quota) {
      remedies.push({
        action: 'RaiseQuota',
        text: `raise the quota ${quota[1]} (limited to ${quota[3]}), delete what uses it up, or ask for less than ${quota[2]}`,
      });
    }
  }
  return { holdups, remedies };
}

function summaryOf(
  { pods, waiting, withNode }: WorkloadReport['counts'],
  holdups: WorkloadReport['holdups'],
  first: Explanation | undefined,
  object: Unstructured,
): string {
  const { conditions = [] } = (object['status'] ?? {}) as { conditions?: { type: string; status: string }[] };
  const ended = conditions.find(
    ({ type, status }) =>
      status === 'True' && ['Complete', 'Completed', 'Failed', 'Succeeded'].includes(type),
  );
  if (ended && waiting === 0) return `it has ended (${ended.type})`;
  if (first && waiting > 0) return `${waiting} of ${pods} pods wait: ${first.summary}`;
  const [holdup] = holdups;
  if (holdup) {
    const has = pods === 0 ? 'it has no pods' : `${withNode} of ${pods} pods have nodes`;
    return `${has}: ${holdup.about}: ${holdup.reason}: ${holdup.message}`;
  }
  if (pods === 0) return 'it has no pods, and nobody has said why: its controller may not have seen it yet';
  return `all ${pods} pods have nodes`;
}
