/** What carries SPDY: a socket after an HTTP/1.1 upgrade, or the binary messages of a WebSocket. */
import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import type { AcceptStream, SpdyCarrier } from './connection.ts';
import { SpdyConnection } from './connection.ts';

/** Bytes that may wait in a WebSocket before its writers do. */
const highWater = 256 * 1024;

/** `head` are bytes that came with the upgrade. */
export function spdyOnSocket(socket: Socket, head: Uint8Array, accept: AcceptStream): SpdyConnection {
  const carrier: SpdyCarrier = {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        if (socket.write(bytes, (error) => (error ? reject(error) : resolve()))) resolve();
      }),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    close: () => socket.destroySoon(),
  };
  const connection = new SpdyConnection(carrier, accept);
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => connection.receive(chunk));
  socket.on('end', () => connection.close());
  socket.on('close', () => connection.ended());
  if (head.length > 0) connection.receive(head);
  return connection;
}

export function spdyOnWebSocket(ws: WebSocket, accept: AcceptStream): SpdyConnection {
  const carrier: SpdyCarrier = {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        ws.send(bytes, (error) => (error ? reject(error) : resolve()));
        if (ws.readyState === ws.OPEN && ws.bufferedAmount < highWater) resolve();
      }),
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    close: () => ws.close(1000),
  };
  const connection = new SpdyConnection(carrier, accept);
  ws.on('message', (data: RawData) => connection.receive(data as Buffer));
  ws.on('close', () => connection.ended());
  ws.on('error', () => connection.ended());
  return connection;
}
