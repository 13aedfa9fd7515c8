/** Tokens to a syntax tree, by recursive descent over CEL's grammar. */
import type { Expr, ListLiteral, MapLiteral, StructLiteral } from './ast.ts';
import { CelSyntaxError } from './errors.ts';
import { type Token, tokenize } from './lexer.ts';
import { expandFunction, expandMethod } from './macros.ts';
import { checkedInt, checkedUint, Double } from './values.ts';

/** How deep an expression may nest, and how long it may be: as cel-go limits them. */
const maxDepth = 250;
const maxLength = 100_000;

const reserved = new Set(
  'as break const continue else false for function if import in let loop namespace null package return true var void while'.split(
    ' ',
  ),
);
/** Reserved words that are no operators or literals may be field names. */
const neverFields = new Set(['in', 'true', 'false', 'null']);
const relations = new Set(['<', '<=', '>', '>=', '==', '!=', 'in']);

/** Parses an expression. Throws CelSyntaxError. */
export function parse(source: string): Expr {
  if (source.length > maxLength)
    throw new CelSyntaxError(
      `expression code point size exceeds limit: size: ${source.length}, limit ${maxLength}`,
      0,
    );
  return new Parser(tokenize(source)).whole();
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  whole(): Expr {
    const expr = this.#expr();
    const rest = this.#peek();
    if (rest.type !== 'end') throw unexpected(rest);
    return expr;
  }

  #peek(): Token {
    return this.#tokens[this.#next] as Token;
  }
  #take(): Token {
    const token = this.#peek();
    if (token.type !== 'end') this.#next++;
    return token;
  }
  /** Takes the next token if it is this mark (or the word `in`). */
  #accept(text: string): Token | undefined {
    const token = this.#peek();
    if (token.text !== text || (token.type !== 'punct' && !(token.type === 'ident' && text === 'in')))
      return undefined;
    return this.#take();
  }
  #expect(text: string): Token {
    const token = this.#accept(text);
    if (!token) throw unexpected(this.#peek(), `'${text}'`);
    return token;
  }

  #expr(): Expr {
    if (++this.#depth > maxDepth)
      throw new CelSyntaxError(`expression recursion limit exceeded: ${maxDepth}`, this.#peek().at);
    const condition = this.#or();
    const mark = this.#accept('?');
    let result = condition;
    if (mark) {
      const yes = this.#or();
      this.#expect(':');
      result = call('_?_:_', mark.at, [condition, yes, this.#expr()]);
    }
    this.#depth--;
    return result;
  }
  /** `&&` and `||` are chains of any length: they nest to the left without counting as depth. */
  #or(): Expr {
    let left = this.#and();
    for (let mark = this.#accept('||'); mark; mark = this.#accept('||'))
      left = call('_||_', mark.at, [left, this.#and()]);
    return left;
  }
  #and(): Expr {
    let left = this.#relation();
    for (let mark = this.#accept('&&'); mark; mark = this.#accept('&&'))
      left = call('_&&_', mark.at, [left, this.#relation()]);
    return left;
  }
  #relation(): Expr {
    let left = this.#sum();
    for (;;) {
      const token = this.#peek();
      if (!relations.has(token.text) || (token.type !== 'punct' && token.type !== 'ident')) return left;
      this.#take();
      left = call(token.text === 'in' ? '@in' : `_${token.text}_`, token.at, [left, this.#sum()]);
    }
  }
  #sum(): Expr {
    let left = this.#product();
    for (
      let mark = this.#accept('+') ?? this.#accept('-');
      mark;
      mark = this.#accept('+') ?? this.#accept('-')
    )
      left = call(`_${mark.text}_`, mark.at, [left, this.#product()]);
    return left;
  }
  #product(): Expr {
    let left = this.#unary();
    const mark = (): Token | undefined => this.#accept('*') ?? this.#accept('/') ?? this.#accept('%');
    for (let next = mark(); next; next = mark())
      left = call(`_${next.text}_`, next.at, [left, this.#unary()]);
    return left;
  }
  #unary(): Expr {
    const first = this.#peek();
    const operator = first.text;
    if (first.type !== 'punct' || (operator !== '!' && operator !== '-')) return this.#member();
    let count = 0;
    let last = first;
    for (let token = this.#accept(operator); token; token = this.#accept(operator)) {
      count++;
      last = token;
    }
    let negative = '';
    const digits = this.#peek();
    // The sign of a number belongs to the number: -9223372036854775808 is one.
    if (operator === '-' && (digits.type === 'int' || digits.type === 'double')) {
      negative = '-';
      count--;
    }
    const operand = this.#member(negative, last.at);
    // Pairs of one operator cancel.
    return count % 2 === 1 ? call(`${operator}_`, first.at, [operand]) : operand;
  }

  #member(sign = '', at?: number): Expr {
    let operand = this.#primary(sign, at);
    for (;;) {
      const mark = this.#peek();
      if (mark.type !== 'punct') return operand;
      if (mark.text === '.') {
        this.#take();
        operand = this.#afterDot(operand, mark);
      } else if (mark.text === '[' || mark.text === '[?') {
        this.#take();
        const index = this.#expr();
        this.#expect(']');
        operand = call(mark.text === '[' ? '_[_]' : '_[?_]', mark.at, [operand, index]);
      } else if (mark.text === '{' && this.#namesType(operand)) {
        this.#take();
        operand = this.#struct(operand, mark.at);
      } else return operand;
    }
  }
  #afterDot(operand: Expr, mark: Token): Expr {
    const optional = this.#accept('?') !== undefined;
    const name = this.#take();
    if (name.type !== 'escaped' && (name.type !== 'ident' || neverFields.has(name.text)))
      throw unexpected(name, 'IDENTIFIER');
    const field = name.text;
    if (optional) {
      const key: Expr = { kind: 'literal', value: field, at: name.at };
      return call('_?._', mark.at, [operand, key]);
    }
    const open = name.type === 'ident' ? this.#accept('(') : undefined;
    if (!open) return { kind: 'select', operand, field, test: false, at: mark.at };
    const args = this.#arguments(')');
    return (
      expandMethod(operand, field, args, open.at) ?? {
        kind: 'call',
        name: field,
        target: operand,
        args,
        at: open.at,
      }
    );
  }
  #arguments(end: string): Expr[] {
    const args: Expr[] = [];
    if (this.#accept(end)) return args;
    do args.push(this.#expr());
    while (this.#accept(','));
    this.#expect(end);
    return args;
  }
  /** Whether `{` after this operand opens a message: the operand is a (qualified) name. */
  #namesType(operand: Expr): boolean {
    return dottedName(operand) !== undefined;
  }

  #primary(sign: string, signAt: number | undefined): Expr {
    const token = this.#take();
    const at = signAt ?? token.at;
    switch (token.type) {
      case 'int':
        return { kind: 'literal', value: readInt(sign, token), at };
      case 'uint':
        return { kind: 'literal', value: readUint(token), at };
      case 'double':
        return { kind: 'literal', value: new Double(Number(sign + token.text)), at };
      case 'string':
        return { kind: 'literal', value: token.text, at };
      case 'bytes':
        return { kind: 'literal', value: token.bytes ?? new Uint8Array(), at };
      case 'ident':
        return this.#named(token, '');
      case 'punct':
        break;
      default:
        throw unexpected(token);
    }
    if (token.text === '.') {
      const name = this.#take();
      if (name.type !== 'ident') throw unexpected(name, 'IDENTIFIER');
      return this.#named(name, '.');
    }
    if (token.text === '(') {
      const inner = this.#expr();
      this.#expect(')');
      return inner;
    }
    if (token.text === '[' || token.text === '[?') return this.#list(token);
    if (token.text === '{') return this.#map(token);
    throw unexpected(token);
  }
  #named(token: Token, root: string): Expr {
    const { text, at } = token;
    if (root === '') {
      if (text === 'true' || text === 'false') return { kind: 'literal', value: text === 'true', at };
      if (text === 'null') return { kind: 'literal', value: null, at };
    }
    if (reserved.has(text)) throw new CelSyntaxError(`reserved identifier: ${text}`, at);
    const open = this.#accept('(');
    if (!open) return { kind: 'ident', name: root + text, at };
    const args = this.#arguments(')');
    return (
      expandFunction(root + text, args, open.at) ?? {
        kind: 'call',
        name: root + text,
        target: undefined,
        args,
        at: open.at,
      }
    );
  }
  /** `?` before an element, entry or field: it is left out where the optional has no value. `[?` is one token. */
  #optionalMark(): boolean {
    return this.#accept('?') !== undefined;
  }
  #list(open: Token): ListLiteral {
    const elements: { value: Expr; optional: boolean }[] = [];
    let optional = open.text === '[?';
    if (!optional && this.#accept(']')) return { kind: 'list', elements, at: open.at };
    for (;;) {
      optional ||= this.#optionalMark();
      elements.push({ value: this.#expr(), optional });
      optional = false;
      if (!this.#accept(',') || this.#peek().text === ']') break;
    }
    this.#expect(']');
    return { kind: 'list', elements, at: open.at };
  }
  #map(open: Token): MapLiteral {
    const entries: { key: Expr; value: Expr; optional: boolean }[] = [];
    while (!this.#accept('}')) {
      const optional = this.#optionalMark();
      const key = this.#expr();
      this.#expect(':');
      entries.push({ key, value: this.#expr(), optional });
      if (this.#accept(',')) continue;
      this.#expect('}');
      break;
    }
    return { kind: 'map', entries, at: open.at };
  }
  #struct(type: Expr, at: number): StructLiteral {
    const fields: { at: number; name: string; value: Expr; optional: boolean }[] = [];
    while (!this.#accept('}')) {
      const optional = this.#optionalMark();
      const name = this.#take();
      if (name.type !== 'escaped' && name.type !== 'ident') throw unexpected(name, 'IDENTIFIER');
      this.#expect(':');
      fields.push({ at: name.at, name: name.text, value: this.#expr(), optional });
      if (this.#accept(',')) continue;
      this.#expect('}');
      break;
    }
    return { kind: 'struct', type: dottedName(type) ?? '', fields, at };
  }
}

/** `a.b.c` as one text; undefined for an expression that is no chain of names. */
export function dottedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name;
  if (expr.kind !== 'select' || expr.test) return undefined;
  const head = dottedName(expr.operand);
  return head === undefined ? undefined : `${head}.${expr.field}`;
}

const call = (name: string, at: number, args: readonly Expr[]): Expr => ({
  kind: 'call',
  name,
  target: undefined,
  args,
  at,
});

function unexpected(token: Token, wanted?: string): CelSyntaxError {
  const text =
    token.type === 'string' ? JSON.stringify(token.text) : token.type === 'bytes' ? 'b"..."' : token.text;
  const detail =
    wanted === undefined ? `unexpected input '${text}'` : `mismatched input '${text}' expecting ${wanted}`;
  return new CelSyntaxError(`Syntax error: ${detail}`, token.at);
}

function readInt(sign: string, token: Token): number | bigint {
  try {
    const size = BigInt(token.text);
    return checkedInt(sign === '-' ? -size : size);
  } catch {
    throw new CelSyntaxError('invalid int literal', token.at);
  }
}
function readUint(token: Token): ReturnType<typeof checkedUint> {
  try {
    return checkedUint(BigInt(token.text.slice(0, -1)));
  } catch {
    throw new CelSyntaxError('invalid uint literal', token.at);
  }
}
