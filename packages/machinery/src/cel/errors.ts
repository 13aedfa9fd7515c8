/** An expression could not be evaluated (no such key, overflow, cost limit, ...). */
export class CelError extends Error {
  override readonly name = 'CelError';
}
