/**
 * The steps between a decoded object and the store, the same for every kind:
 * mutating admission -> defaults -> the kind's own preparation -> schema and metadata validation -> validating admission.
 */
import {
  ApiError,
  applyDefaults,
  deepEqual,
  deepFreeze,
  errors,
  type FieldError,
  generateName,
  isObject,
  type Kind,
  type ObjectMeta,
  type Schema,
  type Unstructured,
  validate,
  validateObjectMeta,
} from '@coracle/machinery';
import { customRuleErrors } from '../crd/rules.ts';
import type { AdmissionRequest } from '../contracts.ts';
import { type Call, strategyContext } from './call.ts';
import { admissionRequest, admitMutating, admitValidating } from './admit.ts';
import {
  bumpsGeneration,
  carryForUpdate,
  clearForCreate,
  keepStatus,
  stampCreate,
  statusOnly,
} from './metadata.ts';
import { type Reservation, reserve } from '../storage/reservation.ts';
import { storageKind, toStorage } from '../storage/writer.ts';

/** Which part of an object a write may change. */
export type Part = 'main' | 'status';

/** What makes two problems the same one. */
const key = (p: FieldError): string =>
  `${p.type} ${p.field} ${p.type === 'FieldValueRequired' ? '' : (p.detail ?? '')}`;

/** Throws Invalid when there is anything in `problems`. */
export function refuse(kind: Kind, name: string, problems: readonly FieldError[]): void {
  if (problems.length === 0) return;
  // The schema and the kind's own rules may both miss a field: it is reported once, in the rules' words.
  throw errors.invalid(kind, name, [...new Map(problems.map((p) => [key(p), p])).values()]);
}

function metadataProblems(call: Call, object: Unstructured): FieldError[] {
  const problems = allMetadataProblems(call, object);
  if (problems.length === 0) return problems;
  // Only core kinds insist on finalizers with a domain; definitions and custom resources take any qualified name.
  if (call.kind.builtin && call.kind.group !== 'apiextensions.k8s.io') return problems;
  return problems.filter((p) => !p.detail?.startsWith('name is neither a standard finalizer name'));
}

function allMetadataProblems(call: Call, object: Unstructured): FieldError[] {
  return validateObjectMeta(object.metadata, {
    namespaced: call.kind.namespaced,
    nameProblem: call.strategy.nameProblem,
  });
}

/** A converted object is checked by the storage version's schema, one that was only relabelled by its own version's. */
function storedSchema(call: Call): Schema {
  return (call.strategy.toStorage ? storageKind(call.ctx, call.kind) : call.kind).schema;
}

/** An object ready to be stored. */
export interface Prepared {
  /** Of the storage version, mutable. */
  stored: Unstructured;
  /** What was allocated for it: to be rolled back when it is not stored after all. */
  reserved: Reservation;
}

/** All problems of an object; a kind's own rules may stumble over what the schema has refused already. */
function allProblems(found: FieldError[], own: () => FieldError[] | undefined): FieldError[] {
  try {
    return [...found, ...(own() ?? [])];
  } catch (error) {
    if (found.length > 0 && !(error instanceof ApiError)) return found;
    throw error;
  }
}

/**
 * Takes a new object (of the served version, mutable) to what will be stored: at once, unless an admission plugin has to wait.
 * Throws (or rejects with) ApiError.
 */
export function prepareCreate(
  call: Call,
  object: Unstructured,
  dryRun: boolean,
): Prepared | Promise<Prepared> {
  const { kind } = call;
  const meta = object.metadata as ObjectMeta;
  const asked = admissionRequest(call, { operation: 'CREATE', dryRun, object, name: meta.name ?? '' });
  clearForCreate(kind, object);
  // Admission sees objects as decoding leaves them (no nulls, canonical quantities); what it adds is completed after it.
  applyDefaults(kind.schema, object);
  const mutating = admitMutating(call, asked);
  return mutating ? mutating.then(() => checkCreate(call, asked, object)) : checkCreate(call, asked, object);
}

/** The steps after mutating admission. */
function checkCreate(
  call: Call,
  asked: AdmissionRequest,
  object: Unstructured,
): Prepared | Promise<Prepared> {
  const { ctx, kind, strategy } = call;
  const meta = object.metadata as ObjectMeta;
  if (!meta.name && meta.generateName) meta.name = generateName(meta.generateName, () => ctx.random());
  stampCreate(kind, object, ctx.now(), ctx.uuid());
  if (!ctx.admissionCompletes) applyDefaults(kind.schema, object);
  const stored = toStorage(kind, strategy, object);
  strategy.defaults?.(stored);
  const reserved = reserve(ctx.allocate);
  const context = strategyContext(call, asked.dryRun, reserved);
  try {
    strategy.prepareForCreate?.(stored, context);
    const { spec } = stored;
    const shares = strategy.validatesSpec === true && isObject(spec);
    const shared = shares ? ctx.specs.find(kind, spec) : undefined;
    if (shared) stored['spec'] = shared;
    const schema = storedSchema(call);
    const found = metadataProblems(call, stored);
    found.push(...validate(schema, stored, '', shared && { spec: shared }));
    found.push(...customRuleErrors(kind, kind.schema, found, stored));
    refuse(
      kind,
      meta.name ?? meta.generateName ?? '',
      allProblems(found, () => (shared ? undefined : strategy.validate?.(stored, context))),
    );
    asked.object = stored;
    asked.name = meta.name ?? '';
    const validating = admitValidating(call, asked);
    if (shares && !shared) ctx.specs.keep(kind, deepFreeze(spec));
    return prepared({ stored, reserved }, validating);
  } catch (error) {
    reserved.rollback();
    throw error;
  }
}

