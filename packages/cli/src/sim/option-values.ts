/** Values of options of `coracle sim` and the commands below it, as commander hands them over. */
import { CliError } from '../context.ts';

/** Names with commas between them. `option` is for messages, here and below. */
export function commas(option: string): (text: string) => string[] {
  return (text) => {
    const names = text.split(',').map((name) => name.trim());
    if (names.includes('')) throw new CliError(`${option}: "${text}" is not names with commas between them`);
    return names;
  };
}

/** Of an option that may be repeated. */
export function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** A whole number of `least` or more. */
export function whole(option: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || text === '') {
      throw new CliError(`${option}: "${text}" is not a whole number of ${least} or more`);
    }
    return value;
  };
}
