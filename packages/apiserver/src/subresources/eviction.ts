/** pods/eviction: a delete that asks the pod's disruption budget first (429 when it says no). */
import {
  ApiError,
  type ApiResponse,
  errors,
  formatTime,
  isObject,
  jsonClone,
  type Kind,
  selectorFrom,
  type Unstructured,
} from '@coracle/machinery';
import type { Pod, policy_v1 } from '@coracle/machinery/api';
import { admissionRequest, admitMutating, admitValidating } from '../pipeline/admit.ts';
import type { Call } from '../pipeline/call.ts';
import { decodeBody, shapeOf } from '../pipeline/decode.ts';
import { respondValue, successStatus } from '../pipeline/respond.ts';
import { parseWriteOptions } from '../pipeline/write-options.ts';
import { keyFor, requestKey } from '../storage/keys.ts';
import { storedObject } from '../storage/views.ts';
import { putObject } from '../storage/writer.ts';
import { deleteOne } from '../verbs/delete.ts';
import { parseDeleteOptions } from '../verbs/delete-options.ts';

type Budget = policy_v1.PodDisruptionBudget;

/** What a budget says to the eviction of a pod: let it go, count it first, or why not. */
export type Verdict = 'free' | 'count' | { refuse: string };

const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;

/** Has the pod nothing to lose? Ended, not started, or being deleted already: no budget is asked. */
export function needsNoBudget(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return (
    phase === 'Succeeded' ||
    phase === 'Failed' ||
    phase === 'Pending' ||
    pod.metadata.deletionTimestamp !== undefined
  );
}

/** The budget's rule (policy/v1 PodDisruptionBudget, with its unhealthyPodEvictionPolicy). */
export function judge(budget: Budget, pod: Pod): Verdict {
  const { status, spec } = budget;
  const name = budget.metadata.name;
  if (!isReady(pod)) {
    if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return 'free';
    const { desiredHealthy = 0, currentHealthy = 0 } = status ?? {};
    if (desiredHealthy > 0 && currentHealthy >= desiredHealthy) return 'free';
  }
  if ((status?.observedGeneration ?? 0) < (budget.metadata.generation ?? 0))
    return { refuse: `The disruption budget ${name} is still being processed by the server.` };
  if ((status?.disruptionsAllowed ?? 0) <= 0)
    return {
      refuse: `The disruption budget ${name} needs ${status?.desiredHealthy ?? 0} healthy pods and has ${status?.currentHealthy ?? 0} currently`,
    };
  return 'count';
}

function refused(name: string, message: string): ApiError {
  return new ApiError(
    'TooManyRequests',
    "Cannot evict pod as it would violate the pod's disruption budget.",
    {
      name,
      kind: 'pods',
      causes: [{ reason: 'DisruptionBudget', message }],
      retryAfterSeconds: message.includes('still being processed') ? 10 : 0,
    },
  );
}

function budgetsOf(call: Call, pod: Pod): Budget[] {
  const all = call.ctx.lookup.list(
    'policy',
    'poddisruptionbudgets',
    pod.metadata.namespace ?? '',
  ) as unknown as Budget[];
  return all.filter((budget) => selectorFrom(budget.spec?.selector).matches(pod.metadata.labels ?? {}));
}

/** Takes one from the budget's allowance, by compare-and-swap. Throws TooManyRequests. */
async function take(call: Call, budget: Budget, pod: Pod, dryRun: boolean): Promise<void> {
  const { ctx } = call;
  const named = { group: 'policy', resource: 'poddisruptionbudgets' };
  const kind = ctx.registry.byResource('policy', 'v1', named.resource) as Kind;
  const key = keyFor(named, pod.metadata.namespace ?? '', budget.metadata.name);
  for (;;) {
    const entry = ctx.store.peek(key);
    if (!entry) return;
    const current = storedObject(entry) as unknown as Budget;
    const verdict = judge(current, pod);
    if (verdict === 'free') return;
    if (verdict !== 'count') throw refused(pod.metadata.name, verdict.refuse);
    if (dryRun || !current.status) return;
    const next = jsonClone(current);
    if (next.status) {
      next.status.disruptionsAllowed = (next.status.disruptionsAllowed ?? 1) - 1;
      next.status.disruptedPods = {
        ...next.status.disruptedPods,
        [pod.metadata.name]: formatTime(ctx.now()),
      };
    }
    const result = await putObject(ctx, kind, key, entry.revision, next as unknown as Unstructured);
    if (result.ok) return;
  }
}

