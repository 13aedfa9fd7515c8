/**
 * kubectl's JSONPath dialect, parsed: `{.items[*].metadata.name}`, `{range .items[*]}{.metadata.name}{"\n"}{end}`,
 * `[?(@.type=="Ready")]`, `['a','b']`, `[-1:]`, `..name`; text outside braces stands for itself.
 */
export type Step =
  | { kind: 'field'; name: string }
  | { kind: 'wildcard' }
  | { kind: 'recursive' }
  | { kind: 'index'; index: number }
  | { kind: 'slice'; start: number | undefined; end: number | undefined; step: number }
  | { kind: 'union'; parts: Step[][] }
  | { kind: 'filter'; left: Operand; operator: string; right: Operand | undefined }
  | { kind: 'root' }
  | { kind: 'current' };
export type Operand = { path: Step[] } | { value: string | number | boolean };
export type Part =
  | { kind: 'text'; text: string }
  | { kind: 'path'; steps: Step[] }
  | { kind: 'range'; steps: Step[]; body: Part[] };

const closing: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}' };

/** Index just behind the bracket that closes the one at `at`; quotes and nested brackets are skipped. */
function behindBracket(text: string, at: number): number {
  const open = text[at] ?? '';
  const close = closing[open] ?? '';
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    const c = text[i];
    if (c === '\\') i++;
    else if (c === '"' || c === "'") i = endOfQuote(text, i);
    else if (c === open) depth++;
    else if (c === close && --depth === 0) return i + 1;
  }
  throw new Error(
    open === '{' ? 'unclosed action' : open === '[' ? 'unterminated array' : 'unterminated filter',
  );
}

function endOfQuote(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === text[at]) return i;
  }
  throw new Error('unterminated quoted string');
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f', v: '\v' };
function unquote(quoted: string): string {
  return quoted
    .slice(1, -1)
    .replace(/\\u([0-9a-fA-F]{4})|\\(.)/gs, (_, hex: string | undefined, c: string) =>
      hex ? String.fromCharCode(Number.parseInt(hex, 16)) : (escapes[c] ?? c),
    );
}

/** A template: text with actions in braces. */
export function parseTemplate(text: string): Part[] {
  const root: Part[] = [];
  /** Bodies of the open ranges, innermost last. */
  const open: Part[][] = [root];
  const put = (part: Part): void => {
    open.at(-1)?.push(part);
  };
  let i = 0;
  while (i < text.length) {
    if (text[i] !== '{') {
      const next = text.indexOf('{', i);
      const end = next < 0 ? text.length : next;
      put({ kind: 'text', text: text.slice(i, end) });
      i = end;
      continue;
    }
    const end = behindBracket(text, i);
    parseAction(text.slice(i + 1, end - 1).trim(), open, put);
    i = end;
  }
  return root;
}

function parseAction(action: string, open: Part[][], put: (part: Part) => void): void {
  if (action === 'end') {
    if (open.length < 2) throw new Error('not in range, nothing to end');
    open.pop();
    return;
  }
  const range = /^range\s+([\s\S]+)$/.exec(action);
  if (range) {
    const body: Part[] = [];
    put({ kind: 'range', steps: parseSteps(range[1] ?? ''), body });
    open.push(body);
    return;
  }
  if (/^-?\d+(\.\d+)?$|^(true|false)$/.test(action)) {
    put({ kind: 'text', text: action });
    return;
  }
  // Several expressions may stand in one action, quoted texts among them.
  let rest = action;
  while (rest !== '') {
    if (rest[0] === '"' || rest[0] === "'") {
      const end = endOfQuote(rest, 0) + 1;
      put({ kind: 'text', text: unquote(rest.slice(0, end)) });
      rest = rest.slice(end).trimStart();
    } else {
      const quote = nextQuote(rest);
      put({ kind: 'path', steps: parseSteps(rest.slice(0, quote)) });
      rest = rest.slice(quote);
    }
  }
}

/** Where a quoted text begins that is not inside brackets. */
function nextQuote(text: string): number {
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '[') i = behindBracket(text, i) - 1;
    else if (text[i] === '"' || text[i] === "'") return i;
  }
  return text.length;
}

