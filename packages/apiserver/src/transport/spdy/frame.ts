/** SPDY/3.1 frames as values: https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1, section 2. */

/** Lower-case names; a name may have several values. */
export type Headers = ReadonlyMap<string, readonly string[]>;

/** Control frame types (2.6). */
export const controlType = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

/** Why one stream ends (2.6.3). */
export const resetStatus = {
  protocolError: 1,
  invalidStream: 2,
  refusedStream: 3,
  unsupportedVersion: 4,
  cancel: 5,
  internalError: 6,
  flowControlError: 7,
  streamInUse: 8,
  streamAlreadyClosed: 9,
} as const;

/** Why the connection ends (2.6.6). */
export const goAwayStatus = { ok: 0, protocolError: 1, internalError: 2 } as const;

/** The setting of a new stream's send window, in bytes. */
export const initialWindowSetting = 7;

/** Flags: this is the sender's last frame of the stream; the receiver may not send on it. */
export const finFlag = 1;
export const unidirectionalFlag = 2;

export const protocolVersion = 3;

/** What a frame says. `block` is a compressed header block, to be opened in the order of arrival. */
export type Frame =
  | { kind: 'data'; streamId: number; bytes: Uint8Array; fin: boolean }
  | { kind: 'synStream'; streamId: number; fin: boolean; unidirectional: boolean; block: Uint8Array }
  | { kind: 'synReply' | 'headers'; streamId: number; fin: boolean; block: Uint8Array }
  | { kind: 'rstStream'; streamId: number; status: number }
  | { kind: 'settings'; values: { id: number; value: number }[] }
  | { kind: 'ping'; id: number }
  | { kind: 'goAway'; lastStreamId: number; status: number }
  | { kind: 'windowUpdate'; streamId: number; delta: number };

/** The peer broke the protocol in a way that ends the connection: answer with GOAWAY and close. */
export class SpdyError extends Error {
  override name = 'SpdyError';
}
