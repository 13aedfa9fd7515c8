/**
 * A regular expression as a machine that reads its text once, whatever the pattern: it keeps the places it may be at (threads, in order
 * of preference), each with where its match began. Time is at most the text's length times the pattern's size.
 */
import type { Look, Ranges, RegexNode } from './syntax.ts';
import { RegexSyntaxError } from './syntax.ts';

type Step =
  | { readonly op: 'set'; readonly ranges: Ranges; next: number }
  | { readonly op: 'look'; readonly look: Look; next: number }
  /** `next` is preferred to `other`. */
  | { readonly op: 'split'; next: number; other: number }
  | { readonly op: 'match' };

export type Machine = readonly Step[];

/** RE2 refuses what becomes too big, and so do we: repeats of repeats multiply. */
const maxSteps = 10_000;

export function machineOf(node: RegexNode): Machine {
  const steps: Step[] = [];
  const put = (step: Step): number => {
    if (steps.length >= maxSteps) throw new RegexSyntaxError('error parsing regexp: expression too large');
    return steps.push(step) - 1;
  };
  /** Puts what reads `part` and goes on at `next`; gives where it starts. Built from the end. */
  const build = (part: RegexNode, next: number): number => {
    switch (part.kind) {
      case 'set':
        return put({ op: 'set', ranges: part.ranges, next });
      case 'look':
        return put({ op: 'look', look: part.look, next });
      case 'sequence':
        return part.parts.reduceRight((after, one) => build(one, after), next);
      case 'choice':
        return part.options
          .map((option) => build(option, next))
          .reduceRight((other, first) => put({ op: 'split', next: first, other }));
      case 'repeat':
        return repeat(part, next);
    }
  };
  const split = (body: number, after: number, greedy: boolean): number =>
    put(greedy ? { op: 'split', next: body, other: after } : { op: 'split', next: after, other: body });
  const repeat = (part: RegexNode & { kind: 'repeat' }, next: number): number => {
    const { body, min, max, greedy } = part;
    let at = next;
    if (max === Infinity) {
      // A loop: the split is put first, so that the body can lead back to it.
      const loop = put({ op: 'split', next: -1, other: -1 });
      const inside = build(body, loop);
      steps[loop] = greedy
        ? { op: 'split', next: inside, other: next }
        : { op: 'split', next, other: inside };
      at = loop;
    } else for (let count = min; count < max; count++) at = split(build(body, at), next, greedy);
    for (let count = 0; count < min; count++) at = build(body, at);
    return at;
  };
  const start = build(node, put({ op: 'match' }));
  // The machine starts at its last step.
  put({ op: 'split', next: start, other: start });
  return steps;
}

const isWord = (code: number): boolean =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || code === 95 || (code >= 97 && code <= 122);

function holds(look: Look, before: number, after: number): boolean {
  switch (look) {
    case 'start':
      return before < 0;
    case 'end':
      return after < 0;
    case 'lineStart':
      return before < 0 || before === 10;
    case 'lineEnd':
      return after < 0 || after === 10;
    default:
      return (isWord(before) !== isWord(after)) === (look === 'word');
  }
}
function includes(ranges: Ranges, code: number): boolean {
  if (ranges.length <= 4) return ranges.some(([from, to]) => code >= from && code <= to);
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle];
    if (!range) return false;
    if (code < range[0]) high = middle - 1;
    else if (code > range[1]) low = middle + 1;
    else return true;
  }
  return false;
}

/** The first match at or after `from` (UTF-16 units); undefined if there is none. `any`: where it ends does not matter. */
export function run(
  machine: Machine,
  text: string,
  from: number,
  any: boolean,
): { start: number; end: number } | undefined {
  let threads: { at: number; start: number }[] = [];
  /** The position at which a step was last added, so that none is added twice. */
  const seen = new Int32Array(machine.length).fill(-1);
  let found: { start: number; end: number } | undefined;
  let before = from > 0 ? codeBefore(text, from) : -1;
  for (let position = from; ;) {
    const code = position < text.length ? (text.codePointAt(position) ?? -1) : -1;
    const next: { at: number; start: number }[] = [];
    const add = (list: { at: number; start: number }[], entry: number, start: number): void => {
      // Depth first, the preferred side first. Not by recursion: loops may be many.
      const stack = [entry];
      while (stack.length > 0) {
        const at = stack.pop() ?? 0;
        if (seen[at] === position) continue;
        seen[at] = position;
        const step = machine[at];
        if (!step) continue;
        if (step.op === 'split') stack.push(step.other, step.next);
        else if (step.op === 'look') {
          if (holds(step.look, before, code)) stack.push(step.next);
        } else list.push({ at, start });
      }
    };
    const current: { at: number; start: number }[] = [];
    for (const { at, start } of threads) add(current, at, start);
    // A match may begin here, with the least preference, unless one has begun already.
    if (!found) add(current, machine.length - 1, position);
    for (const { at, start } of current) {
      const step = machine[at];
      if (step?.op === 'match') {
        found = { start, end: position };
        if (any) return found;
        // What follows in the list is less preferred.
        break;
      }
      if (step?.op === 'set' && code >= 0 && includes(step.ranges, code)) next.push({ at: step.next, start });
    }
    if (code < 0 || (next.length === 0 && found)) return found;
    threads = next;
    before = code;
    position += code > 0xffff ? 2 : 1;
  }
}

function codeBefore(text: string, at: number): number {
  const unit = text.charCodeAt(at - 1);
  return unit >= 0xdc00 && unit <= 0xdfff && at > 1 ? (text.codePointAt(at - 2) ?? unit) : unit;
}