/** What is prepared, once validating admission has taken it. */
function prepared(it: Prepared, validating: Promise<void> | undefined): Prepared | Promise<Prepared> {
  if (!validating) return it;
  return validating.then(
    () => it,
    (error: unknown) => {
      it.reserved.rollback();
      throw error;
    },
  );
}

/** Finalizers may only go once an object is being deleted. */
function finalizerProblems(object: Unstructured, old: Unstructured): FieldError[] {
  if (old.metadata.deletionTimestamp === undefined) return [];
  const before = new Set(old.metadata.finalizers ?? []);
  const added = (object.metadata.finalizers ?? []).filter((finalizer) => !before.has(finalizer));
  if (added.length === 0) return [];
  const detail = `no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`;
  return [{ type: 'FieldValueForbidden', field: 'metadata.finalizers', detail }];
}

/** How an update is made. */
export interface UpdateOptions {
  part: Part;
  dryRun: boolean;
  oldServed: Unstructured;
}

/**
 * Takes a changed object (served version, mutable) to what will be stored in place of `old` (storage version, frozen): at once,
 * unless an admission plugin has to wait. Throws (or rejects with) ApiError.
 */
export function prepareUpdate(
  call: Call,
  object: Unstructured,
  old: Unstructured,
  options: UpdateOptions,
): Prepared | Promise<Prepared> {
  const { kind } = call;
  const { part, dryRun, oldServed } = options;
  carryForUpdate(object, old);
  if (part === 'status') object = statusOnly(kind, object, oldServed);
  else keepStatus(kind, object, oldServed);
  const name = old.metadata.name;
  const asked = admissionRequest(call, { operation: 'UPDATE', dryRun, object, oldObject: old, name });
  applyDefaults(kind.schema, object, oldServed);
  const mutating = admitMutating(call, asked);
  if (mutating) return mutating.then(() => checkUpdate(call, asked, object, old, options));
  return checkUpdate(call, asked, object, old, options);
}

/** The steps after mutating admission. */
function checkUpdate(
  call: Call,
  asked: AdmissionRequest,
  object: Unstructured,
  old: Unstructured,
  { part, dryRun, oldServed }: UpdateOptions,
): Prepared | Promise<Prepared> {
  const { ctx, kind, strategy } = call;
  if (!ctx.admissionCompletes) applyDefaults(kind.schema, object, oldServed);
  const stored = toStorage(kind, strategy, object);
  if (part === 'main') strategy.defaults?.(stored);
  const reserved = reserve(ctx.allocate);
  const context = strategyContext(call, dryRun, reserved);
  try {
    if (part === 'status') strategy.prepareForStatusUpdate?.(stored, old, context);
    else strategy.prepareForUpdate?.(stored, old, context);
    if (part === 'main' && bumpsGeneration(kind, strategy, stored, old))
      (stored.metadata as ObjectMeta).generation = (old.metadata.generation ?? 0) + 1;
    const found = metadataProblems(call, stored);
    found.push(...finalizerProblems(stored, old));
    // What is as it was has been found valid when it was stored; definitions change, and with them what they allow.
    found.push(...validate(storedSchema(call), stored, '', kind.builtin ? old : undefined));
    found.push(...customRuleErrors(kind, kind.schema, found, stored, old));
    const own = (): FieldError[] | undefined =>
      part === 'status'
        ? strategy.validateStatusUpdate?.(stored, old, context)
        : strategy.validateUpdate?.(stored, old, context);
    refuse(kind, old.metadata.name, allProblems(found, own));
    asked.object = stored;
    return prepared({ stored, reserved }, admitValidating(call, asked));
  } catch (error) {
    reserved.rollback();
    throw error;
  }
}

/** Are two states of an object the same but for their resourceVersion? Then nothing needs to be written. */
export function unchanged(object: Unstructured, old: Unstructured): boolean {
  return sameFields(object, old, 'metadata') && sameFields(object.metadata, old.metadata, 'resourceVersion');
}

/** As deepEqual, without the field `but`. */
function sameFields(a: object, b: object, but: string): boolean {
  const x = a as Record<string, unknown>;
  const y = b as Record<string, unknown>;
  for (const field in x) {
    const value = x[field];
    if (field === but || value === undefined) continue;
    if (!Object.hasOwn(y, field) || !deepEqual(value, y[field])) return false;
  }
  for (const field in y)
    if (field !== but && y[field] !== undefined && (!Object.hasOwn(x, field) || x[field] === undefined))
      return false;
  return true;
}
