/** Lines of an input. */
import { StringDecoder } from 'node:string_decoder';
import { InputError } from './input-error.ts';
import type { TextSource } from './text-source.ts';

/** Longer lines are taken for a file of another kind (a binary, a JSON document on one line). */
const longestLine = 1 << 26;

/** Lines without their ends (LF or CRLF), a byte order mark left out. A last line that is empty is none. */
export function* linesOf(source: TextSource): Generator<string, void, undefined> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let first = true;
  for (const chunk of source.chunks()) {
    let text = decoder.write(chunk);
    if (first && text !== '') {
      first = false;
      if (text.codePointAt(0) === 0xfeff) text = text.slice(1);
    }
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const line = rest === '' ? text.slice(from, end) : rest + text.slice(from, end);
      rest = '';
      from = end + 1;
      yield line.endsWith('\r') ? line.slice(0, -1) : line;
    }
    rest += text.slice(from);
    if (rest.length > longestLine) throw new InputError(source.name, 'has a line of more than 64 MiB');
  }
  rest += decoder.end();
  if (rest !== '') yield rest.endsWith('\r') ? rest.slice(0, -1) : rest;
}
