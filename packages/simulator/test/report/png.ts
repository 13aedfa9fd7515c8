/** Just enough of PNG (8 bits a channel, not interlaced) to see what a browser has painted. */
import { inflateSync } from 'node:zlib';

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue (and alpha, where there is one) of each pixel. */
  readonly pixels: Uint8Array;
  readonly channels: number;
}

export function readPng(file: Buffer): Picture {
  let width = 0;
  let height = 0;
  let channels = 3;
  const parts: Buffer[] = [];
  for (let at = 8; at < file.length;) {
    const length = file.readUInt32BE(at);
    const kind = file.toString('latin1', at + 4, at + 8);
    const body = file.subarray(at + 8, at + 8 + length);
    if (kind === 'IHDR') {
      width = body.readUInt32BE(0);
      height = body.readUInt32BE(4);
      channels = body[9] === 6 ? 4 : 3;
    }
    if (kind === 'IDAT') parts.push(body);
    at += 12 + length;
  }
  const raw = inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const pixels = new Uint8Array(stride * height);
  for (let row = 0; row < height; row++) {
    const filter = raw[row * (stride + 1)]!;
    for (let column = 0; column < stride; column++) {
      const left = column >= channels ? pixels[row * stride + column - channels]! : 0;
      const up = row > 0 ? pixels[(row - 1) * stride + column]! : 0;
      const corner = row > 0 && column >= channels ? pixels[(row - 1) * stride + column - channels]! : 0;
      const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter]!;
      pixels[row * stride + column] = raw[row * (stride + 1) + 1 + column]! + guess;
    }
  }
  return { width, height, pixels, channels };
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

/** How many colours there are. */
export function coloursOf({ pixels, channels }: Picture): number {
  const seen = new Set<number>();
  for (let at = 0; at < pixels.length; at += channels) {
    seen.add((pixels[at]! << 16) | (pixels[at + 1]! << 8) | pixels[at + 2]!);
  }
  return seen.size;
}
