/** The name/value header block (2.6.10): a count, then names and values with their lengths; NUL between values of a name. */
import { type Headers, SpdyError } from './frame.ts';

/** Names one block may have. */
const maxNames = 128;

/** Throws SpdyError for anything but one whole block. Of a name given twice the values are joined. */
export function decodeHeaders(block: Buffer): Headers {
  let at = 0;
  const number = (): number => {
    if (at + 4 > block.length) throw new SpdyError('a header block ends early');
    at += 4;
    return block.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (length > block.length - at) throw new SpdyError('a header block ends early');
    at += length;
    return block.toString('utf8', at - length, at);
  };
  const count = number();
  if (count > maxNames) throw new SpdyError(`a header block of ${count} names`);
  const headers = new Map<string, string[]>();
  for (let i = 0; i < count; i++) {
    const name = text().toLowerCase();
    if (name === '') throw new SpdyError('a header without a name');
    headers.set(name, [...(headers.get(name) ?? []), ...text().split('\0')]);
  }
  if (at !== block.length) throw new SpdyError('a header block goes on after its end');
  return headers;
}

export function encodeHeaders(headers: Headers): Buffer {
  const parts: Buffer[] = [];
  const number = (value: number): void => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    parts.push(bytes);
  };
  const text = (value: string): void => {
    const bytes = Buffer.from(value);
    number(bytes.length);
    parts.push(bytes);
  };
  number(headers.size);
  for (const [name, values] of headers) {
    text(name);
    text(values.join('\0'));
  }
  return Buffer.concat(parts);
}
