/** The client's end of a SPDY connection, for tests: it opens streams and remembers what comes on each. */
import type { Frame } from '../../src/transport/spdy/frame.ts';
import { FrameReader } from '../../src/transport/spdy/frame-reader.ts';
import { encodeFrame } from '../../src/transport/spdy/frame-writer.ts';
import { encodeHeaders } from '../../src/transport/spdy/header-block.ts';
import { HeaderDeflater } from '../../src/transport/spdy/header-compression.ts';

export interface ClientStream {
  id: number;
  /** What came, and whether the server said that it was all. */
  bytes: Buffer[];
  replied: boolean;
  ended: boolean;
  /** The status of a reset. */
  reset?: number;
  text(): string;
}

export class SpdyClient {
  readonly streams = new Map<number, ClientStream>();
  /** Frames that belong to no stream of ours. */
  readonly others: Frame[] = [];
  readonly #write: (bytes: Buffer) => void;
  readonly #reader = new FrameReader();
  readonly #deflater = new HeaderDeflater();
  #next = 1;
  #changed: (() => void)[] = [];
  closed = false;

  constructor(write: (bytes: Buffer) => void) {
    this.#write = write;
  }

  open(headers: Record<string, string>, id: number = this.#next): ClientStream {
    this.#next = id + 2;
    const bytes: Buffer[] = [];
    const stream: ClientStream = {
      id,
      bytes,
      replied: false,
      ended: false,
      text: () => Buffer.concat(bytes).toString(),
    };
    this.streams.set(id, stream);
    const map = new Map(Object.entries(headers).map(([name, value]) => [name, [value]]));
    const block = this.#deflater.deflate(encodeHeaders(map));
    this.send({ kind: 'synStream', streamId: id, fin: false, unidirectional: false, block });
    return stream;
  }

  send(frame: Frame): void {
    this.#write(encodeFrame(frame));
  }

  /** Sends data, in one frame. */
  data(stream: ClientStream, bytes: string | Buffer, fin = false): void {
    this.send({ kind: 'data', streamId: stream.id, bytes: Buffer.from(bytes), fin });
  }

  receive(chunk: Uint8Array): void {
    for (const frame of this.#reader.push(chunk)) this.#handle(frame);
    this.#tell();
  }

  close(): void {
    this.closed = true;
    this.#tell();
  }

  /** Resolves when `condition` holds, which is asked whenever something came. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  #tell(): void {
    for (const wake of this.#changed.splice(0)) wake();
  }

  #handle(frame: Frame): void {
    const stream = 'streamId' in frame ? this.streams.get(frame.streamId) : undefined;
    if (frame.kind === 'data' && stream) {
      stream.bytes.push(Buffer.from(frame.bytes));
      stream.ended ||= frame.fin;
    } else if (frame.kind === 'synReply' && stream) stream.replied = true;
    else if (frame.kind === 'rstStream' && stream) stream.reset = frame.status;
    else this.others.push(frame);
  }
}
