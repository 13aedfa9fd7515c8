/** Bytes that the peer still takes, of one stream or of the whole connection (2.6.8). */
import { SpdyError } from './frame.ts';

/** A window before anything is said about it. */
export const initialWindow = 64 * 1024;
const largest = 0x7fffffff;

export class SendWindow {
  /** Below 0 when the peer made its windows smaller, or began to speak of them late. */
  #credit: number;

  constructor(credit: number) {
    this.#credit = credit;
  }

  get credit(): number {
    return this.#credit;
  }

  spend(bytes: number): void {
    this.#credit -= bytes;
  }

  /** Throws SpdyError when the window would be larger than the protocol allows. */
  add(bytes: number): void {
    if (this.#credit + bytes > largest) throw new SpdyError('a window of more than 2^31 - 1 bytes');
    this.#credit += bytes;
  }
}
