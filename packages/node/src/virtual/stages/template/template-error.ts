/** A template that was understood and cannot be carried out for this object. */
export class TemplateError extends Error {
  override name = 'TemplateError';
}
