/** From a template to its tree. Variables become places of a list: which one is meant is known from where it is written. */
import { NotUnderstood } from '../not-understood.ts';
import { functions, wantedArguments } from './functions.ts';
import { pieces, stringValue, type Piece, type Word } from './lex.ts';
import { rootPlace, type Block, type Operand, type Pipe } from './tree.ts';

/** Throws NotUnderstood with the action and what is supported. */
export function parseTemplate(text: string): Block[] {
  return new Parser(pieces(text.trim())).whole();
}

const refused = new Set(['define', 'template', 'block']);

class Parser {
  readonly #pieces: Piece[];
  #at = 0;
  /** Names in scope, by place. */
  readonly #names: string[] = [];
  #loops = 0;
  /** Of the action in hand. */
  #source = '';
  #words: Word[] = [];
  #next = 0;

  constructor(all: Piece[]) {
    this.#pieces = all;
    this.#names[rootPlace] = '$';
  }

  whole(): Block[] {
    const { blocks, end } = this.#blocks();
    if (end !== undefined) throw new NotUnderstood(`{{ ${end} }} without a beginning`);
    return blocks;
  }

  /** Up to the `end` or `else` that belongs to another, which is taken and told; variables made here end here. */
  #blocks(): { blocks: Block[]; end: 'end' | 'else' | undefined } {
    const scope = this.#names.length;
    const blocks: Block[] = [];
    for (let piece = this.#pieces[this.#at]; piece !== undefined; piece = this.#pieces[this.#at]) {
      this.#at += 1;
      if ('text' in piece) {
        blocks.push({ kind: 'text', text: piece.text });
        continue;
      }
      this.#source = piece.source;
      this.#words = piece.action;
      this.#next = 0;
      const first = piece.action[0];
      const name = first?.kind === 'name' ? first.text : '';
      if (name === 'end' || name === 'else') {
        this.#next = 1;
        if (name === 'end') this.#finished();
        this.#names.length = scope;
        return { blocks, end: name };
      }
      blocks.push(this.#block(name));
    }
    this.#names.length = scope;
    return { blocks, end: undefined };
  }

  #block(name: string): Block {
    if (refused.has(name)) this.#fail(`"${name}" is not supported`);
    if (name === 'if' || name === 'with' || name === 'range') {
      this.#next = 1;
      return this.#branch(name);
    }
    if (name === 'break' || name === 'continue') {
      if (this.#loops === 0) this.#fail(`"${name}" outside a range`);
      this.#next = 1;
      this.#finished();
      return { kind: name };
    }
    const pipe = this.#pipe(1);
    this.#finished();
    return { kind: 'action', pipe };
  }

  #branch(kind: 'if' | 'with' | 'range'): Block {
    const source = this.#source;
    const scope = this.#names.length;
    const pipe = this.#pipe(kind === 'range' ? 2 : 1);
    this.#finished();
    if (kind === 'range') this.#loops += 1;
    const { blocks: body, end } = this.#blocks();
    if (kind === 'range') this.#loops -= 1;
    let otherwise: Block[] = [];
    let last = end;
    if (end === 'else') {
      const word = this.#words[this.#next];
      if (word?.kind === 'name' && (word.text === 'if' || word.text === 'with')) {
        this.#next += 1;
        // Its `end` is also ours.
        otherwise = [this.#branch(word.text)];
        last = 'end';
      } else {
        this.#finished();
        ({ blocks: otherwise, end: last } = this.#blocks());
      }
    }
    if (last !== 'end') throw new NotUnderstood(`{{ ${source} }} has no {{ end }}`);
    this.#names.length = scope;
    return { kind, pipe, body, otherwise };
  }

  /** `[$a[, $b] :=|=] command {| command}`. */
  #pipe(mostVariables: number): Pipe {
    const begin = this.#next;
    const names: string[] = [];
    while (this.#peek('variable')) {
      names.push(this.#take().text);
      if (!this.#mark(',')) break;
    }
    const declares = names.length > 0 && this.#mark(':=');
    const assigns = names.length > 0 && !declares && this.#mark('=');
    if (!declares && !assigns) this.#next = begin;
    else if (names.length > mostVariables) this.#fail('too many variables');
    const commands = [this.#command()];
    while (this.#mark('|')) commands.push(this.#command());
    for (const [index, command] of commands.entries()) this.#check(command, index > 0);
    let into: number[] = [];
    if (declares) into = names.map((name) => this.#names.push(name) - 1);
    else if (assigns) into = names.map((name) => this.#placeOf(name));
    return { into, commands };
  }

  #command(): Operand[] {
    const operands: Operand[] = [];
    for (;;) {
      const word = this.#words[this.#next];
      if (word === undefined || (word.kind === 'mark' && word.text !== '(')) break;
      operands.push(this.#operand());
    }
    if (operands.length === 0) this.#fail('a value is missing');
    return operands;
  }

  #operand(): Operand {
    const word = this.#take();
    switch (word.kind) {
      case 'string':
        return { kind: 'literal', value: stringValue(word.text) };
      case 'number':
        return { kind: 'literal', value: Number(word.text) };
      case 'dot':
        return { kind: 'dot', path: [] };
      case 'field':
        return { kind: 'dot', path: [word.text.slice(1), ...this.#path()] };
      case 'variable':
        return { kind: 'variable', place: this.#placeOf(word.text), path: this.#path() };
      case 'mark': {
        const pipe = this.#pipe(0);
        if (!this.#mark(')')) this.#fail('a ")" is missing');
        return { kind: 'pipe', pipe, path: this.#path() };
      }
      default:
        if (word.text === 'true' || word.text === 'false')
          return { kind: 'literal', value: word.text === 'true' };
        if (word.text === 'nil') return { kind: 'literal', value: undefined };
        if (!Object.hasOwn(functions, word.text))
          this.#fail(
            `there is no function "${word.text}"; supported are ${Object.keys(functions).join(', ')}`,
          );
        return { kind: 'function', name: word.text };
    }
  }

  #path(): string[] {
    const path: string[] = [];
    while (this.#peek('field') && this.#words[this.#next]?.joined) path.push(this.#take().text.slice(1));
    return path;
  }

  #check(command: Operand[], piped: boolean): void {
    const [head, ...rest] = command;
    if (head?.kind !== 'function') {
      if (rest.length > 0 || piped) this.#fail('only functions take arguments');
    } else {
      const wrong = wantedArguments(head.name, rest.length + (piped ? 1 : 0));
      if (wrong !== undefined) this.#fail(wrong);
    }
    for (const operand of rest) {
      const wrong = operand.kind === 'function' ? wantedArguments(operand.name, 0) : undefined;
      if (wrong !== undefined) this.#fail(wrong);
    }
  }

  #placeOf(name: string): number {
    const place = this.#names.lastIndexOf(name);
    return place >= 0 ? place : this.#fail(`there is no variable ${name}`);
  }

  #peek(kind: Word['kind']): boolean {
    return this.#words[this.#next]?.kind === kind;
  }

  #mark(text: string): boolean {
    const word = this.#words[this.#next];
    if (word?.kind !== 'mark' || word.text !== text) return false;
    this.#next += 1;
    return true;
  }

  #take(): Word {
    const word = this.#words[this.#next];
    if (word === undefined) return this.#fail('it ends too early');
    this.#next += 1;
    return word;
  }

  #finished(): void {
    const word = this.#words[this.#next];
    if (word !== undefined) this.#fail(`"${word.text}" is not understood here`);
  }

  #fail(why: string): never {
    throw new NotUnderstood(`{{ ${this.#source} }}: ${why}`);
  }
}
