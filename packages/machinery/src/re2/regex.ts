/**
 * Regular expressions as Go's: RE2's syntax and meaning, and time that grows with the text only in a line.
 *
 * JavaScript's engine backtracks, and can be made to take years by a pattern and a text that a user chooses. So it is used (it is faster)
 * only where it can not: no repeat inside a repeat, and a text so short that all its tries are few. Else our own machine reads the text.
 */
import { type Machine, machineOf, run } from './machine.ts';
import { parseRegex, type Ranges, type RegexNode, RegexSyntaxError } from './syntax.ts';

export { RegexSyntaxError };

/** Tries that JavaScript's engine may make in the worst case. */
const maxTries = 1_000_000;

export class Regex {
  readonly #native: RegExp | undefined;
  /** Repeats that backtracking can try in several ways. */
  readonly #repeats: number;
  readonly #machine: Machine;

  /** Throws RegexSyntaxError, with Go's words. */
  constructor(pattern: string) {
    const node = parseRegex(pattern);
    // Made once here, so that a pattern that is too large is refused.
    this.#machine = machineOf(node);
    this.#repeats = openRepeats(node);
    this.#native = this.#repeats === Infinity ? undefined : new RegExp(source(node), 'gu');
  }

  #backtracks(text: string): RegExp | undefined {
    return (text.length + 1) ** (this.#repeats + 1) <= maxTries ? this.#native : undefined;
  }

  test(text: string): boolean {
    const native = this.#backtracks(text);
    if (!native) return run(this.#machine, text, 0, true) !== undefined;
    native.lastIndex = 0;
    return native.test(text);
  }
  /** The first match at or after `from`, in UTF-16 units. */
  find(text: string, from = 0): { start: number; end: number } | undefined {
    const native = this.#backtracks(text);
    if (!native) return run(this.#machine, text, from, false);
    native.lastIndex = from;
    const match = native.exec(text);
    return match ? { start: match.index, end: match.index + match[0].length } : undefined;
  }
  /** All matches that do not overlap; none empty right after another. */
  findAll(text: string): string[] {
    const all: string[] = [];
    let from = 0;
    let last = -1;
    while (from <= text.length) {
      const match = this.find(text, from);
      if (!match) break;
      const isEmpty = match.start === match.end;
      if (!isEmpty || match.start !== last) all.push(text.slice(match.start, match.end));
      last = match.end;
      const code = isEmpty ? (text.codePointAt(match.end) ?? 0) : 0;
      from = isEmpty ? match.end + (code > 0xffff ? 2 : 1) : match.end;
    }
    return all;
  }
}

/** Choices that backtracking may have to try; Infinity if some stand in a repeat, where they multiply without end. */
function openRepeats(node: RegexNode): number {
  switch (node.kind) {
    case 'sequence':
      return node.parts.reduce((sum, part) => sum + openRepeats(part), 0);
    case 'choice':
      return node.options.reduce((sum, option) => sum + openRepeats(option), 1);
    case 'repeat': {
      const inside = openRepeats(node.body);
      return node.max > 1 && inside > 0 ? Infinity : inside + 1;
    }
    default:
      return 0;
  }
}

const escaped = (code: number): string => `\\u{${code.toString(16)}}`;
const setSource = (ranges: Ranges): string =>
  ranges.length === 0
    ? '[]'
    : `[${ranges.map(([from, to]) => (from === to ? escaped(from) : `${escaped(from)}-${escaped(to)}`)).join('')}]`;
const lookSources = {
  start: '(?<![^])',
  end: '(?![^])',
  lineStart: '(?<![^\\n])',
  lineEnd: '(?![^\\n])',
  word: '\\b',
  notWord: '\\B',
} as const;

/** The same in JavaScript's syntax, with the flag u. */
function source(node: RegexNode): string {
  switch (node.kind) {
    case 'set':
      return setSource(node.ranges);
    case 'look':
      return lookSources[node.look];
    case 'sequence':
      return node.parts.map(source).join('');
    case 'choice':
      return `(?:${node.options.map(source).join('|')})`;
    case 'repeat': {
      const { min, max, greedy } = node;
      const counts = max === Infinity ? `{${min},}` : `{${min},${max}}`;
      return `(?:${source(node.body)})${counts}${greedy ? '' : '?'}`;
    }
  }
}
