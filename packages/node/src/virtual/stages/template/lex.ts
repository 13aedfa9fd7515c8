/** Cuts a template into text and actions, and an action into words. */
import { NotUnderstood } from '../not-understood.ts';

export type Piece = { text: string } | { action: Word[]; source: string };
export interface Word {
  kind: 'string' | 'number' | 'variable' | 'field' | 'dot' | 'name' | 'mark';
  text: string;
  /** Stands right behind the word before it: `(pipe).field`. */
  joined: boolean;
}

/** Throws NotUnderstood. */
export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  let trimNext = false;
  while (at <= text.length) {
    const open = text.indexOf('{{', at);
    let before = text.slice(at, open < 0 ? undefined : open);
    if (trimNext) before = before.trimStart();
    const trimBefore = open >= 0 && /^-\s/.test(text.slice(open + 2, open + 4));
    if (trimBefore) before = before.trimEnd();
    if (before !== '') found.push({ text: before });
    if (open < 0) break;
    const begin = open + (trimBefore ? 3 : 2);
    const close = endOf(text, begin);
    let source = text.slice(begin, close);
    trimNext = /\s-$/.test(source);
    if (trimNext) source = source.slice(0, -1);
    source = source.trim();
    at = close + 2;
    if (source.startsWith('/*') && source.endsWith('*/')) continue;
    found.push({ action: words(source), source });
  }
  return found;
}

/** Where the action that begins there ends; braces in strings and comments do not count. */
function endOf(text: string, begin: number): number {
  const comment = /^\s*\/\*/.test(text.slice(begin, begin + 20));
  for (let i = begin; i < text.length; i++) {
    const char = text[i];
    if (comment) {
      const end = text.indexOf('*/', i);
      if (end < 0) break;
      const close = text.indexOf('}}', end);
      if (close >= 0) return close;
      break;
    }
    if (char === '"') {
      for (i += 1; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i += 1;
    } else if (char === '`') i = text.indexOf('`', i + 1) < 0 ? text.length : text.indexOf('`', i + 1);
    else if (char === '}' && text[i + 1] === '}') return i;
  }
  throw new NotUnderstood(`"{{${text.slice(begin, begin + 40)}": the action has no end }}`);
}

const word =
  /\s*(?:("(?:[^"\\\n]|\\.)*"|`[^`]*`)|([+-]?\d+(?:\.\d+)?)|(\$[A-Za-z0-9_]*)|(\.[A-Za-z_][A-Za-z0-9_]*)|(\.)|([A-Za-z_][A-Za-z0-9_]*)|(:=|[=|(),]))/y;
const kinds = ['string', 'number', 'variable', 'field', 'dot', 'name', 'mark'] as const;

function words(source: string): Word[] {
  const found: Word[] = [];
  let at = 0;
  while (at < source.length) {
    word.lastIndex = at;
    const match = word.exec(source);
    if (match === null) {
      throw new NotUnderstood(`{{ ${source} }}: "${source.slice(at).trim()}" is not understood`);
    }
    const index = match.slice(1).findIndex((part) => part !== undefined);
    const text = match[index + 1] ?? '';
    found.push({ kind: kinds[index] ?? 'mark', text, joined: match[0] === text && at > 0 });
    at = word.lastIndex;
  }
  return found;
}

/** The value of a string as Go writes it. Escapes are JSON's and Go's \a, \v, \x41 and \'. */
export function stringValue(text: string): string {
  if (text.startsWith('`')) return text.slice(1, -1);
  const json = text
    .replaceAll(/\\x([0-9a-fA-F]{2})/g, '\\u00$1')
    .replaceAll('\\a', '\\u0007')
    .replaceAll('\\v', '\\u000b');
  try {
    return JSON.parse(json) as string;
  } catch {
    throw new NotUnderstood(`${text} is no string that is understood`);
  }
}
