/** Terminal sizes as clients send them: JSON objects `{"Width":80,"Height":24}`, one after the other. */

/** Text kept while an object is incomplete. */
const longest = 1024;

/** The sizes in a stream of text, however it is cut; what is no size is passed over. */
export async function* terminalSizes(
  chunks: AsyncIterable<Uint8Array>,
): AsyncIterable<{ width: number; height: number }> {
  let text = '';
  for await (const chunk of chunks) {
    text += Buffer.from(chunk).toString('latin1');
    const end = text.lastIndexOf('}') + 1;
    const whole = text.slice(0, end);
    text = text.slice(end).slice(-longest);
    for (const [object] of whole.matchAll(/\{[^{}]*\}/g)) {
      const size = sizeOf(object);
      if (size) yield size;
    }
  }
}

function sizeOf(object: string): { width: number; height: number } | undefined {
  try {
    const { Width, Height } = JSON.parse(object) as { Width?: unknown; Height?: unknown };
    const dimension = (value: unknown): value is number => Number.isInteger(value) && Number(value) >= 0;
    return dimension(Width) && dimension(Height) ? { width: Width, height: Height } : undefined;
  } catch {
    return undefined;
  }
}
