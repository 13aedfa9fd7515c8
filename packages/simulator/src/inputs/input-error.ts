/** What is wrong with an input, and where. The only error that reading an input throws for what is in it. */
export interface InputPlace {
  /** From 1. */
  readonly line?: number | undefined;
  readonly column?: string | undefined;
}

export class InputError extends Error {
  override name = 'InputError';
  /** As the reader was given it. */
  readonly file: string;
  /** From 1; undefined if it is about the file as a whole. */
  readonly line: number | undefined;
  /** The name in the header, or the field's or setting's. */
  readonly column: string | undefined;

  /** `problem` says what is there and what was expected. */
  constructor(file: string, problem: string, place: InputPlace = {}, cause?: unknown) {
    const { line, column } = place;
    const where = `${file}${line === undefined ? '' : `:${line}`}`;
    super(
      `${where}: ${column === undefined ? '' : `${line === undefined ? 'setting' : 'column'} "${column}": `}${problem}`,
      cause === undefined ? undefined : { cause },
    );
    this.file = file;
    this.line = line;
    this.column = column;
  }
}

/** A piece of the input for a message: short, on one line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}
