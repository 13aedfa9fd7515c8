/** Bytes on their way from a connection to one reader, with a mark above which the connection is asked to wait. */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = [];
  readonly #highWater: number;
  readonly #drained: () => void;
  #size = 0;
  #ended = false;
  /** The reader waiting for a chunk, if any. */
  #wake: (() => void) | undefined;

  /** `drained` is called when the reader has taken everything. */
  constructor(highWater: number, drained: () => void) {
    this.#highWater = highWater;
    this.#drained = drained;
  }

  /** False: too much is waiting, stop sending until `drained`. */
  push(chunk: Uint8Array): boolean {
    if (this.#ended) return true;
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    this.#wake?.();
    return this.#size < this.#highWater;
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        this.#size -= chunk.length;
        if (this.#size === 0) this.#drained();
        yield chunk;
      } else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
