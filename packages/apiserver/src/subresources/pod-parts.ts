/** pods/ephemeralcontainers and pods/resize: the two parts of a running pod's spec that may change, each by its own path. */
import {
  type ApiResponse,
  deepEqual,
  errors,
  type FieldError,
  jsonClone,
  type Unstructured,
} from '@coracle/machinery';
import type { Pod } from '@coracle/machinery/api';
import type { Call } from '../pipeline/call.ts';
import { checkFields, decodeObject, shapeOf } from '../pipeline/decode.ts';
import { refuse } from '../pipeline/write.ts';
import { parseWriteOptions } from '../pipeline/write-options.ts';
import { applyDefaults } from '@coracle/machinery';
import { ephemeralContainerProblems } from '../strategy/ephemeral-containers.ts';
import { otherContainers, resizeProblems } from '../strategy/pod-resize.ts';
import { get } from '../verbs/list.ts';
import { readPatch } from '../verbs/patch.ts';
import { checkPreconditions, matchName, respondSwapped } from '../verbs/update.ts';
import { rawSwap } from './raw-swap.ts';

type Take = (next: Pod, wanted: Pod, old: Pod) => FieldError[];

async function partOf(call: Call, take: Take): Promise<ApiResponse> {
  const { kind, attributes, request } = call;
  if (attributes.verb === 'get') return get(call);
  const patcher = attributes.verb === 'patch' ? readPatch(call, kind) : undefined;
  const options = parseWriteOptions(request.query, 'UpdateOptions');
  const sent = patcher ? undefined : decodeObject(call, kind, options.fieldValidation);
  const swapped = await rawSwap(call, { dryRun: options.dryRun }, (current) => {
    const wanted =
      sent ?? checkFields(call, kind, shapeOf(patcher?.(current), kind), options.fieldValidation);
    matchName(call, wanted);
    checkPreconditions(call, wanted, current);
    applyDefaults(kind.schema, wanted);
    call.strategy.defaults?.(wanted);
    const next = jsonClone(current) as unknown as Pod;
    const old = current as unknown as Pod;
    refuse(kind, attributes.name, take(next, wanted as unknown as Pod, old));
    if (next.metadata.generation !== undefined && !deepEqual(next.spec, old.spec)) next.metadata.generation++;
    return next as unknown as Unstructured;
  });
  return respondSwapped(call, swapped);
}

/** Adds ephemeral containers; those that are there stay as they are. */
export function ephemeralContainers(call: Call): Promise<ApiResponse> {
  return partOf(call, (next, wanted, old) => {
    const containers = wanted.spec?.ephemeralContainers ?? [];
    if (next.spec) next.spec.ephemeralContainers = jsonClone(containers);
    return ephemeralContainerProblems(old.spec ?? { containers: [] }, containers);
  });
}

/** Changes containers' resources (and resize policies); whatever else is sent is dropped, as upstream does. */
export function resize(call: Call): Promise<ApiResponse> {
  return partOf(call, (next, wanted, old) => {
    if (old.status?.phase === 'Succeeded' || old.status?.phase === 'Failed')
      throw errors.badRequest(`a pod that has ended cannot be resized; current phase is ${old.status.phase}`);
    const problems = otherContainers(wanted.spec, old.spec);
    if (problems.length > 0 || !next.spec || !old.spec) return problems;
    for (const list of ['containers', 'initContainers'] as const)
      for (const container of next.spec[list] ?? []) {
        const asked = wanted.spec?.[list]?.find((c) => c.name === container.name);
        if (!asked) continue;
        if (asked.resources) container.resources = jsonClone(asked.resources);
        else delete container.resources;
        if (asked.resizePolicy) container.resizePolicy = jsonClone(asked.resizePolicy);
      }
    return resizeProblems(next.spec, old.spec);
  });
}
