/**
 * Header compression (2.6.10.1): all header blocks of one direction are one zlib stream that starts from the dictionary,
 * with a sync flush after each block. Node's zlib streams work in another thread and at their own time; a frame must be
 * read before the next. So each block is opened on its own, as raw deflate: a sync flush ends at a byte, and all that the
 * next block needs of the earlier ones is the last 32 KiB of text, which is handed in as its dictionary.
 */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { dictionary, dictionaryId } from './dictionary.ts';
import { SpdyError } from './frame.ts';

/** Longest header block taken, in bytes after decompression. */
export const maxHeaderBlock = 16 * 1024;

/** How far back deflate can refer. */
const windowSize = 32 * 1024;

/** Two bytes say deflate with a 32 KiB window and a preset dictionary; then which dictionary. */
const streamHead = Buffer.from([0x78, 0xbb, 0, 0, 0, 0]);
streamHead.writeUInt32BE(dictionaryId, 2);

/** Opens the blocks of one direction, in their order. */
export class HeaderInflater {
  /** What the next block may refer to: the dictionary, then all text so far; its last 32 KiB. */
  #window = dictionary;
  #started = false;

  /** The text of the next block. Throws SpdyError for a broken or too long one; the inflater is of no use then. */
  inflate(block: Uint8Array): Buffer {
    let deflated = Buffer.from(block.buffer, block.byteOffset, block.byteLength);
    if (!this.#started) {
      this.#window = startOf(deflated) === 'dictionary' ? dictionary : Buffer.alloc(0);
      deflated = deflated.subarray(this.#window.length > 0 ? 6 : 2);
      this.#started = true;
    }
    const text = inflated(deflated, this.#window);
    this.#window = Buffer.concat([this.#window, text]).subarray(-windowSize);
    return text;
  }
}

/** Whether the stream starts from the dictionary or, as a sender may, from nothing. Throws SpdyError if it is no zlib stream. */
function startOf(block: Buffer): 'dictionary' | 'nothing' {
  const [method = 0, flags = 0] = block;
  if (block.length < 2 || (method & 0x0f) !== 8 || method >> 4 > 7 || (method * 256 + flags) % 31 !== 0)
    throw new SpdyError('the header compression is not zlib');
  if ((flags & 0x20) === 0) return 'nothing';
  if (block.length < 6 || block.readUInt32BE(2) !== dictionaryId)
    throw new SpdyError('the header compression starts from an unknown dictionary');
  return 'dictionary';
}

function inflated(deflated: Buffer, window: Buffer): Buffer {
  try {
    return inflateRawSync(deflated, {
      ...(window.length > 0 ? { dictionary: window } : {}),
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: maxHeaderBlock,
    });
  } catch (cause) {
    throw new SpdyError('a header block cannot be decompressed', { cause });
  }
}

/** Packs the blocks of one direction, in their order. Each refers to the dictionary only, which is all that short ones need. */
export class HeaderDeflater {
  #started = false;

  deflate(text: Uint8Array): Buffer {
    const deflated = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
    if (this.#started) return deflated;
    this.#started = true;
    return Buffer.concat([streamHead, deflated]);
  }
}
