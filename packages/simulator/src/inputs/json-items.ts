/** Items of one large JSON array, one at a time: the array as a whole need not fit in memory. */
import { InputError } from './input-error.ts';
import { linesOf } from './lines.ts';
import type { TextSource } from './text-source.ts';

export interface JsonItem {
  readonly value: unknown;
  /** Where it begins, from 1. */
  readonly line: number;
}

/**
 * Objects of an array of objects, or objects that follow each other (JSON lines). Only braces, brackets and quotes are looked at to find
 * where an object ends; the object itself is parsed as JSON. Throws InputError.
 */
export function* jsonItems(source: TextSource): Generator<JsonItem, void, undefined> {
  let depth = 0;
  let inString = false;
  let escaped = false;
  let parts: string[] = [];
  let begin = 0;
  let number = 0;
  for (const line of linesOf(source)) {
    number += 1;
    let from = 0;
    for (let i = 0; i < line.length; i += 1) {
      const code = line.charCodeAt(i);
      if (inString) {
        if (escaped) escaped = false;
        else if (code === backslash) escaped = true;
        else if (code === quoteMark) inString = false;
      } else if (code === quoteMark && depth > 0) inString = true;
      else if (code === open) {
        if (depth === 0) {
          from = i;
          begin = number;
        }
        depth += 1;
      } else if (code === close && depth > 0) {
        depth -= 1;
        if (depth === 0) {
          parts.push(line.slice(from, i + 1));
          yield { value: parse(source, parts.join('\n'), begin), line: begin };
          parts = [];
        }
      } else if (depth === 0 && !between.has(code)) {
        const found = JSON.stringify(line[i]);
        throw new InputError(source.name, `${found} is there; an object of a JSON array was expected`, {
          line: number,
        });
      }
    }
    if (depth > 0) parts.push(line.slice(from));
  }
  if (depth > 0)
    throw new InputError(source.name, 'the JSON object that begins here does not end', { line: begin });
}

const backslash = 0x5c;
const quoteMark = 0x22;
const open = 0x7b;
const close = 0x7d;
/** Blanks, tabs, commas, brackets. */
const between: ReadonlySet<number> = new Set([0x20, 0x09, 0x0d, 0x2c, 0x5b, 0x5d]);

function parse(source: TextSource, text: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(source.name, `is no JSON: ${(error as Error).message}`, { line }, error);
  }
}
