/** The SPDY codec by its laws: what is written is read, however it is cut; any bytes at all are read or refused. */
import { constants, createDeflate, createInflate, type Deflate } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dictionary, dictionaryId } from '../../src/transport/spdy/dictionary.ts';
import { type Frame, SpdyError } from '../../src/transport/spdy/frame.ts';
import { FrameReader, maxControl } from '../../src/transport/spdy/frame-reader.ts';
import { encodeFrame } from '../../src/transport/spdy/frame-writer.ts';
import { decodeHeaders, encodeHeaders } from '../../src/transport/spdy/header-block.ts';
import {
  HeaderDeflater,
  HeaderInflater,
  maxHeaderBlock,
} from '../../src/transport/spdy/header-compression.ts';

/** Runs; an error that is no SpdyError fails the test. */
function readOrRefused(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof SpdyError)) throw error;
  }
}
const bytes = (maxLength = 200): fc.Arbitrary<Buffer> => fc.uint8Array({ maxLength }).map(Buffer.from);
const streamId = fc.integer({ min: 1, max: 0x7fffffff });
const word = fc.nat(0x7fffffff);
const headers = fc
  .uniqueArray(
    fc.tuple(
      fc.stringMatching(/^[a-z0-9-]{1,20}$/),
      fc.array(fc.stringMatching(/^[^\0]{0,30}$/u), { minLength: 1, maxLength: 3 }),
    ),
    { selector: ([name]) => name, maxLength: 12 },
  )
  .map((entries) => new Map(entries));

const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ kind: fc.constant('data' as const), streamId, bytes: bytes(), fin: fc.boolean() }),
  fc.record({
    kind: fc.constant('synStream' as const),
    streamId,
    fin: fc.boolean(),
    unidirectional: fc.boolean(),
    block: bytes(),
  }),
  fc.record({
    kind: fc.constantFrom('synReply' as const, 'headers' as const),
    streamId,
    fin: fc.boolean(),
    block: bytes(),
  }),
  fc.record({ kind: fc.constant('rstStream' as const), streamId, status: word }),
  fc.record({
    kind: fc.constant('settings' as const),
    values: fc.array(fc.record({ id: fc.nat(0xffffff), value: word }), { maxLength: 5 }),
  }),
  fc.record({ kind: fc.constant('ping' as const), id: word }),
  fc.record({ kind: fc.constant('goAway' as const), lastStreamId: streamId, status: word }),
  fc.record({ kind: fc.constant('windowUpdate' as const), streamId: word, delta: word }),
);

/** Cuts bytes into pieces of these lengths, over and over. */
function* cut(whole: Buffer, lengths: readonly number[]): Generator<Buffer> {
  for (let at = 0, i = 0; at < whole.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    yield whole.subarray(at, at + length);
    at += length;
  }
}
const lengths = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 });

/** Pieces of one data frame joined again, and buffers made comparable. */
function joined(frames: Iterable<Frame>): unknown[] {
  const out: unknown[] = [];
  let open: { streamId: number; bytes: Buffer } | undefined;
  for (const each of frames) {
    if (each.kind !== 'data') {
      out.push('block' in each ? { ...each, block: Buffer.from(each.block).toString('hex') } : each);
      continue;
    }
    open = {
      streamId: each.streamId,
      bytes: Buffer.concat([...(open ? [open.bytes] : []), each.bytes]),
    };
    if (each.fin) {
      out.push({ ...open, bytes: open.bytes.toString('hex') });
      open = undefined;
    }
  }
  return out;
}

describe('frames', () => {
  test('written and read again are the same, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), lengths, (frames, pieces) => {
        // Every data frame ends its stream here, so that its pieces can be told from the next one's.
        const sent = frames.map((each) => (each.kind === 'data' ? { ...each, fin: true } : each));
        const reader = new FrameReader();
        const read = [...cut(Buffer.concat(sent.map(encodeFrame)), pieces)].flatMap((piece) => [
          ...reader.push(piece),
        ]);
        expect(joined(read)).toEqual(joined(sent));
      }),
    );
  });
  test('of any bytes are read or refused', () => {
    fc.assert(
      fc.property(bytes(400), lengths, (junk, pieces) => {
        const reader = new FrameReader();
        readOrRefused(() => {
          for (const piece of cut(junk, pieces)) Array.from(reader.push(piece));
        });
      }),
      { numRuns: 1000 },
    );
  });
  test('that are damaged are read or refused', () => {
    const damaged = fc.tuple(fc.array(frame, { minLength: 1, maxLength: 4 }), fc.nat(), fc.nat(255));
    fc.assert(
      fc.property(damaged, ([frames, at, value]) => {
        const whole = Buffer.concat(frames.map(encodeFrame));
        whole[at % whole.length] = value;
        const reader = new FrameReader();
        readOrRefused(() => void Array.from(reader.push(whole)));
      }),
      { numRuns: 1000 },
    );
  });
  test('of control are refused by their head when they are too long', () => {
    const head = Buffer.from([0x80, 3, 0, 1, 0, 0, 0, 0]);
    head.writeUIntBE(maxControl + 1, 5, 3);
    expect(() => Array.from(new FrameReader().push(head))).toThrow(SpdyError);
    head.writeUIntBE(maxControl, 5, 3);
    expect(Array.from(new FrameReader().push(head))).toEqual([]);
  });
  test('of another version are refused, of an unknown type passed over', () => {
    expect(() => Array.from(new FrameReader().push(Buffer.from([0x80, 2, 0, 6, 0, 0, 0, 4])))).toThrow(
      'SPDY version 2',
    );
    const unknown = Buffer.from([0x80, 3, 0, 99, 0, 0, 0, 2, 1, 2]);
    const ping = encodeFrame({ kind: 'ping', id: 1 });
    expect(Array.from(new FrameReader().push(Buffer.concat([unknown, ping])))).toEqual([
      { kind: 'ping', id: 1 },
    ]);
  });
  test('of data go on before they are complete', () => {
    const reader = new FrameReader();
    const whole = encodeFrame({ kind: 'data', streamId: 3, bytes: Buffer.from('hello'), fin: true });
    const read = (piece: Buffer): unknown[] => joined(reader.push(piece));
    expect(Array.from(reader.push(whole.subarray(0, 10)))).toMatchObject([{ kind: 'data', fin: false }]);
    expect(read(whole.subarray(10))).toEqual([{ streamId: 3, bytes: Buffer.from('llo').toString('hex') }]);
  });
});

