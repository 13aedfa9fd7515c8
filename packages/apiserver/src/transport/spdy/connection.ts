/**
 * The server's end of a SPDY/3.1 connection: frames in, streams out, on whatever carries the bytes. The peer opens all
 * streams; we never push.
 *
 * Flow control. Clients of Kubernetes that speak SPDY are built on a library without it: they send more than their window
 * and never enlarge ours. So we enlarge the peer's windows as its data is read, as the protocol asks, yet take what comes
 * beyond them, and stop reading the socket while too much waits. Our own sending keeps to the peer's windows once it has
 * shown that it knows of them (a SETTINGS or WINDOW_UPDATE frame); until then the socket's own backpressure is all there is.
 */
import {
  type Frame,
  goAwayStatus,
  type Headers,
  initialWindowSetting,
  resetStatus,
  SpdyError,
} from './frame.ts';
import { FrameReader } from './frame-reader.ts';
import { encodeFrame } from './frame-writer.ts';
import { decodeHeaders, encodeHeaders } from './header-block.ts';
import { HeaderDeflater, HeaderInflater } from './header-compression.ts';
import { initialWindow, SendWindow } from './send-window.ts';
import { SpdyStream, type StreamHost } from './stream.ts';

/** What carries the bytes: a socket, or a WebSocket's messages. */
export interface SpdyCarrier {
  /** Sends, in order. Resolves when more may be sent; rejects when the connection is broken. */
  write(bytes: Uint8Array): Promise<void>;
  /** Asks for no more bytes until `resume`. */
  pause(): void;
  resume(): void;
  /** Closes, after what was written is sent. */
  close(): void;
}

/**
 * Decides about a stream that the peer opens, by its headers. Undefined refuses it; else it is called with the stream, and
 * with a signal that is aborted when the connection is over.
 */
export type AcceptStream = (
  headers: Headers,
  streamId: number,
) => ((stream: SpdyStream, signal: AbortSignal) => void) | undefined;

/** Streams open at a time. A port-forward has two a connection. */
const maxStreams = 1024;
/** Memory that data of all streams may take while it waits for its readers, before the carrier is paused; it goes on at half of them. */
const maxWaiting = 4 * 1024 * 1024;
/** Bytes of answers (to PING and the like) that may wait for a peer that does not read, before it is not read either. */
const maxOwed = 256 * 1024;
/** Bytes read since the last WINDOW_UPDATE of the connection. */
const updateEvery = 32 * 1024;

export class SpdyConnection {
  readonly #carrier: SpdyCarrier;
  readonly #accept: AcceptStream;
  readonly #reader = new FrameReader();
  readonly #inflater = new HeaderInflater();
  readonly #deflater = new HeaderDeflater();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #gone = new AbortController();
  /** The newest stream of the peer: ids only grow. */
  #lastId = 0;
  /** The peer has said that it opens no more streams. */
  #leaving = false;
  /** The peer speaks of windows, so they hold. */
  #windowed = false;
  readonly #window = new SendWindow(initialWindow);
  #streamWindow = initialWindow;
  /** Those who wait for room in a window. */
  readonly #waiters = new Set<() => void>();
  #waiting = 0;
  #owed = 0;
  #paused = false;
  #read = 0;

  constructor(carrier: SpdyCarrier, accept: AcceptStream) {
    this.#carrier = carrier;
    this.#accept = accept;
  }

  /** Aborted when the connection is over. */
  get signal(): AbortSignal {
    return this.#gone.signal;
  }

  /** Bytes from the peer. What breaks the protocol ends the connection. */
  receive(chunk: Uint8Array): void {
    try {
      for (const frame of this.#reader.push(chunk)) {
        if (this.signal.aborted) return;
        this.#handle(frame);
      }
    } catch (error) {
      if (!(error instanceof SpdyError)) throw error;
      this.close(goAwayStatus.protocolError);
    }
  }

  /** Says GOAWAY and closes. Streams that are open are cut. */
  close(status: number = goAwayStatus.ok): void {
    if (this.signal.aborted) return;
    this.#answer({ kind: 'goAway', lastStreamId: this.#lastId, status });
    this.ended();
    this.#carrier.close();
  }

