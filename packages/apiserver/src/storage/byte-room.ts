/**
 * Memory that stored objects are written into, one after the other: a piece of a few pages holds several, which costs a fraction
 * of what memory for each costs. A piece lives as long as one of its objects.
 */

/**
 * Bytes of a piece. One object keeps all of it, but not for long: the store moves what outlives the history around it. Each piece costs the
 * garbage collector a look at every turn.
 */
const pieceBytes = 64 * 1024;

export interface ByteRoom {
  /** Bytes of the object that is being written so far. */
  readonly length: number;
  /** Adds a text in UTF-8; returns its bytes. */
  text(text: string): number;
  /** Adds bytes that are there already; returns how many. */
  copy(from: Uint8Array, start: number, end: number): number;
  /** The object's bytes; what comes next belongs to another one. */
  take(): Uint8Array;
  /** Forgets what was written of this object. */
  drop(): void;
}

export function createByteRoom(): ByteRoom {
  let piece = Buffer.allocUnsafeSlow(pieceBytes);
  let start = 0;
  let end = 0;

  /** Room for `count` more bytes; what is there of the object moves with it. */
  function more(count: number): void {
    const written = end - start;
    const needed = written + count;
    const next = Buffer.allocUnsafeSlow(needed <= pieceBytes ? pieceBytes : needed * 2);
    piece.copy(next, 0, start, end);
    piece = next;
    start = 0;
    end = written;
  }

  return {
    get length() {
      return end - start;
    },
    text(text) {
      // A UTF-16 unit takes at most three bytes.
      if (end + text.length * 3 > piece.length) {
        const bytes = Buffer.byteLength(text);
        if (end + bytes > piece.length) more(bytes);
      }
      const written = piece.write(text, end);
      end += written;
      return written;
    },
    copy(from, first, last) {
      const count = last - first;
      if (end + count > piece.length) more(count);
      piece.set(from.subarray(first, last), end);
      end += count;
      return count;
    },
    take() {
      const bytes = piece.subarray(start, end);
      if (piece.length <= pieceBytes) {
        start = end;
        return bytes;
      }
      // A large object gets memory of its own, of its size.
      piece = Buffer.allocUnsafeSlow(pieceBytes);
      start = end = 0;
      const own = Buffer.allocUnsafeSlow(bytes.length);
      own.set(bytes);
      return own;
    },
    drop() {
      end = start;
    },
  };
}
