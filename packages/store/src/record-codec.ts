/**
 * A journal record as bytes: a fixed header, the key, the value. All numbers little-endian.
 *
 *   0  u32  CRC-32 of everything after it
 *   4  u8   1 PUT, 2 DELETE
 *   5  u8   0 (room)
 *   6  u16  length of the key in bytes (see maxKeyBytes)
 *   8  f64  create revision
 *   16 f64  revision of the value before, 0 if none
 *   24      key in UTF-8, then the value
 *
 * The revision is the record's key in the table. The checksum finds damage that LMDB's own structure does not show.
 */
import { crc32 } from 'node:zlib';
import type { JournalRecord } from './journal.ts';

const headerBytes = 24;

/** Bytes that a record takes. */
export const recordBytes = ({ key, bytes }: JournalRecord): number =>
  headerBytes + Buffer.byteLength(key) + bytes.length;

/** Writes a record of `size` bytes (see recordBytes) into `room` from `start` on, and returns that part of it. */
export function encodeRecord(record: JournalRecord, room: Buffer, start: number, size: number): Buffer {
  const out = room.subarray(start, start + size);
  const keyBytes = size - headerBytes - record.bytes.length;
  out.writeUInt16LE(record.type === 'PUT' ? 1 : 2, 4);
  out.writeUInt16LE(keyBytes, 6);
  out.writeDoubleLE(record.createRevision, 8);
  out.writeDoubleLE(record.previousRevision, 16);
  out.write(record.key, headerBytes);
  out.set(record.bytes, headerBytes + keyBytes);
  out.writeUInt32LE(crc32(out.subarray(4)), 0);
  return out;
}

/** The record, sharing `bytes`' memory; a text that says what is wrong if these are not a record's bytes. */
export function decodeRecord(revision: number, bytes: Buffer): JournalRecord | string {
  if (bytes.length < headerBytes) return `record ${revision} is cut short`;
  if (crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) return `record ${revision} is damaged (checksum)`;
  const valueStart = headerBytes + bytes.readUInt16LE(6);
  return {
    type: bytes.readUInt16LE(4) === 1 ? 'PUT' : 'DELETE',
    key: bytes.toString('utf8', headerBytes, valueStart),
    revision,
    createRevision: bytes.readDoubleLE(8),
    previousRevision: bytes.readDoubleLE(16),
    bytes: bytes.subarray(valueStart),
  };
}
