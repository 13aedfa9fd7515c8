/** serviceaccounts/token: a signed token for the account. */
import { type ApiResponse, errors, isObject } from '@coracle/machinery';
import { admissionRequest, admitMutating, admitValidating } from '../pipeline/admit.ts';
import type { Call } from '../pipeline/call.ts';
import { decodeBody, shapeOf } from '../pipeline/decode.ts';
import { respondValue } from '../pipeline/respond.ts';
import { parseWriteOptions } from '../pipeline/write-options.ts';

export async function createToken(call: Call): Promise<ApiResponse> {
  const { ctx, attributes, request } = call;
  const { dryRun } = parseWriteOptions(request.query, 'CreateOptions');
  if (!ctx.serviceAccountToken)
    throw errors.methodNotAllowed({ group: '', resource: 'serviceaccounts/token' }, 'create');
  const body = decodeBody(call, 'TokenRequest');
  const object = shapeOf(body?.value ?? {}, {
    group: 'authentication.k8s.io',
    version: 'v1',
    kind: 'TokenRequest',
  });
  object.metadata ??= {} as typeof object.metadata;
  if (!isObject(object.metadata) || (object['spec'] != null && !isObject(object['spec'])))
    throw errors.badRequest(
      'TokenRequest in version "v1" cannot be handled as a TokenRequest: metadata and spec must be objects',
    );
  const asked = admissionRequest(call, { operation: 'CREATE', dryRun, object });
  await admitMutating(call, asked);
  await admitValidating(call, asked);
  const answer = ctx.serviceAccountToken(attributes.namespace, attributes.name, object);
  return respondValue(request.want, { ...call.output, as: 'object' }, 201, answer, call.warnings);
}
