/**
 * A ring of pieces in memory that two threads share: one unpacks, the other reads, and each waits for the other. Words of
 * `control`, each written by one side only, but for `state`.
 */
export const pieces = 8;
export const pieceBytes = 1 << 18;

export const word = {
  /** Pieces written so far. */
  written: 0,
  /** Pieces read so far. */
  read: 1,
  state: 2,
  /** Lengths of the pieces, from here on; below 0: it is no piece, but what went wrong, as text. */
  lengths: 3,
} as const;

/** `left`: nobody reads any more. */
export const state = { starting: 0, running: 1, done: 2, left: 3 } as const;

export interface Shared {
  readonly control: Int32Array<SharedArrayBuffer>;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

export interface UnpackTask {
  readonly path: string;
  /** A file that ends in the middle is no error. */
  readonly mayBeCut: boolean;
  readonly control: SharedArrayBuffer;
  readonly bytes: SharedArrayBuffer;
}

export function newBuffers(): Pick<UnpackTask, 'control' | 'bytes'> {
  return {
    control: new SharedArrayBuffer(4 * (word.lengths + pieces)),
    bytes: new SharedArrayBuffer(pieces * pieceBytes),
  };
}

export function viewsOf({ control, bytes }: Pick<UnpackTask, 'control' | 'bytes'>): Shared {
  return { control: new Int32Array(control), bytes: new Uint8Array(bytes) };
}
