/**
 * Memory for values that have outlived the history around them. Writers put values one after the other into pieces of memory, where
 * versions that are soon gone lie between those that stay: each piece would be kept, half empty, for the sake of the latter.
 * So what compaction leaves is moved, once, into pieces of its own kind.
 */

const pieceBytes = 64 * 1024;

/** Copies values into such pieces. Values of more than a part of a piece stay where they are: they have memory of their own. */
export function settledBytes(): (bytes: Uint8Array) => Uint8Array {
  let piece: Buffer | undefined;
  let used = 0;
  return (bytes) => {
    const { length } = bytes;
    if (length > pieceBytes / 4) return bytes;
    if (piece === undefined || used + length > pieceBytes) {
      piece = Buffer.allocUnsafeSlow(pieceBytes);
      used = 0;
    }
    piece.set(bytes, used);
    used += length;
    return piece.subarray(used - length, used);
  };
}
