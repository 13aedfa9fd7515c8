/** scale: how many replicas, the same shape for every kind that has them (autoscaling/v1 Scale). */
import {
  type ApiResponse,
  errors,
  isObject,
  jsonClone,
  type Kind,
  type Schema,
  selectorFrom,
  setKey,
  type Unstructured,
} from '@coracle/machinery';
import type { Call } from '../pipeline/call.ts';
import { decodeBody, shapeOf } from '../pipeline/decode.ts';
import { respondValue } from '../pipeline/respond.ts';
import { parseWriteOptions } from '../pipeline/write-options.ts';
import { requestKey } from '../storage/keys.ts';
import { objectOf } from '../storage/views.ts';
import { readPatch } from '../verbs/patch.ts';
import { checkPreconditions, matchName, swap } from '../verbs/update.ts';

const shape = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
const scaleSchema: Schema = {
  type: 'object',
  properties: { spec: { type: 'object' }, metadata: { type: 'object' } },
};

/** Value at a plain path (`.spec.replicas`), as CRDs name their scale fields. */
function at(object: Unstructured, path: string | undefined): unknown {
  let value: unknown = object;
  for (const part of (path ?? '').split('.').filter((p) => p !== ''))
    value = isObject(value) ? value[part] : undefined;
  return path ? value : undefined;
}

function put(object: Unstructured, path: string, value: unknown): void {
  const parts = path.split('.').filter((p) => p !== '');
  let target: Record<string, unknown> = object;
  for (const part of parts.slice(0, -1)) {
    if (!isObject(target[part])) setKey(target, part, {});
    target = target[part] as Record<string, unknown>;
  }
  setKey(target, parts.at(-1) ?? '', value);
}

function selectorText(kind: Kind, object: Unstructured, path: string | undefined): string {
  if (path !== undefined) {
    const text = at(object, path);
    return typeof text === 'string' ? text : '';
  }
  const selector = at(object, '.spec.selector');
  if (!isObject(selector)) return '';
  // A replication controller's selector is the bare map.
  const plain = kind.group === '' ? { matchLabels: selector as Record<string, string> } : selector;
  return selectorFrom(plain).toString();
}

/** The Scale of an object. */
export function scaleOf(call: Call, object: Unstructured): Unstructured {
  const info = call.subresource;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const count = (path: string): number => Number(at(object, path) ?? 0) || 0;
  const selector = selectorText(
    call.kind,
    object,
    call.kind.builtin ? undefined : (info?.labelSelectorPath ?? ''),
  );
  const replicas = count(info?.specReplicasPath ?? '.spec.replicas');
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      uid,
      resourceVersion,
      creationTimestamp,
    },
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: count(info?.statusReplicasPath ?? '.status.replicas'),
      ...(selector === '' ? {} : { selector }),
    },
  } as Unstructured;
}

/** GET, PUT and PATCH of a Scale. Throws Invalid for a count that is none. */
export async function scale(call: Call): Promise<ApiResponse> {
  const { ctx, kind, strategy, attributes, request } = call;
  const answer = (object: Unstructured): ApiResponse =>
    respondValue(request.want, { ...call.output, as: 'object' }, 200, scaleOf(call, object), call.warnings);
  if (attributes.verb === 'get') {
    const entry = ctx.store.get(requestKey(kind, attributes.namespace, attributes.name));
    if (!entry) throw errors.notFound(kind, attributes.name);
    return answer(objectOf(kind, strategy, entry));
  }
  const patcher =
    attributes.verb === 'patch'
      ? readPatch(call, { builtin: kind.builtin, kind: 'Scale', schema: scaleSchema })
      : undefined;
  const options = parseWriteOptions(request.query, 'UpdateOptions');
  const sent = patcher ? undefined : readScale(call, decodeBody(call, 'Scale')?.value);
  const swapped = await swap(call, { part: 'main', dryRun: options.dryRun }, (current) => {
    const wanted = sent ?? readScale(call, patcher?.(jsonClone(scaleOf(call, current))));
    checkPreconditions(call, wanted, current);
    const next = jsonClone(current);
    const { replicas } = (wanted['spec'] ?? {}) as { replicas?: number };
    put(next, call.subresource?.specReplicasPath ?? '.spec.replicas', replicas ?? 0);
    return next;
  });
  return answer(swapped.entry ? objectOf(kind, strategy, swapped.entry) : swapped.object);
}

function readScale(call: Call, value: unknown): Unstructured {
  const object = shapeOf(value, shape);
  object.metadata ??= {} as Unstructured['metadata'];
  const spec = object['spec'] ?? {};
  if (!isObject(object.metadata) || !isObject(spec))
    throw errors.badRequest(
      'Scale in version "v1" cannot be handled as a Scale: metadata and spec must be objects',
    );
  const replicas = spec['replicas'] ?? 0;
  if (!Number.isInteger(replicas))
    throw errors.badRequest(
      `Scale in version "v1" cannot be handled as a Scale: json: cannot unmarshal ${typeof replicas} into Go struct field ScaleSpec.spec.replicas of type int32`,
    );
  if ((replicas as number) < 0)
    throw errors.invalid({ group: 'autoscaling', kind: 'Scale' }, call.attributes.name, [
      {
        type: 'FieldValueInvalid',
        field: 'spec.replicas',
        badValue: replicas,
        detail: 'must be greater than or equal to 0',
      },
    ]);
  matchName(call, object);
  return object;
}
