/** namespaces/finalize: who still has to clean up; when nobody has, a namespace being deleted is gone. */
import { type ApiResponse, jsonClone } from '@coracle/machinery';
import type { Namespace } from '@coracle/machinery/api';
import type { Call } from '../pipeline/call.ts';
import { decodeObject } from '../pipeline/decode.ts';
import { parseWriteOptions } from '../pipeline/write-options.ts';
import { checkPreconditions, matchName, respondSwapped } from '../verbs/update.ts';
import { rawSwap } from './raw-swap.ts';

export async function finalizeNamespace(call: Call): Promise<ApiResponse> {
  const options = parseWriteOptions(call.request.query, 'UpdateOptions');
  const wanted = decodeObject(call, call.kind, options.fieldValidation);
  matchName(call, wanted);
  const { finalizers } = (wanted as unknown as Namespace).spec ?? {};
  const swapped = await rawSwap(call, { dryRun: options.dryRun }, (current) => {
    checkPreconditions(call, wanted, current);
    const next = jsonClone(current) as unknown as Namespace;
    next.spec = { ...next.spec };
    if (finalizers?.length) next.spec.finalizers = finalizers;
    else delete next.spec.finalizers;
    return next as unknown as typeof current;
  });
  return respondSwapped(call, swapped);
}
