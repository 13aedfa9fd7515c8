/**
 * One stream of a connection, as a Duplex: ending it says FIN, destroying it says RST_STREAM, a FIN of the peer is its end.
 * What comes is queued here until it is read; the connection counts the bytes that wait and asks its
 * carrier to pause when they are many.
 */
import { Duplex } from 'node:stream';
import { type Frame, type Headers, resetStatus } from './frame.ts';
import { SendWindow } from './send-window.ts';

/** Most bytes of a data frame that we send: streams take turns at these. */
const maxData = 64 * 1024;
/** Bytes taken by the reader before the peer is told that it may send as many more. */
const updateEvery = 32 * 1024;
/** Pieces below this are copied when they have to wait, so that a few bytes do not keep the whole of what they came in. */
const smallPiece = 4 * 1024;
/** What a piece costs beyond its bytes while it waits. */
const pieceCost = 256;

/** What a stream needs of its connection. */
export interface StreamHost {
  /** Resolves when more may be sent; rejects when the connection is gone. */
  send(frame: Frame): Promise<void>;
  /** Waits until some of these bytes may be sent, and takes that many from the windows. Rejects when the stream is gone. */
  room(stream: SpdyStream, bytes: number): Promise<number>;
  /** A piece waits for its reader, at this cost in memory. */
  waits(cost: number): void;
  /** A piece waits no more. */
  waited(cost: number): void;
  /** Bytes of the peer were read, or never will be: it may send as many more. */
  taken(bytes: number): void;
  gone(stream: SpdyStream): void;
}

export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: Headers;
  /** What the peer takes of this stream. */
  readonly window: SendWindow;
  readonly #host: StreamHost;
  #queue: Uint8Array[] = [];
  /** The reader asks for more than there is. */
  #wanted = false;
  /** The peer has sent all it will. */
  #ended = false;
  /** Our FIN is out. */
  #finished = false;
  /** The peer, or the end of the connection, has ended the stream: there is nobody to tell. */
  #cut = false;
  /** Bytes read since the last WINDOW_UPDATE. */
  #read = 0;

  constructor(host: StreamHost, id: number, headers: Headers, window: number) {
    super({ allowHalfOpen: true });
    this.#host = host;
    this.id = id;
    this.headers = headers;
    this.window = new SendWindow(window);
    // A stream that ends badly is its session's concern, which sees it by reading and writing.
    this.on('error', () => {});
  }

  /** A header's first value; empty if there is none. */
  header(name: string): string {
    return this.headers.get(name)?.[0] ?? '';
  }

  /** Data from the peer. Frames after its FIN are passed over. */
  receive(bytes: Uint8Array, fin: boolean): void {
    if (this.#ended || this.destroyed) {
      this.#host.taken(bytes.length);
      return;
    }
    if (bytes.length > 0) {
      this.#host.waits(bytes.length + pieceCost);
      this.#queue.push(bytes.length < smallPiece ? Buffer.from(bytes) : bytes);
    }
    if (fin) this.#ended = true;
    if (this.#wanted) this._read();
  }

  /** RST_STREAM from the peer, or the end of the connection (`why`): nothing more goes either way. */
  cut(why?: Error): void {
    this.#cut = true;
    this.destroy(why);
  }

  override _read(): void {
    this.#wanted = true;
    while (this.#wanted) {
      const chunk = this.#queue.shift();
      if (chunk === undefined) break;
      this.#take(chunk.length);
      this.#wanted = this.push(chunk);
    }
    if (this.#ended && this.#queue.length === 0) {
      this.#wanted = false;
      this.push(null);
    }
  }

  #take(bytes: number): void {
    this.#host.waited(bytes + pieceCost);
    this.#host.taken(bytes);
    this.#read += bytes;
    if (this.#read < updateEvery || this.#ended) return;
    this.#host.send({ kind: 'windowUpdate', streamId: this.id, delta: this.#read }).catch(() => {});
    this.#read = 0;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#send(chunk).then(() => done(), done);
  }

  async #send(chunk: Buffer): Promise<void> {
    for (let at = 0; at < chunk.length;) {
      const size = await this.#host.room(this, Math.min(chunk.length - at, maxData));
      const bytes = chunk.subarray(at, at + size);
      at += size;
      await this.#host.send({ kind: 'data', streamId: this.id, bytes, fin: false });
    }
  }

  override _final(done: (error?: Error) => void): void {
    this.#finished = true;
    this.#host
      .send({ kind: 'data', streamId: this.id, bytes: new Uint8Array(), fin: true })
      .then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    for (const chunk of this.#queue) {
      this.#host.waited(chunk.length + pieceCost);
      this.#host.taken(chunk.length);
    }
    this.#queue = [];
    if (!this.#cut && !(this.#ended && this.#finished)) {
      const status = error ? resetStatus.internalError : resetStatus.cancel;
      this.#host.send({ kind: 'rstStream', streamId: this.id, status }).catch(() => {});
    }
    this.#host.gone(this);
    done(error);
  }
}
