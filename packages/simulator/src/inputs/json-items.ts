/** Items of one large JSON array, one at a time: the array as a whole need not fit in memory, nor need it have lines. */
import { StringDecoder } from 'node:string_decoder';
import { InputError } from './input-error.ts';
import type { TextSource } from './text-source.ts';

export interface JsonItem {
  readonly value: unknown;
  /** Where it begins, from 1. */
  readonly line: number;
}

/**
 * Objects of an array of objects, or objects that follow each other (JSON lines). Only braces and quotes are looked at to find
 * where an object ends; the object itself is parsed as JSON. Throws InputError.
 */
export function* jsonItems(source: TextSource): Generator<JsonItem, void, undefined> {
  const decoder = new StringDecoder('utf8');
  let depth = 0;
  let inString = false;
  let escaped = false;
  /** Of the object that is open, from the chunks before. */
  let before = '';
  let begin = 0;
  let line = 1;
  for (const chunk of source.chunks()) {
    const text = decoder.write(chunk);
    let from = 0;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code === newline) line += 1;
      if (inString) {
        if (escaped) escaped = false;
        else if (code === backslash) escaped = true;
        else if (code === quoteMark) inString = false;
      } else if (code === quoteMark && depth > 0) inString = true;
      else if (code === open) {
        if (depth === 0) {
          from = i;
          begin = line;
        }
        depth += 1;
      } else if (code === close && depth > 0) {
        depth -= 1;
        if (depth > 0) continue;
        yield { value: parse(source, before + text.slice(from, i + 1), begin), line: begin };
        before = '';
      } else if (depth === 0 && !between.has(code)) {
        const found = JSON.stringify(text[i]);
        throw new InputError(source.name, `${found} is there; an object of a JSON array was expected`, {
          line,
        });
      }
    }
    if (depth > 0) before += text.slice(before === '' ? from : 0);
    if (before.length > longestItem)
      throw new InputError(source.name, 'the JSON object that begins here is too long', { line: begin });
  }
  if (depth > 0)
    throw new InputError(source.name, 'the JSON object that begins here does not end', { line: begin });
}

const backslash = 0x5c;
const quoteMark = 0x22;
const open = 0x7b;
const close = 0x7d;
const newline = 0x0a;
/** Blanks, ends of lines, commas, brackets, a byte order mark. */
const between: ReadonlySet<number> = new Set([0x20, 0x09, 0x0d, newline, 0x2c, 0x5b, 0x5d, 0xfeff]);
const longestItem = 1 << 26;

function parse(source: TextSource, text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(source.name, `is no JSON: ${(error as Error).message}`, { line }, error);
  }
}
