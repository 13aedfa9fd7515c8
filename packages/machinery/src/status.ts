/**
 * The catalogue of errors: each is a Kubernetes `Status` with its code and reason (apimachinery `StatusReason`).
 * Every room throws ApiError for what the caller of the API should see; anything else thrown is a bug and becomes
 * InternalError at the edge.
 */

/** Reasons and their HTTP codes (apimachinery pkg/apis/meta/v1 StatusReason*). */
export const reasonCodes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServerTimeout: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
} as const;
export type StatusReason = keyof typeof reasonCodes;

/** Causes of an Invalid status (apimachinery field error types). */
export type CauseReason =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueDuplicate'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'InternalError'
  | 'FieldValueTypeInvalid'
  | 'UnexpectedServerResponse'
  | 'FieldManagerConflict'
  | 'DisruptionBudget';

export interface StatusCause {
  reason: CauseReason;
  message: string;
  field?: string | undefined;
}
export interface StatusDetails {
  name?: string | undefined;
  group?: string | undefined;
  kind?: string | undefined;
  uid?: string | undefined;
  causes?: StatusCause[] | undefined;
  retryAfterSeconds?: number | undefined;
}
/** A `v1` Status object. */
export interface Status {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Record<string, unknown>;
  status: 'Success' | 'Failure';
  message?: string | undefined;
  reason?: StatusReason | undefined;
  details?: StatusDetails | undefined;
  code?: number | undefined;
}

/** A field error found by validation; `badValue` is quoted in the message. */
export interface FieldError {
  type: CauseReason;
  /** Path as Go writes it: `spec.containers[0].name`, `metadata.labels[foo/bar]`. */
  field: string;
  detail?: string | undefined;
  badValue?: unknown;
}

const typeText: Partial<Record<CauseReason, string>> = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueTooLong: 'Too long',
  FieldValueTooMany: 'Too many',
  InternalError: 'Internal error',
  FieldValueTypeInvalid: 'Invalid value',
};

/** Field errors of the usual types; `field` is the path, as `spec.containers[0].name`. */
export const fieldInvalid = (field: string, badValue: unknown, detail: string): FieldError => ({
  type: 'FieldValueInvalid',
  field,
  badValue,
  detail,
});
export const fieldRequired = (field: string, detail = ''): FieldError => ({
  type: 'FieldValueRequired',
  field,
  detail,
});
export const fieldDuplicate = (field: string, badValue: unknown): FieldError => ({
  type: 'FieldValueDuplicate',
  field,
  badValue,
});
export const fieldForbidden = (field: string, detail: string): FieldError => ({
  type: 'FieldValueForbidden',
  field,
  detail,
});

/** `Invalid value: "x": must be ...`, the way field.Error.ErrorBody words it. */
export function fieldErrorBody(error: FieldError): string {
  const text = typeText[error.type] ?? error.type;
  const quoted =
    error.type === 'FieldValueRequired' ||
    error.type === 'FieldValueForbidden' ||
    error.type === 'FieldValueTooLong' ||
    error.type === 'InternalError' ||
    error.badValue === undefined
      ? text
      : `${text}: ${JSON.stringify(error.badValue)}`;
  return error.detail ? `${quoted}: ${error.detail}` : quoted;
}

const everyday = new Set<StatusReason>(['NotFound', 'AlreadyExists', 'Conflict']);

/** An error that reaches the API's caller as a Status. Of everyday reasons (NotFound, AlreadyExists, Conflict) it has no stack. */
export class ApiError extends Error {
  readonly status: Status;
  constructor(
    reason: StatusReason,
    message: string,
    details?: StatusDetails,
    options?: { code?: number; cause?: unknown },
  ) {
    // Lost races and looks at what is gone are everyday answers and no bugs to look for, and the stack costs ten times as much
    // as all the rest of the error.
    const frames = Error.stackTraceLimit;
    if (everyday.has(reason)) Error.stackTraceLimit = 0;
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    Error.stackTraceLimit = frames;
    this.name = 'ApiError';
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...(details ? { details } : {}),
      code: options?.code ?? reasonCodes[reason],
    };
  }
  get reason(): StatusReason {
    return this.status.reason ?? 'InternalError';
  }
  get code(): number {
    return this.status.code ?? 500;
  }
  /** Rebuilds the error on the client's side of the wire. */
  static from(status: Status): ApiError {
    const options = status.code === undefined ? undefined : { code: status.code };
    return new ApiError(
      status.reason ?? 'InternalError',
      status.message ?? 'unknown error',
      status.details,
      options,
    );
  }
}

/** True if `error` is an ApiError of this reason. */
export function isReason(error: unknown, reason: StatusReason): error is ApiError {
  return error instanceof ApiError && error.reason === reason;
}

interface Named {
  group: string;
  resource: string;
}
const qualified = (r: Named): string => (r.group === '' ? r.resource : `${r.resource}.${r.group}`);

/** The errors that many rooms throw, in the API server's wording. */
export const errors = {
  notFound: (r: Named, name: string): ApiError =>
    new ApiError('NotFound', `${qualified(r)} "${name}" not found`, {
      name,
      group: r.group || undefined,
      kind: r.resource,
    }),
  alreadyExists: (r: Named, name: string): ApiError =>
    new ApiError('AlreadyExists', `${qualified(r)} "${name}" already exists`, {
      name,
      group: r.group || undefined,
      kind: r.resource,
    }),
  conflict: (r: Named, name: string, why: string): ApiError =>
    new ApiError('Conflict', `Operation cannot be fulfilled on ${qualified(r)} "${name}": ${why}`, {
      name,
      group: r.group || undefined,
      kind: r.resource,
    }),
  forbidden: (r: Named, name: string, why: string): ApiError =>
    new ApiError('Forbidden', `${qualified(r)}${name ? ` "${name}"` : ''} is forbidden: ${why}`, {
      name: name || undefined,
      group: r.group || undefined,
      kind: r.resource,
    }),
  invalid: (kind: { group: string; kind: string }, name: string, list: FieldError[]): ApiError => {
    const bodies = list.map((e) => `${e.field}: ${fieldErrorBody(e)}`);
    const text = bodies.length === 1 ? bodies[0] : `[${bodies.join(', ')}]`;
    const full = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
    return new ApiError('Invalid', `${full} "${name}" is invalid: ${text}`, {
      name,
      group: kind.group || undefined,
      kind: kind.kind,
      causes: list.map((e) => ({ reason: e.type, message: fieldErrorBody(e), field: e.field })),
    });
  },
  badRequest: (message: string): ApiError => new ApiError('BadRequest', message),
  unauthorized: (): ApiError => new ApiError('Unauthorized', 'Unauthorized'),
  expired: (message: string): ApiError => new ApiError('Expired', message),
  methodNotAllowed: (r: Named, verb: string): ApiError =>
    new ApiError('MethodNotAllowed', `${verb} is not supported on resources of kind "${qualified(r)}"`, {
      group: r.group || undefined,
      kind: r.resource,
    }),
  internal: (cause: unknown): ApiError =>
    new ApiError(
      'InternalError',
      `Internal error occurred: ${cause instanceof Error ? cause.message : String(cause)}`,
      undefined,
      {
        cause,
      },
    ),
};
