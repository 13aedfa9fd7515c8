/** pods/binding (and the older `bindings` resource): gives a pod its node, once. */
import {
  type ApiResponse,
  deepFreeze,
  errors,
  formatTime,
  isObject,
  type KubeObject,
} from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import type { Call } from '../pipeline/call.ts';
import { decodeBody, shapeOf } from '../pipeline/decode.ts';
import { respondValue, successStatus } from '../pipeline/respond.ts';
import { parseWriteOptions } from '../pipeline/write-options.ts';
import { rawSwap } from './raw-swap.ts';

interface BindingBody extends KubeObject {
  target?: { kind?: string; name?: string };
}

const inBinding = { group: '', resource: 'pods/binding' };

/** The pod after it was bound. Throws Conflict when it has a node already, is being deleted or is held by gates. */
export function bound(pod: Pod, binding: BindingBody, now: Date): Pod {
  const name = pod.metadata.name;
  const node = binding.target?.name ?? '';
  if (binding.metadata.uid && binding.metadata.uid !== pod.metadata.uid)
    throw errors.conflict(
      inBinding,
      name,
      `Precondition failed: UID in precondition: ${binding.metadata.uid}, UID in object meta: ${pod.metadata.uid}`,
    );
  if (pod.metadata.deletionTimestamp !== undefined)
    throw errors.conflict(inBinding, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (pod.spec?.nodeName)
    throw errors.conflict(
      inBinding,
      name,
      `pod ${name} is already assigned to node ${JSON.stringify(pod.spec.nodeName)}`,
    );
  if (pod.spec?.schedulingGates?.length)
    throw errors.conflict(inBinding, name, `pod ${name} has non-empty .spec.schedulingGates`);
  // All but what the binding changes is the old pod's own.
  const { annotations, labels } = binding.metadata;
  const time = formatTime(now);
  const before = pod.status?.conditions?.find((c) => c.type === 'PodScheduled');
  const conditions = (pod.status?.conditions ?? []).filter((c) => c.type !== 'PodScheduled');
  conditions.push({
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null as unknown as undefined,
    lastTransitionTime: before?.status === 'True' ? (before.lastTransitionTime ?? time) : time,
    ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
  });
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      ...(annotations ? { annotations: { ...pod.metadata.annotations, ...annotations } } : {}),
      ...(labels ? { labels: { ...pod.metadata.labels, ...labels } } : {}),
    },
    ...(pod.spec ? { spec: { ...pod.spec, nodeName: node } } : {}),
    status: { ...pod.status, conditions },
  };
}

/** POST of a Binding. Throws Invalid for a target that is no node, NotFound, Conflict. */
export async function createBinding(call: Call): Promise<ApiResponse> {
  const { request, attributes, ctx } = call;
  const { dryRun } = parseWriteOptions(request.query, 'CreateOptions');
  const shape = { group: '', version: 'v1', kind: 'Binding' };
  const body = decodeBody(call, 'Binding');
  if (!body) throw errors.badRequest('the object provided is unrecognized (must be of type Binding)');
  const binding = shapeOf(body.value, shape) as unknown as BindingBody;
  binding.metadata ??= {} as BindingBody['metadata'];
  if (!isObject(binding.metadata) || (binding.target !== undefined && !isObject(binding.target)))
    throw errors.badRequest(
      'Binding in version "v1" cannot be handled as a Binding: metadata and target must be objects',
    );
  const name = attributes.name || binding.metadata.name;
  if (binding.metadata.name && binding.metadata.name !== name)
    throw errors.badRequest(
      `the name of the object (${binding.metadata.name}) does not match the name on the URL (${name})`,
    );
  const { kind = '', name: node = '' } = binding.target ?? {};
  const problems = [];
  if (kind !== '' && kind !== 'Node')
    problems.push({
      type: 'FieldValueNotSupported' as const,
      field: 'target.kind',
      badValue: kind,
      detail: 'supported values: "Node", "<empty>"',
    });
  if (node === '') problems.push({ type: 'FieldValueRequired' as const, field: 'target.name', detail: '' });
  if (problems.length > 0) throw errors.invalid({ group: '', kind: 'Binding' }, name, problems);
  await rawSwap(call, { dryRun, operation: 'CREATE', reviewed: deepFreeze(binding) }, (object) => {
    const pod = object as unknown as Pod;
    return bound(pod, binding, ctx.now()) as unknown as typeof object;
  });
  return respondValue(request.want, { ...call.output, as: 'object' }, 201, { ...successStatus(), code: 201 });
}
