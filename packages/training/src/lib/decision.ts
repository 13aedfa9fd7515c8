/** An event that a decision wants written, about the object that was decided on. */
export interface EventDraft {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}
