/** An expression could not be evaluated (no such key, overflow, cost limit, ...). */
export class CelError extends Error {
  override readonly name: string = 'CelError';

  constructor(message: string, options?: ErrorOptions) {
    // It is the expression that is at fault: a stack of ours says nothing, and costs ten times the evaluation.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
  }
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