  /** The carrier is gone. */
  ended(): void {
    if (this.signal.aborted) return;
    this.#gone.abort();
    for (const stream of this.#streams.values()) stream.cut();
    this.#streams.clear();
    this.#wake();
  }

  #handle(frame: Frame): void {
    switch (frame.kind) {
      case 'data': {
        const stream = this.#streams.get(frame.streamId);
        if (stream) stream.receive(frame.bytes, frame.fin);
        else {
          this.#taken(frame.bytes.length);
          // A stream that is over may have data under way; one that never was is a mistake.
          if (frame.streamId > this.#lastId || frame.streamId % 2 === 0)
            this.#reset(frame.streamId, resetStatus.invalidStream);
        }
        return;
      }
      case 'synStream':
        this.#open(frame);
        return;
      case 'synReply':
      case 'headers':
        // Nothing in them is for us, but the compression of the next ones goes on from here.
        decodeHeaders(this.#inflater.inflate(frame.block));
        if (frame.fin) this.#streams.get(frame.streamId)?.receive(new Uint8Array(), true);
        return;
      case 'rstStream':
        this.#streams.get(frame.streamId)?.cut();
        return;
      case 'settings':
        this.#windowed = true;
        for (const { id, value } of frame.values) if (id === initialWindowSetting) this.#resize(value);
        this.#wake();
        return;
      case 'ping':
        // Ours would have even numbers; we send none.
        if (frame.id % 2 === 1) this.#answer(frame);
        return;
      case 'goAway':
        this.#leaving = true;
        return;
      case 'windowUpdate': {
        this.#windowed = true;
        if (frame.delta === 0) throw new SpdyError('a window update of 0 bytes');
        const window = frame.streamId === 0 ? this.#window : this.#streams.get(frame.streamId)?.window;
        window?.add(frame.delta);
        this.#wake();
      }
    }
  }

  #open(frame: Frame & { kind: 'synStream' }): void {
    const headers = decodeHeaders(this.#inflater.inflate(frame.block));
    const { streamId } = frame;
    if (streamId % 2 === 0 || streamId <= this.#lastId)
      throw new SpdyError(`stream ${streamId} opened after ${this.#lastId}`);
    this.#lastId = streamId;
    const full = this.#leaving || this.#streams.size >= maxStreams || frame.unidirectional;
    const opened = full ? undefined : this.#accept(headers, streamId);
    if (!opened) {
      this.#reset(streamId, resetStatus.refusedStream);
      return;
    }
    const stream = new SpdyStream(this.#host, streamId, headers, this.#streamWindow);
    this.#streams.set(streamId, stream);
    const block = this.#deflater.deflate(encodeHeaders(new Map()));
    this.#answer({ kind: 'synReply', streamId, fin: false, block });
    if (frame.fin) stream.receive(new Uint8Array(), true);
    opened(stream, this.signal);
  }

  /** A new size for the windows of all streams, those that are open too. */
  #resize(size: number): void {
    if (size > 0x7fffffff) throw new SpdyError(`an initial window of ${size} bytes`);
    for (const stream of this.#streams.values()) stream.window.add(size - this.#streamWindow);
    this.#streamWindow = size;
  }

  #reset(streamId: number, status: number): void {
    this.#answer({ kind: 'rstStream', streamId, status });
  }

  /** Sends what nobody waits for, and counts it until it is out. */
  #answer(frame: Frame): void {
    if (this.signal.aborted) return;
    const bytes = encodeFrame(frame);
    this.#owed += bytes.length;
    this.#regulate();
    this.#carrier.write(bytes).then(
      () => {
        this.#owed -= bytes.length;
        this.#regulate();
      },
      () => {},
    );
  }

  #taken(bytes: number): void {
    this.#read += bytes;
    if (this.#read < updateEvery) return;
    this.#answer({ kind: 'windowUpdate', streamId: 0, delta: this.#read });
    this.#read = 0;
  }

  #regulate(): void {
    const pause = this.#paused
      ? this.#waiting > maxWaiting / 2 || this.#owed > maxOwed / 2
      : this.#waiting > maxWaiting || this.#owed > maxOwed;
    if (pause === this.#paused || this.signal.aborted) return;
    this.#paused = pause;
    if (pause) this.#carrier.pause();
    else this.#carrier.resume();
  }

  #wake(): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const wake of waiters) wake();
  }

  readonly #host: StreamHost = {
    send: async (frame) => {
      if (this.signal.aborted) throw new Error('the connection is closed');
      if (frame.kind === 'data') await this.#carrier.write(encodeFrame(frame));
      else this.#answer(frame);
    },
    room: async (stream, bytes) => {
      for (;;) {
        if (stream.destroyed || this.signal.aborted) throw new Error('the stream is closed');
        const size = this.#windowed ? Math.min(bytes, stream.window.credit, this.#window.credit) : bytes;
        if (size > 0) {
          stream.window.spend(size);
          this.#window.spend(size);
          return size;
        }
        await new Promise<void>((resolve) => this.#waiters.add(resolve));
      }
    },
    waits: (cost) => {
      this.#waiting += cost;
      this.#regulate();
    },
    waited: (cost) => {
      this.#waiting -= cost;
      this.#regulate();
    },
    taken: (bytes) => this.#taken(bytes),
    gone: (stream) => {
      this.#streams.delete(stream.id);
      this.#wake();
    },
  };
}
