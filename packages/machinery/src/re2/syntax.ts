/** RE2's syntax (Go's regexp): a pattern to a tree. What backtracking alone can do (look-around, back references) is none of it. */

/** Inclusive ranges of code points, in order. */
export type Ranges = readonly (readonly [from: number, to: number])[];
export type Look = 'start' | 'end' | 'lineStart' | 'lineEnd' | 'word' | 'notWord';
export type RegexNode =
  | { readonly kind: 'set'; readonly ranges: Ranges }
  | { readonly kind: 'look'; readonly look: Look }
  | { readonly kind: 'sequence'; readonly parts: readonly RegexNode[] }
  | { readonly kind: 'choice'; readonly options: readonly RegexNode[] }
  | {
      readonly kind: 'repeat';
      readonly body: RegexNode;
      readonly min: number;
      /** Infinity: without end. */
      readonly max: number;
      readonly greedy: boolean;
    };

export class RegexSyntaxError extends Error {
  override readonly name = 'RegexSyntaxError';
}

const maxCode = 0x10ffff;
/** How often something may be repeated by number, as RE2 limits it. */
const maxRepeat = 1000;
const maxDepth = 200;

interface Flags {
  /** i: letters stand for both cases. */
  fold: boolean;
  /** m: ^ and $ are at lines. */
  lines: boolean;
  /** s: the dot is a line feed too. */
  dotAll: boolean;
  /** U: repeats are lazy unless a question mark makes them greedy. */
  ungreedy: boolean;
}

const digit: Ranges = [[48, 57]];
const word: Ranges = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const space: Ranges = [
  [9, 10],
  [12, 13],
  [32, 32],
];
const perl: Readonly<Record<string, Ranges>> = { d: digit, w: word, s: space };
const posix: Readonly<Record<string, Ranges>> = {
  alnum: [...digit, [65, 90], [97, 122]],
  alpha: [
    [65, 90],
    [97, 122],
  ],
  ascii: [[0, 127]],
  blank: [
    [9, 9],
    [32, 32],
  ],
  cntrl: [
    [0, 31],
    [127, 127],
  ],
  digit,
  graph: [[33, 126]],
  lower: [[97, 122]],
  print: [[32, 126]],
  punct: [
    [33, 47],
    [58, 64],
    [91, 96],
    [123, 126],
  ],
  space: [
    [9, 13],
    [32, 32],
  ],
  upper: [[65, 90]],
  word,
  xdigit: [...digit, [65, 70], [97, 102]],
};
const letterEscapes: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const looks: Readonly<Record<string, Look>> = { A: 'start', z: 'end', b: 'word', B: 'notWord' };

export function negate(ranges: Ranges): Ranges {
  const result: [number, number][] = [];
  let next = 0;
  for (const [from, to] of ranges) {
    if (from > next) result.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= maxCode) result.push([next, maxCode]);
  return result;
}
/** Ranges in order, joined where they touch. */
function normal(ranges: Ranges): Ranges {
  const result: [number, number][] = [];
  for (const [from, to] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1);
    if (last && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else result.push([from, to]);
  }
  return result;
}
/** With the other case of each letter. Wide ranges (whole scripts) have both cases already. */
function folded(ranges: Ranges): Ranges {
  const more: [number, number][] = [];
  const add = (code: number): void => void more.push([code, code]);
  for (const [from, to] of ranges) {
    if (to - from > 2000) continue;
    for (let code = from; code <= to; code++) {
      const text = String.fromCodePoint(code);
      for (const other of [text.toLowerCase(), text.toUpperCase()])
        if (other !== text && [...other].length === 1) add(other.codePointAt(0) ?? code);
      // The two letters beyond ASCII whose cases are ASCII letters.
      if (text === 'k' || text === 'K') add(0x212a);
      if (text === 's' || text === 'S') add(0x17f);
    }
  }
  return normal([...ranges, ...more]);
}

/** Parses a pattern. Throws RegexSyntaxError. */
export function parseRegex(pattern: string): RegexNode {
  const parser = new Parser([...pattern]);
  return parser.whole();
}

class Parser {
  readonly #points: readonly string[];
  #at = 0;
  #depth = 0;
  #flags: Flags = { fold: false, lines: false, dotAll: false, ungreedy: false };

