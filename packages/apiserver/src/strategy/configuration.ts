/** ConfigMaps and Secrets. */
import { configMapKey, type FieldError, type Unstructured } from '@coracle/machinery';
import type { ConfigMap, Secret } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import { forbidden, immutable, invalid, isPart, named, required, same, tooLong } from './fields.ts';

const mebibyte = 1024 * 1024;

/** What may be read from `immutable: true` objects stays: neither the data nor the mark itself can change. */
function immutableProblems(object: Unstructured, old: Unstructured, keys: readonly string[]): FieldError[] {
  if (old['immutable'] !== true) return [];
  const errors: FieldError[] = [];
  const why = 'field is immutable when `immutable` is set';
  if (object['immutable'] !== true) errors.push(forbidden('immutable', why));
  for (const key of keys) if (!same(object[key], old[key])) errors.push(forbidden(key, why));
  return errors;
}

const base64Size = (text: string): number =>
  Math.floor((text.length * 3) / 4) - (text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0);

function configMapProblems(object: Unstructured): FieldError[] {
  const { data, binaryData } = object as unknown as ConfigMap;
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(data ?? {})) {
    errors.push(...named(`data[${key}]`, key, configMapKey));
    if (binaryData?.[key] !== undefined)
      errors.push(invalid(`data[${key}]`, key, `duplicate of key present in binaryData`));
    size += Buffer.byteLength(value);
  }
  for (const [key, value] of Object.entries(binaryData ?? {})) {
    errors.push(...named(`binaryData[${key}]`, key, configMapKey));
    size += base64Size(value);
  }
  if (size > mebibyte) errors.push(tooLong('', mebibyte));
  return errors;
}

export const configMaps: Strategy = {
  validate: configMapProblems,
  validateUpdate: (object, old) => [
    ...immutableProblems(object, old, ['data', 'binaryData']),
    ...configMapProblems(object),
  ],
};

const serviceAccountToken = 'kubernetes.io/service-account-token';

function jsonProblems(field: string, encoded: string): FieldError[] {
  try {
    JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
    return [];
  } catch (error) {
    return [
      invalid(field, '<secret contents redacted>', error instanceof Error ? error.message : String(error)),
    ];
  }
}

function typeProblems(secret: Secret): FieldError[] {
  const data = secret.data ?? {};
  const needs = (key: string): FieldError[] => (data[key] === undefined ? [required(`data[${key}]`)] : []);
  switch (secret.type) {
    case serviceAccountToken:
      return secret.metadata.annotations?.['kubernetes.io/service-account.name']
        ? []
        : [required('metadata.annotations[kubernetes.io/service-account.name]')];
    case 'kubernetes.io/dockercfg':
    case 'kubernetes.io/dockerconfigjson': {
      const key = secret.type === 'kubernetes.io/dockercfg' ? '.dockercfg' : '.dockerconfigjson';
      const value = data[key];
      return value === undefined ? needs(key) : jsonProblems(`data[${key}]`, value);
    }
    case 'kubernetes.io/basic-auth':
      return data['username'] === undefined && data['password'] === undefined
        ? [required('data[username]'), required('data[password]')]
        : [];
    case 'kubernetes.io/ssh-auth':
      return data['ssh-privatekey'] ? [] : [required('data[ssh-privatekey]')];
    case 'kubernetes.io/tls':
      return [...needs('tls.crt'), ...needs('tls.key')];
    default:
      return [];
  }
}

function secretProblems(object: Unstructured): FieldError[] {
  const secret = object as unknown as Secret;
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(secret.data ?? {})) {
    errors.push(...named(`data[${key}]`, key, configMapKey));
    size += base64Size(value);
  }
  if (size > mebibyte) errors.push(tooLong('data', mebibyte));
  return [...errors, ...typeProblems(secret)];
}

export const secrets: Strategy = {
  defaults(object) {
    const secret = object as unknown as Secret;
    secret.type ||= 'Opaque';
    // stringData is for writing only: it goes into data, over what is there.
    if (isPart(secret.stringData)) {
      const data: Record<string, string> = isPart(secret.data) ? { ...secret.data } : {};
      for (const [key, value] of Object.entries(secret.stringData))
        data[key] = Buffer.from(String(value)).toString('base64');
      secret.data = data;
      delete (secret as { stringData?: unknown }).stringData;
    }
  },
  prepareForUpdate(object, old) {
    // An update that leaves the type out keeps it.
    const secret = object as unknown as Secret;
    if (!secret.type) secret.type = (old as unknown as Secret).type;
  },
  validate: secretProblems,
  validateUpdate: (object, old) => [
    ...immutable('type', object['type'], old['type']),
    ...immutableProblems(object, old, ['data']),
    ...secretProblems(object),
  ],
  fields: { type: (object) => (object as unknown as Secret).type ?? '' },
};
