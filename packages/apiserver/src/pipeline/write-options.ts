/** The query of create, update and patch (meta/v1 CreateOptions, UpdateOptions, PatchOptions). */
import { errors, type FieldError } from '@coracle/machinery';

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldValidation: 'Ignore' | 'Warn' | 'Strict';
  readonly fieldManager: string;
}

const plain: WriteOptions = { dryRun: false, fieldValidation: 'Warn', fieldManager: '' };

/** `dryRun` values of a query or of DeleteOptions: only `All` is known. */
export function parseDryRun(values: readonly unknown[], kind: string): boolean {
  const given = values.filter((value) => value !== '');
  const bad = given.find((value) => value !== 'All');
  if (bad !== undefined)
    throw errors.invalid({ group: 'meta.k8s.io', kind }, '', [
      { type: 'FieldValueNotSupported', field: 'dryRun', badValue: given, detail: 'supported values: "All"' },
    ]);
  return given.length > 0;
}

/** Throws Invalid for values that are not offered. Unknown fields are warned about unless the caller says otherwise. */
export function parseWriteOptions(query: URLSearchParams, kind: string): WriteOptions {
  if (query.size === 0) return plain;
  const problems: FieldError[] = [];
  const fieldValidation = query.get('fieldValidation') ?? '';
  if (!['', 'Ignore', 'Warn', 'Strict'].includes(fieldValidation))
    problems.push({
      type: 'FieldValueNotSupported',
      field: 'fieldValidation',
      badValue: fieldValidation,
      detail: 'supported values: "Ignore", "Warn", "Strict"',
    });
  const fieldManager = query.get('fieldManager') ?? '';
  if (fieldManager.length > 128)
    problems.push({
      type: 'FieldValueTooLong',
      field: 'fieldManager',
      detail: 'may not be more than 128 bytes',
    });
  if (problems.length > 0) throw errors.invalid({ group: 'meta.k8s.io', kind }, '', problems);
  return {
    dryRun: parseDryRun(query.getAll('dryRun'), kind),
    fieldValidation: (fieldValidation || 'Warn') as WriteOptions['fieldValidation'],
    fieldManager,
  };
}
