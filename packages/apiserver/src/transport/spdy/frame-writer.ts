/** Frames to bytes: the inverse of FrameReader. */
import { controlType, finFlag, type Frame, protocolVersion, unidirectionalFlag } from './frame.ts';

/** The bytes of a frame. Data is at most 2^24 - 1 bytes long. */
export function encodeFrame(frame: Frame): Buffer {
  switch (frame.kind) {
    case 'data': {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(frame.streamId, 0);
      head.writeUInt8(frame.fin ? finFlag : 0, 4);
      head.writeUIntBE(frame.bytes.length, 5, 3);
      return frame.bytes.length === 0 ? head : Buffer.concat([head, frame.bytes]);
    }
    case 'synStream': {
      const flags = (frame.fin ? finFlag : 0) | (frame.unidirectional ? unidirectionalFlag : 0);
      // No associated stream, highest priority, no credential slot.
      return control(controlType.synStream, flags, [
        word(frame.streamId),
        word(0),
        Buffer.alloc(2),
        frame.block,
      ]);
    }
    case 'synReply':
    case 'headers':
      return control(controlType[frame.kind], frame.fin ? finFlag : 0, [word(frame.streamId), frame.block]);
    case 'rstStream':
      return control(controlType.rstStream, 0, [word(frame.streamId), word(frame.status)]);
    case 'settings':
      return control(controlType.settings, 0, [
        word(frame.values.length),
        ...frame.values.flatMap(({ id, value }) => [word(id), word(value)]),
      ]);
    case 'ping':
      return control(controlType.ping, 0, [word(frame.id)]);
    case 'goAway':
      return control(controlType.goAway, 0, [word(frame.lastStreamId), word(frame.status)]);
    case 'windowUpdate':
      return control(controlType.windowUpdate, 0, [word(frame.streamId), word(frame.delta)]);
  }
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function control(type: number, flags: number, parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8000 | protocolVersion, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt8(flags, 4);
  head.writeUIntBE(
    parts.reduce((sum, part) => sum + part.length, 0),
    5,
    3,
  );
  return Buffer.concat([head, ...parts]);
}
