/** Validation of metadata, the same for every kind. */
import { dns1123Subdomain, labelValue, qualifiedName, dns1123Label } from './names.ts';
import { deepEqual } from './equality.ts';
import type { ObjectMeta } from './object.ts';
import type { FieldError } from './status.ts';

/** Bytes of all annotations together, keys and values (apimachinery's TotalAnnotationSizeLimitB). */
const annotationLimit = 256 * 1024;

export interface MetaRules {
  namespaced: boolean;
  /** How names must look; a DNS-1123 subdomain unless given. */
  nameProblem?: ((name: string) => string | undefined) | undefined;
  /** Where the metadata stand; `metadata` unless given. */
  path?: string | undefined;
}

const bytes = (text: string): number => Buffer.byteLength(text);

/** No text of this many characters has more bytes than the limit (a character takes at most three). */
const surelyFits = annotationLimit / 3;

/** What is wrong with the labels at `path`. */
export function labelsProblems(
  labels: Readonly<Record<string, string>> | undefined,
  path: string,
): FieldError[] {
  const problems: FieldError[] = [];
  for (const key in labels) {
    const value = labels[key] ?? '';
    const badKey = qualifiedName(key);
    if (badKey) problems.push({ type: 'FieldValueInvalid', field: path, badValue: key, detail: badKey });
    const badValue = labelValue(value);
    if (badValue)
      problems.push({ type: 'FieldValueInvalid', field: path, badValue: value, detail: badValue });
  }
  return problems;
}

const totalBytes = (texts: Readonly<Record<string, string>>): number =>
  Object.entries(texts).reduce((total, [key, value]) => total + bytes(key) + bytes(value), 0);

/** What is wrong with the annotations at `path`. */
export function annotationsProblems(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
): FieldError[] {
  const problems: FieldError[] = [];
  let length = 0;
  for (const key in annotations) {
    const badKey = qualifiedName(key.toLowerCase());
    if (badKey) problems.push({ type: 'FieldValueInvalid', field: path, badValue: key, detail: badKey });
    length += key.length + (annotations[key] ?? '').length;
  }
  if (length > surelyFits && totalBytes(annotations ?? {}) > annotationLimit) {
    problems.push({
      type: 'FieldValueTooLong',
      field: path,
      badValue: '',
      detail: `may not be more than ${annotationLimit} bytes`,
    });
  }
  return problems;
}

/** What is wrong with new metadata (apimachinery's ValidateObjectMeta). */
export function validateObjectMeta(meta: ObjectMeta, rules: MetaRules): FieldError[] {
  const path = rules.path ?? 'metadata';
  const nameProblem = rules.nameProblem ?? dns1123Subdomain;
  const problems: FieldError[] = [];
  if (meta.generateName) {
    // A prefix may end with a dash: it is judged as it will be with letters behind it.
    const bad = nameProblem(meta.generateName.replace(/-$/, 'a'));
    if (bad) {
      problems.push({
        type: 'FieldValueInvalid',
        field: `${path}.generateName`,
        badValue: meta.generateName,
        detail: bad,
      });
    }
  }
  if (!meta.name) {
    problems.push({
      type: 'FieldValueRequired',
      field: `${path}.name`,
      detail: 'name or generateName is required',
    });
  } else {
    const bad = nameProblem(meta.name);
    if (bad) {
      problems.push({ type: 'FieldValueInvalid', field: `${path}.name`, badValue: meta.name, detail: bad });
    }
  }
  if (rules.namespaced) {
    if (!meta.namespace) problems.push({ type: 'FieldValueRequired', field: `${path}.namespace` });
    else {
      const bad = dns1123Label(meta.namespace);
      if (bad) {
        problems.push({
          type: 'FieldValueInvalid',
          field: `${path}.namespace`,
          badValue: meta.namespace,
          detail: bad,
        });
      }
    }
  } else if (meta.namespace) {
    problems.push({
      type: 'FieldValueForbidden',
      field: `${path}.namespace`,
      detail: 'not allowed on this type',
    });
  }
  if (meta.generation !== undefined && meta.generation < 0) {
    problems.push({
      type: 'FieldValueInvalid',
      field: `${path}.generation`,
      badValue: meta.generation,
      detail: 'must be greater than or equal to 0',
    });
  }
  if (meta.labels) problems.push(...labelsProblems(meta.labels, `${path}.labels`));
  if (meta.annotations) problems.push(...annotationsProblems(meta.annotations, `${path}.annotations`));
  if (meta.ownerReferences) problems.push(...ownersProblems(meta, `${path}.ownerReferences`));
  if (meta.finalizers) problems.push(...finalizersProblems(meta.finalizers, `${path}.finalizers`));
  return problems;
}

