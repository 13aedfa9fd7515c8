/** JSON Patch (RFC 6902). */
import { deepEqual, isObject, jsonClone, setKey } from '../equality.ts';
import { ApiError } from '../status.ts';

export interface JsonPatchOperation {
  op: string;
  path: string;
  from?: string | undefined;
  value?: unknown;
}

/** Most operations one patch may have (kube-apiserver's limit). */
const maxOperations = 10_000;

/** The patch is well-formed but does not fit the document: 422, as kube-apiserver answers. */
function unprocessable(message: string): ApiError {
  return new ApiError('Invalid', 'the server rejected our request due to an error in our request', {
    causes: [{ reason: 'UnexpectedServerResponse', message }],
  });
}

function pointer(path: unknown, op: string): string[] {
  if (typeof path !== 'string' || (path !== '' && !path.startsWith('/'))) {
    throw unprocessable(
      `${op} operation does not apply: doc is missing path: ${JSON.stringify(path)}: missing value`,
    );
  }
  return path === ''
    ? []
    : path
        .slice(1)
        .split('/')
        .map((t) => t.replaceAll('~1', '/').replaceAll('~0', '~'));
}

const missing = (op: string, path: string): ApiError =>
  unprocessable(
    `${op} operation does not apply: doc is missing path: ${JSON.stringify(path)}: missing value`,
  );

/** Index into a list; `limit` is the first that is too large. */
function indexOf(token: string, limit: number, op: string, path: string): number {
  if (!/^(0|[1-9]\d*)$/.test(token) || Number(token) >= limit) {
    throw unprocessable(
      `error in ${op} for path: '${path}': Unable to access invalid index: ${token}: invalid index referenced`,
    );
  }
  return Number(token);
}

function child(parent: unknown, token: string): unknown {
  if (Array.isArray(parent))
    return /^(0|[1-9]\d*)$/.test(token) ? (parent[Number(token)] as unknown) : undefined;
  return isObject(parent) && Object.hasOwn(parent, token) ? parent[token] : undefined;
}

/** What stands at `path`; undefined if nothing does. */
function read(document: unknown, tokens: readonly string[]): unknown {
  let at = document;
  for (const token of tokens) at = child(at, token);
  return at;
}

function parentOf(document: unknown, tokens: readonly string[], op: string, path: string): unknown {
  const parent = read(document, tokens.slice(0, -1));
  if (typeof parent !== 'object' || parent === null) throw missing(op, path);
  return parent;
}

function add(
  document: unknown,
  tokens: readonly string[],
  value: unknown,
  op: string,
  path: string,
): unknown {
  if (tokens.length === 0) return value;
  const parent = parentOf(document, tokens, op, path);
  const last = tokens.at(-1) ?? '';
  if (Array.isArray(parent)) {
    if (last === '-') parent.push(value);
    else parent.splice(indexOf(last, parent.length + 1, op, path), 0, value);
  } else setKey(parent as Record<string, unknown>, last, value);
  return document;
}

function remove(document: unknown, tokens: readonly string[], op: string, path: string): unknown {
  if (tokens.length === 0) return null;
  const parent = parentOf(document, tokens, op, path);
  const last = tokens.at(-1) ?? '';
  if (Array.isArray(parent)) parent.splice(indexOf(last, parent.length, op, path), 1);
  else if (Object.hasOwn(parent as object, last)) delete (parent as Record<string, unknown>)[last];
  else
    throw unprocessable(
      `error in ${op} for path: '${path}': Unable to remove nonexistent key: ${last}: missing value`,
    );
  return document;
}

/**
 * The document after all operations, in order; all or none. `document` is not changed.
 * Throws ApiError BadRequest if `operations` is no JSON Patch, Invalid if it does not fit the document, and
 * RequestEntityTooLarge if it has more than 10,000 operations.
 */
export function applyJsonPatch(document: unknown, operations: unknown): unknown {
  if (!Array.isArray(operations)) {
    throw new ApiError(
      'BadRequest',
      `error decoding patch: json: cannot unmarshal ${isObject(operations) ? 'object' : typeof operations} into Go value of type jsonpatch.Patch`,
    );
  }
  if (operations.length > maxOperations) {
    throw new ApiError(
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${operations.length}`,
    );
  }
  let result = jsonClone(document);
  for (const operation of operations as JsonPatchOperation[]) {
    if (!isObject(operation))
      throw new ApiError('BadRequest', 'error decoding patch: an operation must be an object');
    result = step(result, operation);
  }
  return result;
}

function step(document: unknown, { op, path, from, value }: JsonPatchOperation): unknown {
  const tokens = pointer(path, op);
  switch (op) {
    case 'add':
      if (value === undefined)
        throw new ApiError('BadRequest', `add operation for path ${path} has no value`);
      return add(document, tokens, jsonClone(value), op, path);
    case 'remove':
      return remove(document, tokens, op, path);
    case 'replace': {
      if (value === undefined)
        throw new ApiError('BadRequest', `replace operation for path ${path} has no value`);
      if (tokens.length === 0) return jsonClone(value);
      const parent = parentOf(document, tokens, op, path);
      const last = tokens.at(-1) ?? '';
      if (Array.isArray(parent)) parent[indexOf(last, parent.length, op, path)] = jsonClone(value);
      // The RFC wants the key to be there; the API server (and so every client) has always let replace add it.
      else setKey(parent as Record<string, unknown>, last, jsonClone(value));
      return document;
    }
    case 'move': {
      const source = pointer(from, op);
      const moved = read(document, source);
      if (moved === undefined) throw missing(op, from ?? '');
      if (path.startsWith(`${from ?? ''}/`)) {
        throw unprocessable('move operation does not apply: a value cannot be moved into itself');
      }
      return add(remove(document, source, op, from ?? ''), tokens, moved, op, path);
    }
    case 'copy': {
      const copied = read(document, pointer(from, op));
      if (copied === undefined) throw missing(op, from ?? '');
      return add(document, tokens, jsonClone(copied), op, path);
    }
    case 'test':
      // A missing member counts as null.
      if (!deepEqual(read(document, tokens) ?? null, value ?? null)) {
        throw unprocessable(`testing value ${path} failed: test failed`);
      }
      return document;
    default:
      throw unprocessable(`Unexpected kind: ${op}`);
  }
}