describe('header blocks', () => {
  test('written and read again are the same', () => {
    fc.assert(
      fc.property(headers, (map) => {
        expect(decodeHeaders(encodeHeaders(map))).toEqual(map);
      }),
    );
  });
  test('of any bytes are read or refused', () => {
    fc.assert(
      fc.property(bytes(100), (junk) => readOrRefused(() => decodeHeaders(junk))),
      { numRuns: 1000 },
    );
  });
  test('with more names than there are bytes are refused at once', () => {
    expect(() => decodeHeaders(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toThrow(SpdyError);
    expect(() => decodeHeaders(Buffer.from([0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]))).toThrow(SpdyError);
  });
});

/** A zlib stream as other implementations keep it: one for all blocks, flushed after each. */
function oneStream(deflate: Deflate): (text: Buffer) => Promise<Buffer> {
  const out: Buffer[] = [];
  deflate.on('data', (chunk: Buffer) => out.push(chunk));
  return (text) =>
    new Promise((resolve) => {
      deflate.write(text);
      deflate.flush(constants.Z_SYNC_FLUSH, () => setImmediate(() => resolve(Buffer.concat(out.splice(0)))));
    });
}

describe('header compression', () => {
  test('starts from the dictionary of the specification', () => {
    let [a, b] = [1, 0];
    for (const byte of dictionary) {
      a = (a + byte) % 65521;
      b = (b + a) % 65521;
    }
    expect(((b << 16) | a) >>> 0).toBe(dictionaryId);
    expect(dictionary).toHaveLength(1423);
  });
  test('reads a zlib stream of many blocks, beyond its window', async () => {
    const compress = oneStream(createDeflate({ dictionary, level: 9 }));
    const inflater = new HeaderInflater();
    for (let i = 0; i < 600; i++) {
      const text = encodeHeaders(
        new Map([
          ['streamtype', [`data-${i}`]],
          ['x'.repeat(i % 150 || 1), [`${i}`]],
        ]),
      );
      expect(inflater.inflate(await compress(text)).equals(text)).toBe(true);
    }
  });
  test('reads a stream without a dictionary, as a sender may choose', async () => {
    const compress = oneStream(createDeflate());
    const inflater = new HeaderInflater();
    for (const text of ['one', 'one two', ''])
      expect(inflater.inflate(await compress(Buffer.from(text))).toString()).toBe(text);
  });
  test('writes what an inflater of another make reads', async () => {
    const deflater = new HeaderDeflater();
    const inflate = createInflate({ dictionary, finishFlush: constants.Z_SYNC_FLUSH });
    const texts = Array.from({ length: 20 }, (_, i) => `accept-charset ${i} `);
    for (const text of texts) inflate.write(deflater.deflate(Buffer.from(text)));
    inflate.end();
    expect(Buffer.concat(await inflate.toArray()).toString()).toBe(texts.join(''));
  });
  test('of headers both ways is the same', () => {
    fc.assert(
      fc.property(fc.array(headers, { maxLength: 6 }), (blocks) => {
        const [deflater, inflater] = [new HeaderDeflater(), new HeaderInflater()];
        for (const block of blocks)
          expect(decodeHeaders(inflater.inflate(deflater.deflate(encodeHeaders(block))))).toEqual(block);
      }),
    );
  });
  test('of any bytes is read or refused, first and later', () => {
    fc.assert(
      fc.property(bytes(), bytes(), (first, later) => {
        readOrRefused(() => new HeaderInflater().inflate(first));
        const begun = new HeaderInflater();
        begun.inflate(new HeaderDeflater().deflate(Buffer.from('begun')));
        readOrRefused(() => begun.inflate(later));
      }),
      { numRuns: 500 },
    );
  });
  test('that would grow out of bounds is refused', () => {
    const bomb = new HeaderDeflater().deflate(Buffer.alloc(maxHeaderBlock + 1));
    expect(bomb.length).toBeLessThan(1000);
    expect(() => new HeaderInflater().inflate(bomb)).toThrow(SpdyError);
  });
});
