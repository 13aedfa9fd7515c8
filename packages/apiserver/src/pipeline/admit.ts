/** The two admission steps: plugins that change the object, then (after defaults and validation) those that only judge. */
import type { Unstructured } from '@coracle/machinery';
import type { AdmissionRequest } from '../contracts.ts';
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

function admissionRequest(call: Call, input: AdmissionInput): AdmissionRequest {
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

/** Mutating plugins, in order; they change `input.object` in place. Throws what a plugin throws. */
export async function admitMutating(call: Call, input: AdmissionInput): Promise<void> {
  const request = admissionRequest(call, input);
  for (const plugin of call.ctx.admission) {
    const waiting = plugin.mutate?.(request);
    if (waiting) await waiting;
  }
}

/** Validating plugins, in order. */
export async function admitValidating(call: Call, input: AdmissionInput): Promise<void> {
  const request = admissionRequest(call, input);
  for (const plugin of call.ctx.admission) {
    const waiting = plugin.validate?.(request);
    if (waiting) await waiting;
  }
}
