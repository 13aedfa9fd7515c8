/** create: POST to a collection. */
import {
  type ApiResponse,
  ApiError,
  applyDefaults,
  errors,
  isReason,
  jsonClone,
  type Unstructured,
  validate,
} from '@coracle/machinery';
import { strategyContext, type Call } from '../pipeline/call.ts';
import { admissionRequest, admitMutating, admitValidating } from '../pipeline/admit.ts';
import { decodeObject } from '../pipeline/decode.ts';
import { respondEntry, respondObject } from '../pipeline/respond.ts';
import { fromStorage } from '../storage/views.ts';
import { putObject } from '../storage/writer.ts';
import { requestKey } from '../storage/keys.ts';
import { parseWriteOptions } from '../pipeline/write-options.ts';
import { prepareCreate, refuse } from '../pipeline/write.ts';

/** How often a generated name that is taken is drawn again. */
const generatedNameTries = 8;

/** The namespace of a body must be that of the path; absent it is filled in. Throws BadRequest. */
export function matchNamespace(call: Call, object: Unstructured): void {
  const { kind, attributes } = call;
  const meta = object.metadata as { namespace?: string | undefined };
  if (!kind.namespaced) {
    delete meta.namespace;
    return;
  }
  if (meta.namespace === undefined || meta.namespace === '') meta.namespace = attributes.namespace;
  else if (meta.namespace !== attributes.namespace)
    throw errors.badRequest(
      `the namespace of the provided object does not match the namespace sent on the request: ${JSON.stringify(meta.namespace)} is not ${JSON.stringify(attributes.namespace)}`,
    );
}

/** Throws (or rejects with) every error creating may have; AlreadyExists when the name is taken. */
export function create(call: Call): Promise<ApiResponse> {
  const { kind, strategy, attributes, request } = call;
  const options = parseWriteOptions(request.query, 'CreateOptions');
  const object = decodeObject(call, kind, options.fieldValidation);
  matchNamespace(call, object);
  if (kind.namespaced && attributes.namespace === '' && !strategy.answer)
    throw errors.badRequest('an empty namespace may not be set during creation');
  if (strategy.answer) return answer(call, object, options.dryRun);
  refuseTerminating(call);
  const generated = !object.metadata.name && object.metadata.generateName;
  return generated ? createGenerated(call, object, options.dryRun) : createOnce(call, object, options.dryRun);
}

/** With a name that is drawn again when it is taken. */
async function createGenerated(call: Call, object: Unstructured, dryRun: boolean): Promise<ApiResponse> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await createOnce(call, jsonClone(object), dryRun);
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
      if (attempt === generatedNameTries)
        throw new ApiError(
          'AlreadyExists',
          `${error.message}, the server was not able to generate a unique name for the object`,
          error.status.details,
        );
    }
  }
}

/** A definition that is being deleted takes no new objects: its clean-up would never end. */
function refuseTerminating({ ctx, kind }: Call): void {
  if (kind.builtin) return;
  const name = `${kind.resource}.${kind.group}`;
  const definition = ctx.lookup.get('apiextensions.k8s.io', 'customresourcedefinitions', '', name);
  if (definition?.metadata.deletionTimestamp === undefined) return;
  throw new ApiError(
    'MethodNotAllowed',
    `create not allowed while custom resource definition is terminating: ${name}`,
    { group: kind.group, kind: kind.resource },
  );
}

async function createOnce(call: Call, object: Unstructured, dryRun: boolean): Promise<ApiResponse> {
  const { ctx, kind, strategy } = call;
  const preparing = prepareCreate(call, object, dryRun);
  const { stored, reserved } = preparing instanceof Promise ? await preparing : preparing;
  const { name, namespace = '' } = stored.metadata;
  const key = requestKey(kind, namespace, name);
  if (dryRun) {
    reserved.rollback();
    if (ctx.store.peek(key)) throw errors.alreadyExists(kind, name);
    return respondObject(call, 201, fromStorage(kind, strategy, stored));
  }
  let result;
  try {
    result = await putObject(ctx, kind, key, 0, stored);
  } catch (error) {
    reserved.rollback();
    throw error;
  }
  if (!result.ok) {
    reserved.rollback();
    throw errors.alreadyExists(kind, name);
  }
  return respondEntry(call, 201, result.entry);
}

/** Kinds that are questions (reviews): admitted and checked like any other, answered, never stored. */
async function answer(call: Call, object: Unstructured, dryRun: boolean): Promise<ApiResponse> {
  const { kind, strategy } = call;
  const asked = admissionRequest(call, { operation: 'CREATE', dryRun, object });
  await admitMutating(call, asked);
  applyDefaults(kind.schema, object);
  const context = strategyContext(call, dryRun);
  refuse(kind, object.metadata.name ?? '', [
    ...validate(kind.schema, object),
    ...(strategy.validate?.(object, context) ?? []),
  ]);
  await admitValidating(call, asked);
  const answered = await strategy.answer?.(object, context);
  return respondObject(call, 201, answered ?? object);
}
