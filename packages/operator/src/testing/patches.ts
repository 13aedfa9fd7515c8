import { errors } from '@coracle/machinery';

type Json = Record<string, unknown>;

/** RFC 7386. Neither argument is changed. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Json =
    typeof target === 'object' && target !== null && !Array.isArray(target) ? { ...(target as Json) } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$')) continue;
    if (value === null) delete result[name];
    else if (value !== undefined) result[name] = mergePatch(result[name], value);
  }
  return result;
}

interface Operation {
  op: string;
  path: string;
  from?: string;
  value?: unknown;
}

/** RFC 6902. Changes `target` in place (give it a copy) and answers it. */
export function jsonPatch(target: unknown, operations: Operation[]): unknown {
  let root = target;
  for (const operation of operations) {
    const value = operation.from === undefined ? operation.value : read(root, operation.from);
    if (operation.op === 'test') {
      if (JSON.stringify(read(root, operation.path)) !== JSON.stringify(operation.value)) {
        throw errors.invalid({ group: '', kind: '' }, '', [
          { type: 'FieldValueInvalid', field: operation.path, detail: 'the test operation failed' },
        ]);
      }
      continue;
    }
    if (operation.op === 'move') root = write(root, operation.from ?? '', 'remove', undefined);
    root = write(root, operation.path, operation.op, structuredClone(value));
  }
  return root;
}

const steps = (path: string): string[] =>
  path
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));

function read(root: unknown, path: string): unknown {
  return steps(path).reduce<unknown>((value, step) => (value as Json | undefined)?.[step], root);
}

function write(root: unknown, path: string, op: string, value: unknown): unknown {
  const way = steps(path);
  const last = way.pop();
  if (last === undefined) return value;
  const parent = way.reduce<unknown>((at, step) => (at as Json | undefined)?.[step], root);
  if (typeof parent !== 'object' || parent === null) throw errors.badRequest(`no such path: ${path}`);
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : Number(last);
    if (op === 'remove') parent.splice(index, 1);
    else parent.splice(index, op === 'replace' ? 1 : 0, value);
  } else if (op === 'remove') {
    if (!(last in parent)) throw errors.badRequest(`no such path: ${path}`);
    delete (parent as Json)[last];
  } else (parent as Json)[last] = value;
  return root;
}
