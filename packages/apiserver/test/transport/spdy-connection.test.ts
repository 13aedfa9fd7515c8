/** A SPDY connection without a network: what it answers, how it bounds what a peer can cost, and that no bytes break it. */
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SpdyConnection } from '../../src/transport/spdy/connection.ts';
import { goAwayStatus, initialWindowSetting, resetStatus } from '../../src/transport/spdy/frame.ts';
import type { SpdyStream } from '../../src/transport/spdy/stream.ts';
import { SpdyClient } from './spdy-client.ts';

interface Pipe {
  client: SpdyClient;
  connection: SpdyConnection;
  /** The server's streams, in the order they were opened. */
  streams: SpdyStream[];
  carrier: { paused: boolean; closed: boolean; stuck: boolean };
}

/** A client and a connection, joined; the connection takes all streams but those of type `no`. */
function pipe(): Pipe {
  const streams: SpdyStream[] = [];
  const carrier = { paused: false, closed: false, stuck: false };
  const client: SpdyClient = new SpdyClient((bytes) => connection.receive(bytes));
  const connection = new SpdyConnection(
    {
      write: (bytes) => {
        client.receive(bytes);
        return carrier.stuck ? new Promise(() => {}) : Promise.resolve();
      },
      pause: () => (carrier.paused = true),
      resume: () => (carrier.paused = false),
      close: () => (carrier.closed = true),
    },
    (headers) =>
      headers.get('streamtype')?.[0] === 'no' ? undefined : (stream) => void streams.push(stream),
  );
  return { client, connection, streams, carrier };
}
const only = (streams: SpdyStream[]): SpdyStream => {
  const [stream] = streams;
  if (!stream) throw new Error('no stream was opened');
  return stream;
};

describe('a stream', () => {
  test('is answered, carries bytes both ways and ends on both sides', async () => {
    const { client, streams, connection } = pipe();
    const mine = client.open({ streamtype: 'data', port: '80' });
    const theirs = only(streams);
    expect(mine.replied).toBe(true);
    expect([theirs.header('streamtype'), theirs.header('port'), theirs.header('none')]).toEqual([
      'data',
      '80',
      '',
    ]);
    client.data(mine, 'ping', true);
    expect(Buffer.concat(await theirs.toArray()).toString()).toBe('ping');
    theirs.end('pong');
    await client.until(() => mine.ended);
    expect(mine.text()).toBe('pong');
    expect(mine.reset).toBeUndefined();
    expect(connection.signal.aborted).toBe(false);
  });
  test('that nobody wants is refused', () => {
    const { client, streams } = pipe();
    expect(client.open({ streamtype: 'no' }).reset).toBe(resetStatus.refusedStream);
    expect(client.open({ streamtype: 'yes' }).replied).toBe(true);
    expect(streams).toHaveLength(1);
  });
  test('is refused after the client said that it opens no more', () => {
    const { client } = pipe();
    client.send({ kind: 'goAway', lastStreamId: 0, status: goAwayStatus.ok });
    expect(client.open({ streamtype: 'data' }).reset).toBe(resetStatus.refusedStream);
  });
  test('is refused beyond a thousand', () => {
    const { client } = pipe();
    const all = Array.from({ length: 1025 }, () => client.open({ streamtype: 'data' }));
    expect(all.filter((stream) => stream.reset === resetStatus.refusedStream)).toHaveLength(1);
  });
  test('destroyed here is reset there, and the other way round', async () => {
    const { client, streams } = pipe();
    const mine = client.open({ streamtype: 'data' });
    only(streams).destroy();
    await client.until(() => mine.reset !== undefined);
    expect(mine.reset).toBe(resetStatus.cancel);
    const other = client.open({ streamtype: 'data' });
    client.send({ kind: 'rstStream', streamId: other.id, status: resetStatus.cancel });
    expect(streams[1]?.destroyed).toBe(true);
    expect(other.reset).toBeUndefined();
    // Data that was under way is passed over.
    client.data(other, 'late');
    expect(other.reset).toBeUndefined();
  });
  test('that never was is reset', () => {
    const { client } = pipe();
    client.send({ kind: 'data', streamId: 9, bytes: Buffer.from('x'), fin: false });
    expect(client.others).toEqual([{ kind: 'rstStream', streamId: 9, status: resetStatus.invalidStream }]);
  });
  test.each([2, 0, 1])('with the id %i after stream 1 ends the connection', (id) => {
    const { client, carrier, connection } = pipe();
    client.open({ streamtype: 'data' }, 1);
    client.open({ streamtype: 'data' }, id);
    expect(client.others).toEqual([{ kind: 'goAway', lastStreamId: 1, status: goAwayStatus.protocolError }]);
    expect([carrier.closed, connection.signal.aborted]).toEqual([true, true]);
  });
});