const conditionType = 'DisruptionTarget';

/** Says on the pod why it goes, for its controllers to read. */
async function markEvicted(call: Call): Promise<void> {
  const { ctx, kind, attributes } = call;
  const key = requestKey(kind, attributes.namespace, attributes.name);
  for (;;) {
    const entry = ctx.store.peek(key);
    if (!entry) return;
    const next = jsonClone(storedObject(entry)) as unknown as Pod;
    const before = next.status?.conditions ?? [];
    const old = before.find((condition) => condition.type === conditionType);
    const reason = 'EvictionByEvictionAPI';
    if (old?.status === 'True' && old.reason === reason) return;
    const condition = {
      type: conditionType,
      status: 'True',
      reason,
      message: 'Eviction API: evicting',
      lastTransitionTime:
        (old?.status === 'True' ? old.lastTransitionTime : undefined) ?? formatTime(ctx.now()),
    };
    const conditions = old ? before.map((c) => (c === old ? condition : c)) : [...before, condition];
    next.status = { ...next.status, conditions };
    const result = await putObject(ctx, kind, key, entry.revision, next as unknown as Unstructured);
    if (result.ok) return;
  }
}

/** POST of an Eviction. */
export async function evict(call: Call): Promise<ApiResponse> {
  const { ctx, kind, attributes, request } = call;
  const query = parseWriteOptions(request.query, 'CreateOptions');
  const body = shapeOf(decodeBody(call, 'Eviction')?.value ?? {}, {
    group: 'policy',
    version: 'v1',
    kind: 'Eviction',
  });
  body.metadata ??= {} as Unstructured['metadata'];
  const { name, namespace } = attributes;
  if (body.metadata.name && body.metadata.name !== name)
    throw errors.badRequest('name in URL does not match name in Eviction object');
  const given = body['deleteOptions'];
  if (given != null && !isObject(given))
    throw errors.badRequest(
      'Eviction in version "v1" cannot be handled as a Eviction: deleteOptions must be an object',
    );
  const options = parseDeleteOptions({ ...request, body: { value: { ...given, kind: 'DeleteOptions' } } });
  const dryRun = query.dryRun || options.dryRun;
  const asked = admissionRequest(call, { operation: 'CREATE', dryRun, object: body });
  await admitMutating(call, asked);
  await admitValidating(call, asked);
  const entry = ctx.store.peek(requestKey(kind, namespace, name));
  if (!entry) throw errors.notFound(kind, name);
  const pod = storedObject(entry) as unknown as Pod;
  if (!needsNoBudget(pod)) {
    const budgets = budgetsOf(call, pod);
    const [budget, second] = budgets;
    if (second)
      throw errors.internal(
        new Error(
          'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
        ),
      );
    if (budget) await take(call, budget, pod, dryRun);
  }
  const { uid } = pod.metadata;
  if (options.uid !== undefined && options.uid !== uid)
    throw errors.conflict(
      kind,
      name,
      `Precondition failed: UID in precondition: ${options.uid}, UID in object meta: ${uid ?? ''}`,
    );
  if (!dryRun && options.resourceVersion === undefined) await markEvicted(call);
  await deleteOne(call, name, namespace, { ...options, dryRun, uid: options.uid ?? pod.metadata.uid });
  return respondValue(request.want, { ...call.output, as: 'object' }, 201, { ...successStatus(), code: 201 });
}
