/** MiB/s of one port-forward's data through the SPDY connection, both ways, without a network. `node packages/apiserver/bench/spdy.ts` */
import { encodeFrame } from '../src/transport/spdy/frame-writer.ts';
import { SpdyConnection } from '../src/transport/spdy/connection.ts';
import { encodeHeaders } from '../src/transport/spdy/header-block.ts';
import { HeaderDeflater } from '../src/transport/spdy/header-compression.ts';
import type { SpdyStream } from '../src/transport/spdy/stream.ts';
import { line } from './setup.ts';

const mebibytes = Number(process.argv[2] ?? 1024);
/** What client-go puts into a frame, and what a socket gives at a time. */
const chunk = Buffer.alloc(32 * 1024, 'x');
const count = mebibytes * 32;

function open(write: (bytes: Uint8Array) => Promise<void>): {
  connection: SpdyConnection;
  stream: SpdyStream;
} {
  const streams: SpdyStream[] = [];
  const connection = new SpdyConnection(
    { write, pause() {}, resume() {}, close() {} },
    () => (stream) => void streams.push(stream),
  );
  const block = new HeaderDeflater().deflate(encodeHeaders(new Map([['streamtype', ['data']]])));
  connection.receive(
    encodeFrame({ kind: 'synStream', streamId: 1, fin: false, unidirectional: false, block }),
  );
  const [stream] = streams;
  if (!stream) throw new Error('the stream was not opened');
  return { connection, stream };
}
const report = (name: string, started: number): void =>
  line(`SPDY data, ${name}`, mebibytes / ((performance.now() - started) / 1000), 'MiB/s');

const inward = open(() => Promise.resolve());
const frame = encodeFrame({ kind: 'data', streamId: 1, bytes: chunk, fin: false });
inward.stream.resume();
let started = performance.now();
for (let i = 0; i < count; i++) {
  inward.connection.receive(frame);
  // As from a socket: each piece in a turn of its own.
  if (i % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
}
report('client to pod', started);

const outward = open(() => Promise.resolve());
started = performance.now();
for (let i = 0; i < count; i++)
  if (!outward.stream.write(chunk)) await new Promise((resolve) => outward.stream.once('drain', resolve));
report('pod to client', started);
