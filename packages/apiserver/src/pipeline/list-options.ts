/** The query of list, watch and deletecollection (meta/v1 ListOptions): parsed, checked, with upstream's rules. */
import { ApiError, type FieldError, errors } from '@coracle/machinery';
import { booleanQuery, integerQuery } from './negotiate.ts';

export interface ListOptions {
  limit: number | undefined;
  continueFrom: ContinueToken | undefined;
  /** Undefined: not given. */
  resourceVersion: number | undefined;
  resourceVersionMatch: 'Exact' | 'NotOlderThan' | undefined;
  timeoutSeconds: number | undefined;
  allowWatchBookmarks: boolean;
  sendInitialEvents: boolean | undefined;
}

/** Where a list goes on: after `after` (a key below the list's prefix), at `revision`. */
export interface ContinueToken {
  revision: number;
  after: string;
  /** How many are left there after it, where that is known: counting them again for each page would cost a look at all of them. */
  left?: number | undefined;
}

const tokenVersion = 'meta.k8s.io/v1';

export function encodeContinue(token: ContinueToken): string {
  const { revision: rv, after: start, left } = token;
  return Buffer.from(JSON.stringify({ v: tokenVersion, rv, start, left })).toString('base64url');
}

/** Throws BadRequest for what is not a token of ours. */
export function decodeContinue(text: string): ContinueToken {
  try {
    const parsed = JSON.parse(Buffer.from(text, 'base64url').toString()) as Record<string, unknown>;
    const { v, rv, start, left } = parsed;
    if (v === tokenVersion && Number.isSafeInteger(rv) && typeof start === 'string' && start !== '')
      return {
        revision: rv as number,
        after: start,
        left: Number.isSafeInteger(left) ? (left as number) : undefined,
      };
  } catch {
    // Falls through: not base64 or not JSON.
  }
  throw errors.badRequest('continue key is not valid: incorrect format');
}

/** A resourceVersion as a number; undefined when empty. Throws Invalid, as a Go API server does, when it is not one. */
export function parseResourceVersion(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value))
    throw new ApiError(
      'Invalid',
      `resourceVersion: Invalid value: ${JSON.stringify(text)}: must be a whole number`,
      {
        causes: [
          {
            reason: 'FieldValueInvalid',
            message: `Invalid value: ${JSON.stringify(text)}`,
            field: 'resourceVersion',
          },
        ],
      },
    );
  return value;
}

/** Throws BadRequest or Invalid. `watch` decides which rules of resourceVersionMatch hold. */
export function parseListOptions(query: URLSearchParams, watch: boolean): ListOptions {
  const continueText = query.get('continue') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const versionText = query.get('resourceVersion') ?? '';
  const sendInitialEvents = booleanQuery(query, 'sendInitialEvents');
  const limit = integerQuery(query, 'limit');
  const problems: FieldError[] = [];
  const forbid = (field: string, detail: string): void =>
    void problems.push({ type: 'FieldValueForbidden', field, detail });
  if (watch) {
    if (sendInitialEvents !== undefined) {
      if (match === '')
        forbid(
          'resourceVersionMatch',
          'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
        );
      else if (match !== 'NotOlderThan')
        problems.push({
          type: 'FieldValueNotSupported',
          field: 'resourceVersionMatch',
          badValue: match,
          detail: 'supported values: "NotOlderThan"',
        });
    } else if (match !== '')
      forbid(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      );
  } else {
    if (sendInitialEvents !== undefined)
      forbid('sendInitialEvents', 'sendInitialEvents is forbidden for list');
    if (match !== '') {
      if (continueText !== '')
        forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden with continue');
      if (versionText === '')
        forbid(
          'resourceVersionMatch',
          'resourceVersionMatch is forbidden unless resourceVersion is provided',
        );
      if (match !== 'Exact' && match !== 'NotOlderThan')
        problems.push({
          type: 'FieldValueNotSupported',
          field: 'resourceVersionMatch',
          badValue: match,
          detail: 'supported values: "Exact", "NotOlderThan"',
        });
      if (match === 'Exact' && versionText === '0')
        forbid('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
    }
  }
  if (problems.length > 0) throw errors.invalid({ group: 'meta.k8s.io', kind: 'ListOptions' }, '', problems);
  if (limit !== undefined && limit < 0) throw errors.badRequest('limit must not be negative');
  const resourceVersion = parseResourceVersion(versionText);
  if (continueText !== '' && resourceVersion)
    throw errors.badRequest('specifying resource version is not allowed when using continue');
  return {
    limit: limit === 0 ? undefined : limit,
    continueFrom: continueText === '' ? undefined : decodeContinue(continueText),
    resourceVersion,
    resourceVersionMatch: match === '' ? undefined : (match as 'Exact' | 'NotOlderThan'),
    timeoutSeconds: integerQuery(query, 'timeoutSeconds'),
    allowWatchBookmarks: booleanQuery(query, 'allowWatchBookmarks') ?? false,
    sendInitialEvents,
  };
}

/** The caller asks for a state that is not reached yet: 504 with the cause client-go looks for. */
export function tooLargeVersion(asked: number, current: number): ApiError {
  return new ApiError('Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    // The cause's name is not among the field errors: client-go compares the text.
    causes: [{ reason: 'ResourceVersionTooLarge' as never, message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}
