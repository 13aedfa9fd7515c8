/**
 * Bytes in, frames out. A control frame is handed on when all of it is there, and is at most `maxControl` long; data goes
 * on as it comes, in as many pieces as it took, so that nothing is kept of it here.
 */
import { controlType, finFlag, type Frame, protocolVersion, SpdyError, unidirectionalFlag } from './frame.ts';

/** Longest control frame taken, in bytes after its head. */
export const maxControl = 64 * 1024;

const headLength = 8;

export class FrameReader {
  /** The start of a head or control frame whose rest has not come. At most headLength + maxControl bytes. */
  #kept: Buffer[] = [];
  #keptSize = 0;
  /** Bytes to have before going on: a head, or a head with the control frame that it begins. */
  #need = headLength;
  /** The data frame that is passing through: what is still to come of it. */
  #data: { streamId: number; fin: boolean; left: number } | undefined;

  /** The frames that these bytes complete. Throws SpdyError when they are none; the reader is of no use then. */
  *push(chunk: Uint8Array): Generator<Frame> {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (;;) {
      if (this.#data) {
        const piece = rest.subarray(0, this.#data.left);
        rest = rest.subarray(piece.length);
        this.#data.left -= piece.length;
        const { streamId, fin, left } = this.#data;
        if (left === 0) this.#data = undefined;
        if (piece.length > 0 || left === 0)
          yield { kind: 'data', streamId, bytes: piece, fin: fin && left === 0 };
        if (left > 0) return;
      }
      const piece = rest.subarray(0, this.#need - this.#keptSize);
      rest = rest.subarray(piece.length);
      if (piece.length > 0) this.#kept.push(piece);
      this.#keptSize += piece.length;
      if (this.#keptSize < this.#need) return;
      const frame = this.#kept.length === 1 && this.#kept[0] ? this.#kept[0] : Buffer.concat(this.#kept);
      const word = frame.readUInt32BE(0);
      if (word >= 0x80000000 && frame.length === headLength) {
        this.#need = headLength + controlLength(frame);
        this.#kept = [frame];
        if (this.#need > headLength) continue;
      }
      this.#kept = [];
      this.#keptSize = 0;
      this.#need = headLength;
      if (word < 0x80000000) this.#data = dataHead(word, frame.readUInt8(4), frame.readUIntBE(5, 3));
      else {
        const read = controlFrame(word & 0xffff, frame.readUInt8(4), frame.subarray(headLength));
        if (read) yield read;
      }
    }
  }
}

function dataHead(
  streamId: number,
  flags: number,
  left: number,
): { streamId: number; fin: boolean; left: number } {
  if (streamId === 0) throw new SpdyError('a data frame of stream 0');
  return { streamId, fin: (flags & finFlag) !== 0, left };
}

/** Bytes of a control frame after its head. Throws SpdyError for one not to be waited for. */
function controlLength(head: Buffer): number {
  const version = head.readUInt16BE(0) & 0x7fff;
  if (version !== protocolVersion) throw new SpdyError(`a frame of SPDY version ${version}`);
  const length = head.readUIntBE(5, 3);
  if (length > maxControl) throw new SpdyError(`a control frame of ${length} bytes`);
  return length;
}

const id = (body: Buffer, at = 0): number => body.readUInt32BE(at) & 0x7fffffff;

function controlFrame(type: number, flags: number, body: Buffer): Frame | undefined {
  const fin = (flags & finFlag) !== 0;
  const least = (length: number): void => {
    if (body.length < length)
      throw new SpdyError(`a control frame of type ${type} with ${body.length} bytes`);
  };
  switch (type) {
    case controlType.synStream:
      least(10);
      return {
        kind: 'synStream',
        streamId: id(body),
        fin,
        unidirectional: (flags & unidirectionalFlag) !== 0,
        block: body.subarray(10),
      };
    case controlType.synReply:
    case controlType.headers:
      least(4);
      return {
        kind: type === controlType.headers ? 'headers' : 'synReply',
        streamId: id(body),
        fin,
        block: body.subarray(4),
      };
    case controlType.rstStream:
      least(8);
      return { kind: 'rstStream', streamId: id(body), status: body.readUInt32BE(4) };
    case controlType.settings:
      return { kind: 'settings', values: settings(body) };
    case controlType.ping:
      least(4);
      return { kind: 'ping', id: body.readUInt32BE(0) };
    case controlType.goAway:
      least(8);
      return { kind: 'goAway', lastStreamId: id(body), status: body.readUInt32BE(4) };
    case controlType.windowUpdate:
      least(8);
      return { kind: 'windowUpdate', streamId: id(body), delta: id(body, 4) };
    default:
      // Types that are not known are to be passed over (2.2.1).
      return undefined;
  }
}

function settings(body: Buffer): { id: number; value: number }[] {
  const count = body.length < 4 ? 0 : body.readUInt32BE(0);
  if (body.length !== 4 + count * 8) throw new SpdyError(`${count} settings in ${body.length} bytes`);
  return Array.from({ length: count }, (_, i) => ({
    // One byte of flags, three of id.
    id: body.readUIntBE(5 + i * 8, 3),
    value: body.readUInt32BE(8 + i * 8),
  }));
}
