/** Characters to tokens: CEL's lexical grammar. */
import { CelSyntaxError } from './errors.ts';

export interface Token {
  readonly type: 'ident' | 'escaped' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'punct' | 'end';
  /** The text of names, numbers and punctuation; the decoded value of strings. */
  readonly text: string;
  readonly bytes?: Uint8Array;
  readonly at: number;
}

const space = /(?:[ \t\n\f\r]|\/\/[^\n]*)*/y;
const name = /[A-Za-z_][A-Za-z0-9_]*/y;
const escapedName = /`[A-Za-z0-9_.\-/ ]+`/y;
const number =
  /(?:\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)|(0x[0-9a-fA-F]+|\d+)([uU]?)/y;
const quote = /([rR]?)([bB]?)([rR]?)("""|'''|"|')/y;
const punctuation = /&&|\|\||==|!=|<=|>=|\[\??|\]|\{|\}|\(|\)|[.,:?!<>+\-*/%]/y;
const simpleEscapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  '?': 63,
  '"': 34,
  "'": 39,
  '`': 96,
};

function match(pattern: RegExp, source: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

/** All tokens of the source, the last of type `end`. Throws CelSyntaxError. */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at += match(space, source, at)?.[0].length ?? 0;
    if (at >= source.length) break;
    const token = readToken(source, at);
    tokens.push(token.token);
    at = token.end;
  }
  tokens.push({ type: 'end', text: '<EOF>', at: source.length });
  return tokens;
}

function readToken(source: string, at: number): { token: Token; end: number } {
  const opening = match(quote, source, at);
  if (opening && !(opening[1] && opening[3])) return readString(source, at, opening);
  const word = match(name, source, at);
  if (word) return { token: { type: 'ident', text: word[0], at }, end: at + word[0].length };
  const digits = match(number, source, at);
  // A dot before digits is a number only where no operand stands before it; CEL has no such case (`a.1` is an error anyway).
  if (digits) {
    const text = digits[0];
    const type = digits[1] === undefined ? 'double' : digits[2] ? 'uint' : 'int';
    const end = at + text.length;
    if (match(name, source, end))
      throw new CelSyntaxError(`Syntax error: token recognition error at: '${source[end]}'`, end);
    return { token: { type, text, at }, end };
  }
  const escaped = match(escapedName, source, at);
  if (escaped)
    return {
      token: { type: 'escaped', text: escaped[0].slice(1, -1), at },
      end: at + escaped[0].length,
    };
  const mark = match(punctuation, source, at);
  if (mark) return { token: { type: 'punct', text: mark[0], at }, end: at + mark[0].length };
  throw new CelSyntaxError(
    `Syntax error: token recognition error at: '${String.fromCodePoint(source.codePointAt(at) ?? 0)}'`,
    at,
  );
}

const unterminated = (source: string, at: number): CelSyntaxError =>
  new CelSyntaxError(`Syntax error: token recognition error at: '${source.slice(at, at + 20)}'`, at);

function readString(source: string, at: number, opening: RegExpExecArray): { token: Token; end: number } {
  const raw = Boolean(opening[1] || opening[3]);
  const bytes = Boolean(opening[2]);
  const delimiter = opening[4] ?? '"';
  const long = delimiter.length === 3;
  const start = at + opening[0].length;
  const text: string[] = [];
  const octets: number[] = [];
  const encoder = new TextEncoder();
  const put = (part: string): void => {
    if (bytes) octets.push(...encoder.encode(part));
    else text.push(part);
  };
  let position = start;
  for (;;) {
    if (position >= source.length) throw unterminated(source, at);
    if (source.startsWith(delimiter, position)) break;
    const unit = source[position] ?? '';
    if (!long && (unit === '\n' || unit === '\r')) throw unterminated(source, at);
    if (unit === '\\' && !raw) {
      const escape = readEscape(source, position, bytes);
      if (bytes && escape.octet) octets.push(escape.code);
      else put(String.fromCodePoint(escape.code));
      position = escape.end;
    } else if (unit === '\r' && long) {
      // Line ends are one character, whatever system the text was written on.
      put('\n');
      position += source[position + 1] === '\n' ? 2 : 1;
    } else {
      const character = String.fromCodePoint(source.codePointAt(position) ?? 0);
      put(character);
      position += character.length;
    }
  }
  const token: Token = bytes
    ? { type: 'bytes', text: '', bytes: Uint8Array.from(octets), at }
    : { type: 'string', text: text.join(''), at };
  return { token, end: position + delimiter.length };
}

function readEscape(
  source: string,
  at: number,
  bytes: boolean,
): { code: number; octet: boolean; end: number } {
  const letter = source[at + 1] ?? '';
  const simple = simpleEscapes[letter];
  if (simple !== undefined) return { code: simple, octet: false, end: at + 2 };
  const forms: readonly [RegExp, number, boolean][] = [
    [/\\[xX]([0-9a-fA-F]{2})/y, 16, true],
    [/\\([0-3][0-7]{2})/y, 8, true],
    [/\\u([0-9a-fA-F]{4})/y, 16, false],
    [/\\U([0-9a-fA-F]{8})/y, 16, false],
  ];
  for (const [form, base, octet] of forms) {
    const found = match(form, source, at);
    if (!found) continue;
    const code = Number.parseInt(found[1] ?? '', base);
    if ((bytes && !octet) || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) break;
    return { code, octet, end: at + found[0].length };
  }
  throw new CelSyntaxError(`Syntax error: token recognition error at: '${source.slice(at, at + 2)}'`, at);
}
