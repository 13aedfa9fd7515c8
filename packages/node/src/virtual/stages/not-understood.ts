/** A part of a Stage that cannot be had here: what it is, and what can. */
export class NotUnderstood extends Error {
  override name = 'NotUnderstood';
}
