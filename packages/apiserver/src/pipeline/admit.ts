/** The two admission steps: plugins that change the object, then (after defaults and validation) those that only judge. */
import type { Unstructured } from '@coracle/machinery';
import type { AdmissionPlugin, AdmissionRequest } from '../contracts.ts';
import type { Call } from './call.ts';

export interface AdmissionInput {
  operation: AdmissionRequest['operation'];
  dryRun: boolean;
  object?: Unstructured | undefined;
  oldObject?: Unstructured | undefined;
  options?: Record<string, unknown> | undefined;
  /** Name of the object, where the path has none (create) or many (deletecollection). */
  name?: string | undefined;
}

/** What the plugins are asked: made once for both steps. The object may be another one in the second. */
export function admissionRequest(call: Call, input: AdmissionInput): AdmissionRequest {
  return {
    ...call.attributes,
    name: input.name ?? call.attributes.name,
    kind: call.kind,
    operation: input.operation,
    dryRun: input.dryRun,
    object: input.object,
    oldObject: input.oldObject,
    options: input.options ?? {},
  };
}

/** From the plugin at `from` on; at once as long as no plugin has to wait. */
function mutate(plugins: readonly AdmissionPlugin[], from: number, request: AdmissionRequest): Waiting {
  for (let i = from; i < plugins.length; i++) {
    const waiting = plugins[i]!.mutate?.(request);
    if (waiting) return waiting.then(() => mutate(plugins, i + 1, request));
  }
  return undefined;
}

function validate(plugins: readonly AdmissionPlugin[], from: number, request: AdmissionRequest): Waiting {
  for (let i = from; i < plugins.length; i++) {
    const waiting = plugins[i]!.validate?.(request);
    if (waiting) return waiting.then(() => validate(plugins, i + 1, request));
  }
  return undefined;
}

type Waiting = Promise<void> | undefined;

/** Mutating plugins, in order; they change `request.object` in place. Throws (or rejects with) what a plugin throws. */
export function admitMutating(call: Call, request: AdmissionRequest): Waiting {
  return mutate(call.ctx.mutating, 0, request);
}

/** Validating plugins, in order. */
export function admitValidating(call: Call, request: AdmissionRequest): Waiting {
  return validate(call.ctx.validating, 0, request);
}
