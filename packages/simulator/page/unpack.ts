/** Back from what `src/report/html/pack.ts` made. */

export async function inflate(base64: string): Promise<Uint8Array> {
  const packed = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export async function inflateJson<T>(base64: string): Promise<T> {
  return JSON.parse(new TextDecoder().decode(await inflate(base64))) as T;
}

/** Reads LEB128 numbers one after the other. */
export function numbers(bytes: Uint8Array): { readonly more: () => boolean; readonly next: () => number } {
  let at = 0;
  return {
    more: () => at < bytes.length,
    next: () => {
      let value = 0;
      for (let factor = 1; ; factor *= 128) {
        const byte = bytes[at++]!;
        value += (byte & 127) * factor;
        if (byte < 128) return value;
      }
    },
  };
}
