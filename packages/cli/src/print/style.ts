import type { Output } from '../context.ts';

/** Colours that say something, or nothing where they cannot be shown. */
export interface Style {
  readonly coloured: boolean;
  bold(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  dim(text: string): string;
  /** One of a few well-apart colours, the same for the same number. */
  nth(index: number, text: string): string;
}

const nthCodes = ['36', '33', '32', '35', '34', '96', '93', '92', '95', '94'];

/** Colour on a terminal only, and never when NO_COLOR is set (https://no-color.org). */
export function styleFor(out: Output, env: Readonly<Record<string, string | undefined>>): Style {
  const coloured = out.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  const paint = (code: string, text: string): string => (coloured ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    coloured,
    bold: (text) => paint('1', text),
    red: (text) => paint('31', text),
    green: (text) => paint('32', text),
    yellow: (text) => paint('33', text),
    dim: (text) => paint('2', text),
    nth: (index, text) => paint(nthCodes[index % nthCodes.length] ?? '0', text),
  };
}
