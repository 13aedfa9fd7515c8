/** How to delete: from the body (meta/v1 DeleteOptions) or, without one, from the query. */
import { type ApiRequest, errors, type FieldError, isObject } from '@coracle/machinery';
import { decodeBody } from '../pipeline/decode.ts';
import { booleanQuery, integerQuery } from '../pipeline/negotiate.ts';
import { parseDryRun } from '../pipeline/write-options.ts';

export interface DeleteOptions {
  gracePeriodSeconds: number | undefined;
  propagation: 'Orphan' | 'Background' | 'Foreground' | undefined;
  uid: string | undefined;
  resourceVersion: string | undefined;
  dryRun: boolean;
  /** As given, for admission. */
  raw: Record<string, unknown>;
}

function fromQuery(query: URLSearchParams): Record<string, unknown> {
  if (query.size === 0) return {};
  const grace = integerQuery(query, 'gracePeriodSeconds');
  const orphan = booleanQuery(query, 'orphanDependents');
  const policy = query.get('propagationPolicy');
  const dryRun = query.getAll('dryRun');
  return {
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(orphan === undefined ? {} : { orphanDependents: orphan }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(dryRun.length === 0 ? {} : { dryRun }),
  };
}

const kinds = new Set([undefined, '', 'DeleteOptions']);

/** 400 for a field of a wrong type. */
const wrong = (field: string, type: string): Error =>
  errors.badRequest(
    `DeleteOptions in version "v1" cannot be handled as a DeleteOptions: json: cannot unmarshal into Go struct field DeleteOptions.${field} of type ${type}`,
  );

/** Throws BadRequest for a body that is no DeleteOptions, Invalid for values that are not offered. */
export function parseDeleteOptions(request: ApiRequest): DeleteOptions {
  const body = decodeBody({ request }, 'DeleteOptions')?.value;
  if (body !== undefined && body !== null && !isObject(body))
    throw errors.badRequest('the object provided is unrecognized (must be of type DeleteOptions)');
  const raw = { ...fromQuery(request.query), ...(isObject(body) ? body : {}) };
  const kind = raw['kind'] as string | undefined;
  if (!kinds.has(kind))
    throw errors.badRequest(
      `the object provided is unrecognized (must be of type DeleteOptions): the kind in the data is ${JSON.stringify(kind)}`,
    );
  const { gracePeriodSeconds, orphanDependents, propagationPolicy, preconditions, dryRun = [] } = raw;
  if (gracePeriodSeconds != null && !Number.isSafeInteger(gracePeriodSeconds))
    throw wrong('gracePeriodSeconds', 'int64');
  if (orphanDependents != null && typeof orphanDependents !== 'boolean')
    throw wrong('orphanDependents', 'bool');
  if (propagationPolicy != null && typeof propagationPolicy !== 'string')
    throw wrong('propagationPolicy', 'string');
  if (preconditions != null && !isObject(preconditions)) throw wrong('preconditions', 'v1.Preconditions');
  if (dryRun !== null && !Array.isArray(dryRun)) throw wrong('dryRun', '[]string');
  const problems: FieldError[] = [];
  if (orphanDependents != null && propagationPolicy != null)
    problems.push({
      type: 'FieldValueInvalid',
      field: 'propagationPolicy',
      badValue: propagationPolicy,
      detail: 'orphanDependents and deletionPropagation cannot be both set',
    });
  if (
    propagationPolicy != null &&
    !['Orphan', 'Background', 'Foreground'].includes(propagationPolicy as string)
  )
    problems.push({
      type: 'FieldValueNotSupported',
      field: 'propagationPolicy',
      badValue: propagationPolicy,
      detail: 'supported values: "Background", "Foreground", "Orphan"',
    });
  if (problems.length > 0)
    throw errors.invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', problems);
  const { uid, resourceVersion } = isObject(preconditions) ? preconditions : {};
  const grace = gracePeriodSeconds == null ? undefined : (gracePeriodSeconds as number);
  return {
    // A negative period means one second, as upstream.
    gracePeriodSeconds: grace !== undefined && grace < 0 ? 1 : grace,
    propagation:
      orphanDependents == null
        ? ((propagationPolicy ?? undefined) as DeleteOptions['propagation'])
        : orphanDependents
          ? 'Orphan'
          : 'Background',
    uid: typeof uid === 'string' && uid !== '' ? uid : undefined,
    resourceVersion:
      typeof resourceVersion === 'string' && resourceVersion !== '' ? resourceVersion : undefined,
    dryRun: parseDryRun((dryRun as unknown[] | null) ?? [], 'DeleteOptions'),
    raw,
  };
}