describe('the connection', () => {
  test('answers pings of the client', () => {
    const { client } = pipe();
    client.send({ kind: 'ping', id: 7 });
    client.send({ kind: 'ping', id: 8 });
    expect(client.others).toEqual([{ kind: 'ping', id: 7 }]);
  });
  test('cuts its streams when it ends', async () => {
    const { client, streams, connection } = pipe();
    client.open({ streamtype: 'data' });
    const closed = once(only(streams), 'close');
    connection.ended();
    await closed;
    expect(only(streams).destroyed).toBe(true);
  });
  test('is paused while much waits to be read, and goes on', async () => {
    const { client, streams, carrier } = pipe();
    const mine = client.open({ streamtype: 'data' });
    let sent = 0;
    for (; !carrier.paused && sent < 100; sent++) client.data(mine, Buffer.alloc(64 * 1024));
    expect(sent * 64).toBeGreaterThan(3500);
    expect(sent * 64).toBeLessThan(4500);
    let read = 0;
    for await (const chunk of only(streams)) {
      read += (chunk as Buffer).length;
      if (read === sent * 64 * 1024) break;
    }
    expect(carrier.paused).toBe(false);
  });
  test('counts many tiny pieces for what they cost', () => {
    const { client, carrier } = pipe();
    const mine = client.open({ streamtype: 'data' });
    let sent = 0;
    for (; !carrier.paused && sent < 100_000; sent++) client.data(mine, 'x');
    expect(sent).toBeLessThan(20_000);
  });
  test('is not read while its peer does not take the answers', () => {
    const { client, carrier } = pipe();
    carrier.stuck = true;
    let sent = 0;
    for (; !carrier.paused && sent < 100_000; sent++) client.send({ kind: 'ping', id: 1 });
    expect(sent).toBeLessThan(30_000);
  });
  test('of any bytes ends in order', () => {
    const junk = fc.uint8Array({ maxLength: 300 });
    fc.assert(
      fc.property(junk, fc.boolean(), (bytes, begun) => {
        const { client, connection, carrier } = pipe();
        if (begun) client.open({ streamtype: 'data' });
        connection.receive(bytes);
        expect(carrier.closed).toBe(connection.signal.aborted);
      }),
      { numRuns: 1000 },
    );
  });
  test('of any frames ends in order', () => {
    const id = fc.nat(9);
    const number = fc.oneof(fc.nat(0x7fffffff), fc.nat(9));
    const frame = fc.oneof(
      fc.record({
        kind: fc.constant('data' as const),
        streamId: fc.integer({ min: 1, max: 9 }),
        bytes: fc.uint8Array({ maxLength: 50 }),
        fin: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('rstStream' as const), streamId: id, status: number }),
      fc.record({ kind: fc.constant('windowUpdate' as const), streamId: id, delta: number }),
      fc.record({ kind: fc.constant('ping' as const), id: number }),
      fc.record({ kind: fc.constant('goAway' as const), lastStreamId: id, status: number }),
      fc.record({
        kind: fc.constant('settings' as const),
        values: fc.array(fc.record({ id: fc.nat(9), value: number }), { maxLength: 3 }),
      }),
      fc.record({ kind: fc.constant('open' as const), id: fc.constantFrom(1, 3, 5, 7, 9, 2) }),
    );
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 20 }), (frames) => {
        const { client, connection, carrier, streams } = pipe();
        for (const each of frames)
          if (each.kind === 'open') client.open({ streamtype: 'data' }, each.id);
          else client.send(each);
        for (const stream of streams) stream.end('x');
        expect(carrier.closed).toBe(connection.signal.aborted);
        if (carrier.closed) expect(streams.every((stream) => stream.destroyed)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});

describe('flow control', () => {
  test('tells the peer that it may send more, as its data is read', async () => {
    const { client, streams } = pipe();
    const mine = client.open({ streamtype: 'data' });
    client.data(mine, Buffer.alloc(40_000));
    only(streams).resume();
    await client.until(() => client.others.length >= 2);
    expect(client.others).toContainEqual({ kind: 'windowUpdate', streamId: 1, delta: 40_000 });
    expect(client.others).toContainEqual({ kind: 'windowUpdate', streamId: 0, delta: 40_000 });
  });
  test('is not expected of a peer that never speaks of it', async () => {
    const { client, streams } = pipe();
    const mine = client.open({ streamtype: 'data' });
    only(streams).end(Buffer.alloc(300_000));
    await client.until(() => mine.ended);
    expect(Buffer.concat(mine.bytes)).toHaveLength(300_000);
  });
  test('keeps to the windows of a peer that does', async () => {
    const { client, streams } = pipe();
    client.send({ kind: 'settings', values: [{ id: initialWindowSetting, value: 10 }] });
    const mine = client.open({ streamtype: 'data' });
    const size = (): number => Buffer.concat(mine.bytes).length;
    only(streams).end(Buffer.alloc(100_000, 'x'));
    await client.until(() => size() === 10);
    client.send({ kind: 'windowUpdate', streamId: mine.id, delta: 5 });
    await client.until(() => size() === 15);
    // Now the stream's window is wide, and the connection's is what holds.
    client.send({ kind: 'windowUpdate', streamId: mine.id, delta: 1_000_000 });
    await client.until(() => size() === 65_536);
    expect(mine.ended).toBe(false);
    client.send({ kind: 'windowUpdate', streamId: 0, delta: 1_000_000 });
    await client.until(() => mine.ended);
    expect(size()).toBe(100_000);
  });
  test('a new initial window is for open streams too', async () => {
    const { client, streams } = pipe();
    const mine = client.open({ streamtype: 'data' });
    client.send({ kind: 'settings', values: [{ id: initialWindowSetting, value: 0 }] });
    only(streams).end('hello');
    client.send({ kind: 'settings', values: [{ id: initialWindowSetting, value: 3 }] });
    await client.until(() => mine.text() === 'hel');
    client.send({ kind: 'settings', values: [{ id: initialWindowSetting, value: 9 }] });
    await client.until(() => mine.ended);
    expect(mine.text()).toBe('hello');
  });
  test('a window beyond what the protocol allows ends the connection', () => {
    const { client, carrier } = pipe();
    client.send({ kind: 'windowUpdate', streamId: 0, delta: 0x7fffffff });
    expect(carrier.closed).toBe(true);
  });
  test('a writer that waits for a window is let go when the stream is reset', async () => {
    const { client, streams } = pipe();
    client.send({ kind: 'settings', values: [{ id: initialWindowSetting, value: 0 }] });
    const mine = client.open({ streamtype: 'data' });
    const written = new Promise((resolve) => only(streams).write('x', resolve));
    client.send({ kind: 'rstStream', streamId: mine.id, status: resetStatus.cancel });
    expect(await written).toBeInstanceOf(Error);
  });
});