  constructor(points: readonly string[]) {
    this.#points = points;
  }
  whole(): RegexNode {
    const node = this.#choice();
    if (this.#at < this.#points.length) throw this.#error('unexpected )');
    return node;
  }
  #error(what: string): RegexSyntaxError {
    return new RegexSyntaxError(`error parsing regexp: ${what}: \`${this.#points.join('')}\``);
  }
  #peek(ahead = 0): string | undefined {
    return this.#points[this.#at + ahead];
  }
  #accept(text: string): boolean {
    for (let index = 0; index < text.length; index++) if (this.#peek(index) !== text[index]) return false;
    this.#at += text.length;
    return true;
  }
  #take(): string {
    const point = this.#peek();
    if (point === undefined) throw this.#error('missing argument');
    this.#at++;
    return point;
  }

  #choice(): RegexNode {
    if (++this.#depth > maxDepth) throw this.#error('expression nests too deeply');
    const options = [this.#sequence()];
    while (this.#accept('|')) options.push(this.#sequence());
    this.#depth--;
    return options.length === 1 ? (options[0] as RegexNode) : { kind: 'choice', options };
  }
  #sequence(): RegexNode {
    const parts: RegexNode[] = [];
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      if (this.#accept('\\Q')) {
        while (this.#peek() !== undefined && !this.#accept('\\E')) parts.push(this.#literal(this.#take()));
        const last = parts.pop();
        if (last) parts.push(this.#repeats(last));
        continue;
      }
      const atom = this.#atom();
      if (atom) parts.push(this.#repeats(atom));
    }
    return { kind: 'sequence', parts };
  }
  #literal(point: string): RegexNode {
    return this.#set([[point.codePointAt(0) ?? 0, point.codePointAt(0) ?? 0]]);
  }
  #set(ranges: Ranges): RegexNode {
    return { kind: 'set', ranges: this.#flags.fold ? folded(ranges) : normal(ranges) };
  }

  #repeats(atom: RegexNode): RegexNode {
    let node = atom;
    let repeated = false;
    for (;;) {
      const counts = this.#counts();
      if (!counts) return node;
      if (repeated) throw this.#error('invalid nested repetition operator');
      repeated = true;
      const lazy = this.#accept('?');
      node = { kind: 'repeat', body: node, ...counts, greedy: lazy === this.#flags.ungreedy };
    }
  }
  #counts(): { min: number; max: number } | undefined {
    if (this.#accept('*')) return { min: 0, max: Infinity };
    if (this.#accept('+')) return { min: 1, max: Infinity };
    if (this.#accept('?')) return { min: 0, max: 1 };
    // A brace that is no count is itself.
    const match = /^\{(\d+)(,(\d*))?\}/.exec(this.#points.slice(this.#at, this.#at + 12).join(''));
    if (!match) return undefined;
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === '' ? Infinity : Number(match[3]);
    if (min > maxRepeat || (max !== Infinity && max > maxRepeat) || max < min)
      throw this.#error('invalid repeat count');
    this.#at += match[0].length;
    return { min, max };
  }

  /** Undefined: it only set flags. */
  #atom(): RegexNode | undefined {
    const point = this.#take();
    switch (point) {
      case '.':
        return { kind: 'set', ranges: this.#flags.dotAll ? [[0, maxCode]] : negate([[10, 10]]) };
      case '^':
        return { kind: 'look', look: this.#flags.lines ? 'lineStart' : 'start' };
      case '$':
        return { kind: 'look', look: this.#flags.lines ? 'lineEnd' : 'end' };
      case '[':
        return this.#set(this.#class());
      case '(':
        return this.#group();
      case '*':
      case '+':
      case '?':
        throw this.#error('missing argument to repetition operator');
      case '\\': {
        const look = looks[this.#peek() ?? ''];
        if (look) {
          this.#at++;
          return { kind: 'look', look };
        }
        return this.#set(this.#escape());
      }
      default:
        return this.#literal(point);
    }
  }

  #group(): RegexNode | undefined {
    const before = this.#flags;
    if (this.#accept('?P<') || this.#accept('?<')) {
      let name = '';
      while (this.#peek() !== undefined && this.#peek() !== '>') name += this.#take();
      if (!/^\w+$/.test(name) || !this.#accept('>')) throw this.#error('invalid named capture');
    } else if (this.#accept('?')) {
      this.#flags = this.#readFlags();
      if (this.#accept(')')) return undefined;
      if (!this.#accept(':')) throw this.#error('invalid or unsupported Perl syntax');
    }
    const inner = this.#choice();
    if (!this.#accept(')')) throw this.#error('missing closing )');
    this.#flags = before;
    return inner;
  }
  #readFlags(): Flags {
    const flags = { ...this.#flags };
    let on = true;
    for (;;) {
      const point = this.#peek();
      if (point === ':' || point === ')') return flags;
      this.#at++;
      if (point === '-' && on) on = false;
      else if (point === 'i') flags.fold = on;
      else if (point === 'm') flags.lines = on;
      else if (point === 's') flags.dotAll = on;
      else if (point === 'U') flags.ungreedy = on;
      else throw this.#error('invalid or unsupported Perl syntax');
    }
  }

  #class(): Ranges {
    const negated = this.#accept('^');
    const ranges: (readonly [number, number])[] = [];
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      if (this.#peek() === undefined) throw this.#error('missing closing ]');
      const named = this.#namedClass();
      if (named) {
        ranges.push(...named);
        continue;
      }
      const from = this.#classPoint();
      if (typeof from !== 'number') {
        ranges.push(...from);
        continue;
      }
      let to = from;
      if (this.#peek() === '-' && this.#peek(1) !== ']' && this.#peek(1) !== undefined) {
        this.#at++;
        const end = this.#classPoint();
        if (typeof end !== 'number' || end < from) throw this.#error('invalid character class range');
        to = end;
      }
      ranges.push([from, to]);
    }
    this.#at++;
    const all = this.#flags.fold ? folded(ranges) : normal(ranges);
    return negated ? negate(all) : all;
  }
  #namedClass(): Ranges | undefined {
    if (this.#peek() !== '[' || this.#peek(1) !== ':') return undefined;
    const match = /^\[:(\^?)(\w+):\]/.exec(this.#points.slice(this.#at, this.#at + 16).join(''));
    const ranges = match && Object.hasOwn(posix, match[2] ?? '') ? posix[match[2] ?? ''] : undefined;
    if (!match || !ranges) throw this.#error('invalid character class range');
    this.#at += match[0].length;
    return match[1] ? negate(normal(ranges)) : ranges;
  }
  /** One code point, or what an escape stands for. */
  #classPoint(): number | Ranges {
    const point = this.#take();
    if (point !== '\\') return point.codePointAt(0) ?? 0;
    const ranges = this.#escape();
    const [only] = ranges;
    return ranges.length === 1 && only && only[0] === only[1] ? only[0] : ranges;
  }

  /** What follows a backslash, outside of assertions. */
  #escape(): Ranges {
    const point = this.#take();
    const one = (code: number): Ranges => {
      if (!(code <= maxCode)) throw this.#error('invalid escape sequence');
      return [[code, code]];
    };
    const group = perl[point.toLowerCase()];
    if (group && /^[dDwWsS]$/.test(point)) return /[DWS]/.test(point) ? negate(group) : group;
    if (point === 'p' || point === 'P') return this.#property(point === 'P');
    const letter = letterEscapes[point];
    if (letter !== undefined) return one(letter);
    if (point === 'x') return one(this.#hex());
    if (/^[0-7]$/.test(point)) {
      let octal = point;
      while (octal.length < 3 && /^[0-7]$/.test(this.#peek() ?? '')) octal += this.#take();
      // A single digit other than 0 would be a back reference.
      if (octal.length === 1 && octal !== '0') throw this.#error('invalid escape sequence');
      return one(Number.parseInt(octal, 8));
    }
    if (/^[A-Za-z0-9]$/.test(point)) throw this.#error('invalid escape sequence');
    return one(point.codePointAt(0) ?? 0);
  }
  #hex(): number {
    let digits = '';
    if (this.#accept('{')) {
      while (this.#peek() !== undefined && this.#peek() !== '}') digits += this.#take();
      if (!this.#accept('}')) throw this.#error('invalid escape sequence');
    } else digits = this.#take() + this.#take();
    if (!/^[0-9a-fA-F]{1,8}$/.test(digits)) throw this.#error('invalid escape sequence');
    return Number.parseInt(digits, 16);
  }
  #property(negated: boolean): Ranges {
    let name = this.#take();
    if (name === '{') {
      name = '';
      while (this.#peek() !== undefined && this.#peek() !== '}') name += this.#take();
      if (!this.#accept('}')) throw this.#error('invalid character class range');
    }
    const outside = name.startsWith('^');
    const ranges = unicodeRanges(outside ? name.slice(1) : name);
    if (!ranges) throw this.#error('invalid character class range');
    return negated !== outside ? negate(ranges) : ranges;
  }
}

/** Where characters are assigned, without the surrogates. */
const blocks: Ranges = [
  [0, 0xd7ff],
  [0xe000, 0xffff],
  [0x10000, 0x1ffff],
  [0x20000, 0x3ffff],
  [0xe0000, 0xe0fff],
];
/** Ranges by name, which take milliseconds to find. There are a few hundred names. */
const known = new Map<string, Ranges>();

/** Ranges of a general category or script; undefined if there is none of that name. */
function unicodeRanges(name: string): Ranges | undefined {
  if (name === 'Any') return [[0, maxCode]];
  const before = known.get(name);
  if (before) return before;
  let test: RegExp | undefined;
  for (const form of [`\\p{${name}}`, `\\p{Script=${name}}`]) {
    try {
      if (/^\w+$/.test(name)) test ??= new RegExp(`${form}+`, 'gu');
    } catch {
      // Not of this kind.
    }
  }
  if (!test) return undefined;
  const ranges: [number, number][] = [];
  const add = (from: number, to: number): void => {
    const last = ranges.at(-1);
    if (last && last[1] === from - 1) last[1] = to;
    else ranges.push([from, to]);
  };
  for (const [from, to] of blocks) {
    // One text of a block's code points, which the engine walks through at its own speed.
    const points: string[] = [];
    for (let code = from; code <= to; code++) points.push(String.fromCodePoint(code));
    const width = from > 0xffff ? 2 : 1;
    for (const match of points.join('').matchAll(test)) {
      const start = from + match.index / width;
      add(start, start + match[0].length / width - 1);
    }
  }
  known.set(name, ranges);
  return ranges;
}
