/** From the text of a jq expression to a tree. */
import { NotUnderstood } from './not-understood.ts';

export type Jq =
  | { op: 'here' }
  | { op: 'literal'; value: unknown }
  | { op: 'field'; of: Jq; name: Jq }
  | { op: 'each'; of: Jq }
  | { op: 'optional'; of: Jq }
  | { op: 'call'; name: string; args: Jq[] }
  | { op: '|' | ',' | '//' | 'and' | 'or' | '==' | '!=' | '<' | '<=' | '>' | '>='; left: Jq; right: Jq };
export type Binary = Extract<Jq, { left: Jq }>['op'];

/** Functions and how many arguments each takes. */
export const jqFunctions: Readonly<Record<string, number>> = {
  select: 1,
  not: 0,
  empty: 0,
  length: 0,
  keys: 0,
  first: 0,
  last: 0,
  any: 0,
  all: 0,
  tostring: 0,
  tonumber: 0,
  has: 1,
  startswith: 1,
  endswith: 1,
  map: 1,
};

const supported =
  'supported are paths (.a.b, .["x"], .[0], .[]), |, //, and, or, ==, !=, <, <=, >, >=, literals and the functions ' +
  Object.keys(jqFunctions).join(', ');
const token =
  /\s*(?:("(?:[^"\\]|\\.)*")|(\d+(?:\.\d+)?)|([A-Za-z_][A-Za-z0-9_]*)|(==|!=|<=|>=|\/\/|[.|,()[\]?<>-]))/y;

/** Each level's operators bind closer than those before it. */
const levels: readonly (readonly Binary[])[] = [
  ['|'],
  [','],
  ['//'],
  ['or'],
  ['and'],
  ['==', '!=', '<', '<=', '>', '>='],
];

/** Throws NotUnderstood, with what is supported. */
export function parseJq(text: string): Jq {
  const words = lex(text);
  let at = 0;
  const fail = (): never => {
    const rest = words.slice(at).join(' ');
    throw new NotUnderstood(
      `"${text}": ${rest === '' ? 'the end comes too early' : `"${rest}" is not understood`}; ${supported}`,
    );
  };
  const take = (word: string): boolean => words[at] === word && ++at > 0;
  const expect = (word: string): void => void (take(word) || fail());

  const binary = (level: number): Jq => {
    const operators = levels[level];
    if (operators === undefined) return postfix();
    let left = binary(level + 1);
    for (;;) {
      const op = operators.find((each) => words[at] === each);
      if (op === undefined) return left;
      at += 1;
      // `//` takes what follows whole: a // b // c is a // (b // c).
      left = { op, left, right: binary(op === '//' ? level : level + 1) };
    }
  };
  const postfix = (): Jq => {
    let term = primary();
    for (;;) {
      if (take('?')) term = { op: 'optional', of: term };
      else if (words[at] === '[') term = bracket(term);
      else if (words[at] === '.' && (words[at + 1] === '[' || nameAt(at + 1) !== undefined)) {
        at += 1;
        if (words[at] === '[') term = bracket(term);
        else term = field(term);
      } else return term;
    }
  };
  const nameAt = (index: number): string | undefined => {
    const word = words[index] ?? '';
    if (word.startsWith('"')) return JSON.parse(word) as string;
    return /^[A-Za-z_]/.test(word) ? word : undefined;
  };
  const field = (of: Jq): Jq => {
    const name = nameAt(at) ?? fail();
    at += 1;
    return { op: 'field', of, name: { op: 'literal', value: name } };
  };
  const bracket = (of: Jq): Jq => {
    expect('[');
    if (take(']')) return { op: 'each', of };
    const name = binary(0);
    expect(']');
    return { op: 'field', of, name };
  };
  const primary = (): Jq => {
    const word = words[at] ?? fail();
    if (word === '.') {
      at += 1;
      if (words[at] === '[') return bracket({ op: 'here' });
      return nameAt(at) === undefined ? { op: 'here' } : field({ op: 'here' });
    }
    if (take('(')) {
      const inner = binary(0);
      expect(')');
      return inner;
    }
    if (word === '-' && /^\d/.test(words[at + 1] ?? '')) {
      at += 2;
      return { op: 'literal', value: -Number(words[at - 1]) };
    }
    if (word.startsWith('"') || /^\d/.test(word)) {
      at += 1;
      return { op: 'literal', value: JSON.parse(word) };
    }
    if (word === 'null' || word === 'true' || word === 'false') {
      at += 1;
      return { op: 'literal', value: JSON.parse(word) };
    }
    const arity = Object.hasOwn(jqFunctions, word) ? jqFunctions[word] : undefined;
    if (arity === undefined) return fail();
    at += 1;
    const args: Jq[] = [];
    if (arity > 0) {
      expect('(');
      args.push(binary(0));
      expect(')');
    }
    return { op: 'call', name: word, args };
  };

  const whole = binary(0);
  return at === words.length ? whole : fail();
}

function lex(text: string): string[] {
  const words: string[] = [];
  const end = text.trimEnd().length;
  token.lastIndex = 0;
  let at = 0;
  while (at < end) {
    token.lastIndex = at;
    const found = token.exec(text);
    if (found === null)
      throw new NotUnderstood(`"${text}": "${text.slice(at).trim()}" is not understood; ${supported}`);
    words.push(found[0].trim());
    at = token.lastIndex;
  }
  if (words.length === 0) throw new NotUnderstood('an empty expression');
  for (const word of words) {
    if (!word.startsWith('"')) continue;
    try {
      JSON.parse(word);
    } catch {
      throw new NotUnderstood(`"${text}": ${word} is no string; ${supported}`);
    }
  }
  return words;
}
