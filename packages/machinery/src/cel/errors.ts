/** An expression could not be evaluated (no such key, overflow, cost limit, ...). */
export class CelError extends Error {
  override readonly name = 'CelError';
}

/** Thrown inside the parser and the checker; the public functions give issues instead. */
export class CelSyntaxError extends Error {
  override readonly name = 'CelSyntaxError';
  /** Offset in UTF-16 units from the start of the source. */
  readonly at: number;
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}