/** The steps of one path, without braces: `.status.conditions[?(@.type=="Ready")].status`. */
export function parseSteps(text: string): Step[] {
  const steps: Step[] = [];
  let i = 0;
  const name = (): string => {
    let out = '';
    while (i < text.length && !/[\s.[\]{}()|,'"]/.test(text[i] ?? '')) {
      if (text[i] === '\\') i++;
      out += text[i++] ?? '';
    }
    return out;
  };
  while (i < text.length) {
    const c = text[i] ?? '';
    if (/\s/.test(c)) i++;
    else if (c === '$') {
      steps.push({ kind: 'root' });
      i++;
    } else if (c === '@') {
      steps.push({ kind: 'current' });
      i++;
    } else if (c === '[') {
      const end = behindBracket(text, i);
      steps.push(parseBracket(text.slice(i + 1, end - 1).trim()));
      i = end;
    } else if (c === '.') {
      i++;
      if (text[i] === '.') {
        steps.push({ kind: 'recursive' });
        i++;
        if (text[i] === '[') continue;
      }
      if (text[i] === '*') {
        steps.push({ kind: 'wildcard' });
        i++;
        continue;
      }
      const field = name();
      if (field !== '') steps.push({ kind: 'field', name: field });
    } else if (c === '*') {
      steps.push({ kind: 'wildcard' });
      i++;
    } else if (steps.length === 0) {
      const word = name();
      if (word === '') throw new Error(`unrecognized character in action: ${JSON.stringify(c)}`);
      throw new Error(`unrecognized identifier ${word}`);
    } else throw new Error(`unrecognized character in action: ${JSON.stringify(c)}`);
  }
  return steps;
}

function parseBracket(inner: string): Step {
  if (inner === '*') return { kind: 'wildcard' };
  if (inner.startsWith('?')) {
    const body = inner.slice(1).trim();
    if (!body.startsWith('(') || behindBracket(body, 0) !== body.length)
      throw new Error(`invalid filter ${inner}`);
    return parseFilter(body.slice(1, -1).trim());
  }
  const parts = splitTop(inner, ',').map((part) => part.trim());
  if (parts.length > 1) return { kind: 'union', parts: parts.map((part) => [parseBracket(part)]) };
  const only = parts[0] ?? '';
  if (/^'[^']*'$/.test(only)) {
    // kubectl reads what is quoted as a path: `['metadata.name']` is two steps, `['a\\.b']` is one.
    return { kind: 'union', parts: [parseSteps(`.${only.slice(1, -1)}`)] };
  }
  if (/^-?\d+$/.test(only)) return { kind: 'index', index: Number(only) };
  const slice = /^(-?\d*):(-?\d*)(?::(-?\d*))?$/.exec(only);
  if (slice) {
    const number = (t: string | undefined): number | undefined => (t ? Number(t) : undefined);
    const step = number(slice[3]) ?? 1;
    if (step <= 0) throw new Error('step must be > 0');
    return { kind: 'slice', start: number(slice[1]), end: number(slice[2]), step };
  }
  throw new Error(`invalid array index ${only}`);
}

function splitTop(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? '';
    if (c === '\\') i++;
    else if (c === '"' || c === "'") i = endOfQuote(text, i);
    else if (c === '[' || c === '(') i = behindBracket(text, i) - 1;
    else if (c === separator) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}

function parseFilter(text: string): Step {
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? '';
    if (c === '\\') i++;
    else if (c === '"' || c === "'") i = endOfQuote(text, i);
    else if (c === '[' || c === '(') i = behindBracket(text, i) - 1;
    else {
      const operator = /^(==|!=|<=|>=|<|>)/.exec(text.slice(i))?.[1];
      if (operator) {
        return {
          kind: 'filter',
          left: operand(text.slice(0, i)),
          operator,
          right: operand(text.slice(i + operator.length)),
        };
      }
      if (c === '=' || c === '&' || c === '|') throw new Error(`unrecognized character in filter: ${c}`);
    }
  }
  return { kind: 'filter', left: operand(text), operator: 'exists', right: undefined };
}

function operand(text: string): Operand {
  const trimmed = text.trim();
  if (trimmed.startsWith('"') || trimmed.startsWith("'")) {
    const rest = trimmed.slice(endOfQuote(trimmed, 0) + 1).trim();
    if (rest !== '') throw new Error(`unrecognized character in action: ${JSON.stringify(rest[0])}`);
    return { value: unquote(trimmed) };
  }
  if (/^-?\d+(\.\d+)?$/.test(trimmed)) return { value: Number(trimmed) };
  if (trimmed === 'true' || trimmed === 'false') return { value: trimmed === 'true' };
  return { path: parseSteps(trimmed) };
}
