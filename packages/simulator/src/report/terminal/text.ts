/** What the terminal's parts share: widths and colours. */

/** Where text goes, as the edge knows it. */
export interface TerminalOptions {
  /** Columns. Default 80. */
  readonly width?: number;
  readonly colour?: boolean;
}

/** Colour only on a terminal, never with NO_COLOR (https://no-color.org) or a terminal that has none. */
export function coloured(isTTY: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  return isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
}

export type Paint = (code: 'bold' | 'green' | 'red' | 'dim', text: string) => string;

const codes = { bold: 1, dim: 2, green: 32, red: 31 } as const;

export function painter(colour: boolean): Paint {
  return (code, text) => (colour ? `\u001b[${codes[code]}m${text}\u001b[0m` : text);
}

/** Without what a terminal would obey: names come from traces. */
export function plain(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}

/** Cut to a width, with `…` for what is gone. */
export function fit(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

export function widthOf(text: string): number {
  return [...text].length;
}

export function padded(text: string, width: number, side: 'left' | 'right' = 'left'): string {
  const blank = ' '.repeat(Math.max(0, width - widthOf(text)));
  return side === 'left' ? text + blank : blank + text;
}

/** Lines of words, none wider than the width unless one word is. */
export function wrapped(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  const start = text.length - text.trimStart().length;
  let line = '';
  for (const word of text.trim().split(' ')) {
    if (line && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = indent + word;
    } else line = line ? `${line} ${word}` : word;
  }
  return ' '.repeat(start) + [...lines, line].join('\n');
}
