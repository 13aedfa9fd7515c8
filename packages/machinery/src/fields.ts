/** Field selectors of list and watch: `spec.nodeName=a,status.phase!=Running`, with `\` before `,`, `=` and `\` in values. */
import { ApiError } from './status.ts';

export interface FieldTerm {
  field: string;
  /** `==` is read as `=`. */
  operator: '=' | '!=';
  value: string;
}

/** What fields must be like: all terms must hold. */
export class FieldSelector {
  readonly terms: readonly FieldTerm[];
  constructor(terms: readonly FieldTerm[]) {
    this.terms = terms;
  }
  get empty(): boolean {
    return this.terms.length === 0;
  }
  /** `get` gives the value of a field as text, '' where there is none. */
  matches(get: (field: string) => string): boolean {
    for (const t of this.terms) if ((get(t.field) === t.value) !== (t.operator === '=')) return false;
    return true;
  }
  /** The value a field must have, if the selector says so; for indexes and single-object watches. */
  exactValue(field: string): string | undefined {
    return this.terms.find((t) => t.operator === '=' && t.field === field)?.value;
  }
  toString(): string {
    return this.terms.map((t) => `${t.field}${t.operator}${escapeFieldValue(t.value)}`).join(',');
  }
}

/** The value as it must be written in a field selector. */
export const escapeFieldValue = (value: string): string => value.replace(/[\\,=]/g, '\\$&');

const bad = (message: string): ApiError => new ApiError('BadRequest', message);

function unescape(value: string): string {
  let out = '';
  for (let i = 0; i < value.length; i++) {
    const c = value[i] ?? '';
    if (c === '\\') {
      const next = value[++i];
      if (next !== '\\' && next !== ',' && next !== '=') {
        throw bad(`invalid field selector: invalid escape sequence: ${`\\${next ?? ''}`}`);
      }
      out += next;
    } else if (c === ',' || c === '=') {
      throw bad(`invalid field selector: unescaped character in value: ${c}`);
    } else out += c;
  }
  return out;
}

/** Parses a field selector; empty text selects everything. Throws ApiError BadRequest. */
export function parseFieldSelector(text: string): FieldSelector {
  const terms: FieldTerm[] = [];
  for (const part of text.match(/(?:\\[\s\S]|[^,\\])+|\\$/g) ?? []) {
    const match = /^((?:\\[\s\S]|[^\\=!]|!(?!=))*?)(!=|==|=)([\s\S]*)$/.exec(part);
    if (!match) throw bad(`invalid selector: '${text}'; can't understand '${part}'`);
    terms.push({
      field: match[1] ?? '',
      operator: match[2] === '!=' ? '!=' : '=',
      value: unescape(match[3] ?? ''),
    });
  }
  return new FieldSelector(terms);
}
