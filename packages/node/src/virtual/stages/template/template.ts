/** The part of Go's text/template that Stages are written in, made into functions once and run for each object. */
import { functions, type Surroundings } from './functions.ts';
import { parseTemplate } from './parse.ts';
import { TemplateError } from './template-error.ts';
import { rootPlace, type Block, type Operand, type Pipe } from './tree.ts';
import { absent, fieldOf, isObject, print, truth } from './values.ts';

export type { Surroundings } from './functions.ts';

export interface Template {
  /** Throws TemplateError when the object lacks what the template needs. */
  render(about: unknown, surroundings: Surroundings): string;
  /** The same with a mark in place of each text that ends a pipe in `Quote`; `marked` are these texts, without their quotes. */
  renderMarked(about: unknown, surroundings: Surroundings): { text: string; marked: readonly string[] };
}

/** Begin and end a mark: characters for private use, which no YAML gives a meaning. Between them is its number. */
export const markBegin = '\ue000';
export const markEnd = '\ue001';

interface Frame {
  dot: unknown;
  readonly variables: unknown[];
  readonly surroundings: Surroundings;
  out: string;
  readonly marked: string[] | undefined;
}
type Value = (frame: Frame) => unknown;
type Run = (frame: Frame) => 'break' | 'continue' | undefined;

/** Throws NotUnderstood. */
export function template(text: string): Template {
  const run = blocks(parseTemplate(text));
  const rendered = (about: unknown, surroundings: Surroundings, marked: string[] | undefined): string => {
    const variables: unknown[] = [];
    variables[rootPlace] = about;
    const frame: Frame = { dot: about, variables, surroundings, out: '', marked };
    run(frame);
    return frame.out;
  };
  return {
    render: (about, surroundings) => rendered(about, surroundings, undefined),
    renderMarked(about, surroundings) {
      const marked: string[] = [];
      return { text: rendered(about, surroundings, marked), marked };
    },
  };
}

function blocks(all: readonly Block[]): Run {
  const runs = all.map(block);
  return (frame) => {
    for (const run of runs) {
      const flow = run(frame);
      if (flow !== undefined) return flow;
    }
    return undefined;
  };
}

function block(of: Block): Run {
  switch (of.kind) {
    case 'text':
      return (frame) => {
        frame.out += of.text;
        return undefined;
      };
    case 'break':
    case 'continue':
      return () => of.kind;
    case 'action': {
      const value = pipe(of.pipe);
      const quiet = of.pipe.into.length > 0;
      const [last] = of.pipe.commands.at(-1) ?? [];
      const quotes = last?.kind === 'function' && last.name === 'Quote';
      return (frame) => {
        const found = value(frame);
        if (quiet) return undefined;
        if (quotes && frame.marked !== undefined && typeof found === 'string') {
          frame.out += `"${markBegin}${frame.marked.length}${markEnd}"`;
          frame.marked.push(JSON.parse(found) as string);
        } else frame.out += print(found);
        return undefined;
      };
    }
    case 'range':
      return range(of.pipe, blocks(of.body), blocks(of.otherwise));
    default: {
      const value = pipe(of.pipe);
      const then = blocks(of.body);
      const otherwise = blocks(of.otherwise);
      const withs = of.kind === 'with';
      return (frame) => {
        const found = value(frame);
        if (!truth(found)) return otherwise(frame);
        return withs ? dotted(frame, found, then) : then(frame);
      };
    }
  }
}

function dotted(frame: Frame, dot: unknown, run: Run): ReturnType<Run> {
  const before = frame.dot;
  frame.dot = dot;
  const flow = run(frame);
  frame.dot = before;
  return flow;
}

/** One variable is the element, two are the key and the element. */
function range({ into, commands }: Pipe, then: Run, otherwise: Run): Run {
  const value = pipe({ into: [], commands });
  const element = into.at(-1);
  const key = into.length > 1 ? into[0] : undefined;
  return (frame) => {
    const all = members(value(frame));
    if (all.length === 0) return otherwise(frame);
    for (const [name, each] of all) {
      if (key !== undefined) frame.variables[key] = name;
      if (element !== undefined) frame.variables[element] = each;
      if (dotted(frame, each, then) === 'break') break;
    }
    return undefined;
  };
}

function members(value: unknown): [unknown, unknown][] {
  if (absent(value)) return [];
  if (Array.isArray(value)) return value.map((each, index) => [index, each]);
  if (isObject(value))
    return Object.keys(value)
      .toSorted()
      .map((key) => [key, value[key]]);
  if (typeof value === 'number') return Array.from({ length: Math.min(100_000, value) }, (_, i) => [i, i]);
  throw new TemplateError(`range cannot go over ${print(value)}`);
}

function pipe({ into, commands }: Pipe): Value {
  const [first, ...rest] = commands.map((each, index) => command(each, index > 0));
  const place = into[0];
  return (frame) => {
    let value = first?.(frame, undefined);
    for (const next of rest) value = next(frame, value);
    if (place !== undefined) frame.variables[place] = value;
    return value;
  };
}

function command(operands: readonly Operand[], piped: boolean): (frame: Frame, before: unknown) => unknown {
  const [head, ...rest] = operands;
  if (head?.kind !== 'function') return operand(head as Operand);
  const args = rest.map(operand);
  const { name } = head;
  // These two stop at the first that decides.
  if (name === 'and' || name === 'or') {
    const decided = name === 'or';
    return (frame, before) => {
      let value: unknown;
      for (const arg of args) {
        value = arg(frame);
        if (truth(value) === decided) return value;
      }
      return piped ? before : value;
    };
  }
  const called = functions[name];
  if (called === undefined) throw new Error(`function ${name} is parsed and not known`);
  return (frame, before) => {
    const values = args.map((arg) => arg(frame));
    if (piped) values.push(before);
    return called.run(values, frame.surroundings);
  };
}

function operand(of: Operand): Value {
  switch (of.kind) {
    case 'literal':
      return () => of.value;
    case 'dot':
      return (frame) => of.path.reduce(fieldOf, frame.dot);
    case 'variable':
      return (frame) => of.path.reduce(fieldOf, frame.variables[of.place]);
    case 'pipe': {
      const value = pipe(of.pipe);
      return of.path.length === 0 ? value : (frame) => of.path.reduce(fieldOf, value(frame));
    }
    default: {
      const run = command([of], false);
      return (frame) => run(frame, undefined);
    }
  }
}
