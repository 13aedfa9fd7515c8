import { createTurns } from '@coracle/operator';

/**
 * Copies a log to `line` call by call, whole lines without their ends; the last one may have had none. Long logs let other
 * work in between.
 */
export async function eachLine(
  chunks: AsyncIterable<Uint8Array>,
  line: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  const turns = createTurns();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) line(text);
    await turns.pause();
  }
  rest += decoder.decode();
  if (rest) line(rest);
}
