/** Evaluation of kubectl's JSONPath: for printer columns and `-o jsonpath`. */
import { isObject } from '../equality.ts';
import { type Operand, type Part, parseSteps, parseTemplate, type Step } from './parse.ts';

interface Context {
  root: unknown;
  /** What an index outside a list does: nothing is selected, or an Error as kubectl's. */
  strict: boolean;
}

/**
 * Compiles one path, with or without braces (`.status.phase`, `{.items[*].metadata.name}`), to a function that gives all values
 * it selects, in document order. Missing keys and indexes select nothing. Throws Error if the text is malformed.
 */
export function compileJsonPath(text: string): (value: unknown) => unknown[] {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{')) {
    const steps = parseSteps(trimmed);
    return (value) => select(steps, [value], { root: value, strict: false });
  }
  const parts = parseTemplate(trimmed);
  return (value) => parts.flatMap((part) => values(part, value, { root: value, strict: false }));
}

function values(part: Part, current: unknown, context: Context): unknown[] {
  if (part.kind === 'text') return [part.text];
  const found = select(part.steps, [current], context);
  if (part.kind === 'path') return found;
  return found.flatMap((item) => part.body.flatMap((inner) => values(inner, item, context)));
}

/**
 * A template filled in, as `kubectl get -o jsonpath=` prints it: several values of one path are joined by spaces,
 * objects and lists are JSON. Throws Error if the template is malformed or an index is outside its list.
 */
export function renderJsonPath(template: string, value: unknown): string {
  return compileJsonPathTemplate(template)(value);
}

/** As renderJsonPath, parsed once for many values. */
export function compileJsonPathTemplate(template: string): (value: unknown) => string {
  const parts = parseTemplate(template);
  return (value) => render(parts, value, { root: value, strict: true });
}

function render(parts: readonly Part[], current: unknown, context: Context): string {
  let out = '';
  for (const part of parts) {
    if (part.kind === 'text') out += part.text;
    else if (part.kind === 'path') out += select(part.steps, [current], context).map(text).join(' ');
    else {
      for (const item of select(part.steps, [current], context)) out += render(part.body, item, context);
    }
  }
  return out;
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return '<nil>';
  return typeof value === 'object' ? JSON.stringify(value) : String(value as number | boolean);
}

function select(steps: readonly Step[], start: readonly unknown[], context: Context): unknown[] {
  let found: unknown[] = [...start];
  for (const [i, step] of steps.entries()) {
    if (step.kind === 'recursive') {
      const all = found.flatMap((value) => [...descendants(value)]);
      const next = steps[i + 1];
      if (!next) return all;
      found = all;
    } else if (step.kind === 'union') {
      // kubectl goes by part, not by value: all names, then all images.
      const values = found;
      found = step.parts.flatMap((part) => select(part, values, context));
    } else found = found.flatMap((value) => apply(step, value, context));
  }
  return found;
}

function* descendants(value: unknown): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  yield value;
  for (const child of Object.values(value)) yield* descendants(child);
}

function apply(step: Step, value: unknown, context: Context): unknown[] {
  switch (step.kind) {
    case 'root':
      return [context.root];
    case 'current':
      return [value];
    case 'field':
      return isObject(value) && Object.hasOwn(value, step.name) && value[step.name] !== undefined
        ? [value[step.name]]
        : [];
    case 'wildcard':
      return typeof value === 'object' && value !== null ? Object.values(value) : [];
    case 'index': {
      if (!Array.isArray(value)) return [];
      const at = step.index < 0 ? value.length + step.index : step.index;
      if (at >= 0 && at < value.length) return [value[at]];
      if (context.strict) {
        throw new Error(`array index out of bounds: index ${step.index}, length ${value.length}`);
      }
      return [];
    }
    case 'slice': {
      if (!Array.isArray(value)) return [];
      const { length } = value;
      const bound = (n: number): number => Math.min(length, Math.max(0, n < 0 ? length + n : n));
      const start = bound(step.start ?? 0);
      const end = bound(step.end ?? length);
      if (context.strict) checkSlice(step, start, end, length);
      const out: unknown[] = [];
      for (let i = start; i < end; i += step.step) out.push(value[i]);
      return out;
    }
    case 'filter': {
      const items = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
      return items.filter((item) => holds(step, item, context));
    }
    default:
      return [];
  }
}

/** kubectl refuses slices that reach behind the list. */
function checkSlice(step: Step & { kind: 'slice' }, start: number, end: number, length: number): void {
  const outside = (index: number): void => {
    throw new Error(`array index out of bounds: index ${index}, length ${length}`);
  };
  if (length === 0) return;
  if ((step.start ?? 0) >= length) outside(step.start ?? 0);
  if ((step.end ?? 0) > length) outside((step.end ?? 0) - 1);
  if (start > end) throw new Error(`starting index ${start} is greater than ending index ${end}`);
}

function operandValue(operand: Operand, item: unknown, context: Context): unknown {
  return 'value' in operand ? operand.value : select(operand.path, [item], context)[0];
}

function holds(step: Step & { kind: 'filter' }, item: unknown, context: Context): boolean {
  const left = operandValue(step.left, item, context);
  if (step.operator === 'exists') return left !== undefined;
  const right = step.right ? operandValue(step.right, item, context) : undefined;
  if (left === undefined || right === undefined || typeof left !== typeof right) return false;
  if (step.operator === '==') return left === right;
  if (step.operator === '!=') return left !== right;
  const [a, b] = [left as string | number, right as string | number];
  if (step.operator === '<') return a < b;
  if (step.operator === '<=') return a <= b;
  return step.operator === '>' ? a > b : a >= b;
}
