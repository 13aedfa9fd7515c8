/** Tables of text with a header (RFC 4180): quoted fields may hold separators, quotes and ends of lines. */
import { InputError, quote } from './input-error.ts';
import { linesOf } from './lines.ts';
import { Row } from './row.ts';
import type { TextSource } from './text-source.ts';

export interface CsvOptions {
  /** Default: the one of comma, semicolon and tab that the header has most of. */
  readonly separator?: string;
  /** The columns, if the file has no header. */
  readonly columns?: readonly string[];
}

export class CsvTable {
  readonly name: string;
  /** As the header has them, without blanks around. */
  readonly columns: readonly string[];
  readonly #source: TextSource;
  readonly #separator: string;
  readonly #headed: boolean;
  readonly #index = new Map<string, number>();

  /** Reads the header. Throws InputError if there is none, or a name stands twice. */
  constructor(source: TextSource, { separator, columns }: CsvOptions = {}) {
    this.#source = source;
    this.name = source.name;
    this.#headed = columns === undefined;
    let names = columns ?? [];
    this.#separator = separator ?? ',';
    if (!columns) {
      const [head] = firstLines(source, 1);
      if (head === undefined || head.trim() === '') {
        throw new InputError(source.name, 'is empty; a line of column names was expected', { line: 1 });
      }
      this.#separator = separator ?? guessSeparator(head);
      const [first] = this.#records();
      names = first!.fields.map((name) => name.trim());
    }
    this.columns = names;
    for (const [i, name] of names.entries()) {
      if (this.#index.has(name) && name !== '') {
        throw new InputError(source.name, `column ${quote(name)} stands twice in the header`, { line: 1 });
      }
      this.#index.set(name, i);
    }
  }

  index(column: string): number | undefined {
    return this.#index.get(column);
  }

  has(column: string): boolean {
    return this.#index.has(column);
  }

  /** Throws InputError unless the header has all of these. */
  require(columns: readonly string[]): void {
    const missing = columns.filter((column) => !this.has(column));
    if (missing.length === 0) return;
    const names = missing.map((name) => `"${name}"`).join(', ');
    throw new InputError(
      this.name,
      `has no column ${names}; its columns are ${this.columns.join(', ')}`,
      this.#headed ? { line: 1 } : {},
    );
  }

  /**
   * All rows from the first on. Empty lines are none. Throws InputError where a row has too many or too few fields, unless
   * `uneven` takes it: then the row is left out.
   */
  *rows(uneven?: (error: InputError) => void): Generator<Row, void, undefined> {
    let header = this.#headed;
    const { length } = this.columns;
    for (const { line, fields } of this.#records()) {
      if (header) {
        header = false;
        continue;
      }
      if (fields.length !== length) {
        const problem = `has ${fields.length} field${fields.length === 1 ? '' : 's'}; ${length} were expected`;
        const error = new InputError(this.name, problem, { line });
        if (!uneven) throw error;
        uneven(error);
        continue;
      }
      yield new Row(this, line, fields);
    }
  }

  *#records(): Generator<{ line: number; fields: string[] }, void, undefined> {
    let number = 0;
    let open: { line: number; text: string } | undefined;
    for (const text of linesOf(this.#source)) {
      number += 1;
      if (open === undefined && !text.includes('"')) {
        if (text !== '') yield { line: number, fields: text.split(this.#separator) };
        continue;
      }
      const line: number = open?.line ?? number;
      const whole = open === undefined ? text : `${open.text}\n${text}`;
      const fields = splitQuoted(whole, this.#separator);
      if (fields === undefined) {
        open = { line, text: whole };
        if (whole.length > longestRecord) break;
      } else {
        open = undefined;
        yield { line, fields };
      }
    }
    if (open) throw new InputError(this.name, 'a quote is opened here and never closed', { line: open.line });
  }
}

/** A quote that is not closed must not make the rest of a large file one record. */
const longestRecord = 1 << 20;

/** Undefined: a quote is still open at the end. */
function splitQuoted(text: string, separator: string): string[] | undefined {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let field = '';
      at += 1;
      for (;;) {
        const end = text.indexOf('"', at);
        if (end < 0) return undefined;
        field += text.slice(at, end);
        at = end + 1;
        if (text[at] !== '"') break;
        field += '"';
        at += 1;
      }
      const end = text.indexOf(separator, at);
      // What stands behind the closing quote belongs to the field: better than to lose it.
      field += text.slice(at, end < 0 ? text.length : end);
      fields.push(field);
      if (end < 0) return fields;
      at = end + separator.length;
    } else {
      const end = text.indexOf(separator, at);
      fields.push(text.slice(at, end < 0 ? text.length : end));
      if (end < 0) return fields;
      at = end + separator.length;
    }
  }
}

function guessSeparator(head: string): string {
  let best = ',';
  for (const candidate of [';', '\t']) {
    if (head.split(candidate).length > head.split(best).length) best = candidate;
  }
  return best;
}

/** The first lines of an input, fewer if it has not so many. */
export function firstLines(source: TextSource, count: number): string[] {
  const lines: string[] = [];
  for (const line of linesOf(source)) {
    lines.push(line);
    if (lines.length >= count) break;
  }
  return lines;
}
