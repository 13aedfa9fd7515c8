/**
 * A WebSocket client on a socket that was upgraded by hand, as far as a tunnel needs it: binary messages both ways. Client
 * libraries refuse to ask for the tunnel's subprotocol, whose name has a slash.
 */
import type { Duplex } from 'node:stream';

/** One masked binary message. The mask is zero, so that the bytes stay as they are. */
function message(bytes: Buffer): Buffer {
  const head = Buffer.alloc(14);
  head.writeUInt8(0x82, 0);
  head.writeUInt8(0xff, 1);
  head.writeBigUInt64BE(BigInt(bytes.length), 2);
  return Buffer.concat([head, bytes]);
}

/** Calls `receive` with what each message carries and `closed` at the end; the result sends one. */
export function binaryMessages(
  socket: Duplex,
  head: Buffer,
  receive: (bytes: Buffer) => void,
  closed: () => void,
): (bytes: Buffer) => void {
  let kept = head;
  const read = (): void => {
    while (kept.length >= 2) {
      const short = kept.readUInt8(1) & 0x7f;
      const start = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (kept.length < start) return;
      const length =
        short < 126 ? short : short === 126 ? kept.readUInt16BE(2) : Number(kept.readBigUInt64BE(2));
      if (kept.length < start + length) return;
      const opcode = kept.readUInt8(0) & 0x0f;
      const bytes = kept.subarray(start, start + length);
      kept = kept.subarray(start + length);
      if (opcode === 2) receive(bytes);
      else if (opcode === 8) closed();
    }
  };
  socket.on('data', (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]);
    read();
  });
  socket.on('close', closed);
  read();
  return (bytes) => void socket.write(message(bytes));
}