function ownersProblems(meta: ObjectMeta, path: string): FieldError[] {
  const problems: FieldError[] = [];
  let controller: string | undefined;
  for (const [i, owner] of (meta.ownerReferences ?? []).entries()) {
    const at = `${path}[${i}]`;
    const missing = (field: string): void => {
      problems.push({
        type: 'FieldValueInvalid',
        field: `${at}.${field}`,
        badValue: '',
        detail: field === 'apiVersion' ? 'version must not be empty' : 'must not be empty',
      });
    };
    for (const field of ['apiVersion', 'kind', 'name', 'uid'] as const) if (!owner[field]) missing(field);
    if (owner.apiVersion === 'v1' && owner.kind === 'Event') {
      problems.push({
        type: 'FieldValueInvalid',
        field: at,
        badValue: owner,
        detail: '/v1, Kind=Event is disallowed from being an owner',
      });
    }
    if (owner.controller === true) {
      if (controller !== undefined) {
        problems.push({
          type: 'FieldValueInvalid',
          field: path,
          badValue: meta.ownerReferences,
          detail: `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${owner.name}`,
        });
      } else controller = owner.name;
    }
  }
  return problems;
}

const standardFinalizers = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

/** What is wrong with finalizers at `path`. */
export function finalizersProblems(finalizers: readonly string[] | undefined, path: string): FieldError[] {
  const problems: FieldError[] = [];
  for (const [i, finalizer] of (finalizers ?? []).entries()) {
    const bad = qualifiedName(finalizer);
    if (bad) problems.push({ type: 'FieldValueInvalid', field: path, badValue: finalizer, detail: bad });
    else if (!finalizer.includes('/') && !standardFinalizers.has(finalizer)) {
      problems.push({
        type: 'FieldValueInvalid',
        field: `${path}[${i}]`,
        badValue: finalizer,
        detail: 'name is neither a standard finalizer name nor is it fully qualified',
      });
    }
  }
  if (finalizers?.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    problems.push({
      type: 'FieldValueInvalid',
      field: path,
      badValue: finalizers,
      detail: 'finalizer orphan and foregroundDeletion cannot be both set',
    });
  }
  return problems;
}

const immutable = 'field is immutable';

/** What is wrong with changed metadata, against the old ones (apimachinery's ValidateObjectMetaUpdate). */
export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta, path = 'metadata'): FieldError[] {
  const problems: FieldError[] = [];
  const same = (
    field:
      | 'name'
      | 'namespace'
      | 'uid'
      | 'creationTimestamp'
      | 'deletionTimestamp'
      | 'deletionGracePeriodSeconds',
  ): void => {
    if (!deepEqual(meta[field], old[field])) {
      problems.push({
        type: 'FieldValueInvalid',
        field: `${path}.${field}`,
        badValue: meta[field] ?? null,
        detail: immutable,
      });
    }
  };
  for (const field of ['name', 'namespace', 'uid', 'creationTimestamp'] as const) same(field);
  if (old.deletionTimestamp !== undefined) {
    same('deletionTimestamp');
    same('deletionGracePeriodSeconds');
    const added = (meta.finalizers ?? []).filter((f) => !old.finalizers?.includes(f));
    if (added.length > 0) {
      problems.push({
        type: 'FieldValueForbidden',
        field: `${path}.finalizers`,
        detail: `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((f) => JSON.stringify(f)).join(', ')}}`,
      });
    }
  }
  if ((meta.generation ?? 0) < (old.generation ?? 0)) {
    problems.push({
      type: 'FieldValueInvalid',
      field: `${path}.generation`,
      badValue: meta.generation ?? 0,
      detail: 'must not be decremented',
    });
  }
  if (!meta.resourceVersion) {
    problems.push({
      type: 'FieldValueInvalid',
      field: `${path}.resourceVersion`,
      badValue: meta.resourceVersion ?? '',
      detail: 'must be specified for an update',
    });
  }
  return problems;
}
