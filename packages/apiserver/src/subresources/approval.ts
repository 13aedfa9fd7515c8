/** certificatesigningrequests/approval: of the status only the conditions may change through it. */
import { type ApiResponse, jsonClone, type Unstructured } from '@coracle/machinery';
import type { Call } from '../pipeline/call.ts';
import { checkFields, decodeObject, shapeOf } from '../pipeline/decode.ts';
import { parseWriteOptions } from '../pipeline/write-options.ts';
import { get } from '../verbs/list.ts';
import { readPatch } from '../verbs/patch.ts';
import { checkPreconditions, matchName, respondSwapped, swap } from '../verbs/update.ts';

export async function approval(call: Call): Promise<ApiResponse> {
  const { kind, attributes, request } = call;
  if (attributes.verb === 'get') return get(call);
  const patcher = attributes.verb === 'patch' ? readPatch(call, kind) : undefined;
  const options = parseWriteOptions(request.query, 'UpdateOptions');
  const sent = patcher ? undefined : decodeObject(call, kind, options.fieldValidation);
  const swapped = await swap(call, { part: 'status', dryRun: options.dryRun }, (current) => {
    const wanted =
      sent ?? checkFields(call, kind, shapeOf(patcher?.(current), kind), options.fieldValidation);
    matchName(call, wanted);
    checkPreconditions(call, wanted, current);
    const { conditions } = (wanted['status'] ?? {}) as { conditions?: unknown[] };
    const next = jsonClone(wanted);
    const status = jsonClone((current['status'] ?? {}) as Record<string, unknown>);
    if (conditions) status['conditions'] = jsonClone(conditions);
    else delete status['conditions'];
    next['status'] = status;
    return next as Unstructured;
  });
  return respondSwapped(call, swapped);
}
