/** The words in which an API server refuses. */
import { ApiError, errors } from '@coracle/machinery';
import type { RequestAttributes } from '../contracts.ts';

const quote = (text: string): string => JSON.stringify(text);

/** `User "x" cannot list resource "pods" in API group "" in the namespace "default"`. */
export function forbiddenMessage(attributes: RequestAttributes): string {
  const who = `User ${quote(attributes.user.username)} cannot`;
  if (!attributes.isResource) return `${who} ${attributes.verb} path ${quote(attributes.path)}`;
  const resource = attributes.subresource
    ? `${attributes.resource}/${attributes.subresource}`
    : attributes.resource;
  const what = `${who} ${attributes.verb} resource ${quote(resource)} in API group ${quote(attributes.group)}`;
  return attributes.namespace
    ? `${what} in the namespace ${quote(attributes.namespace)}`
    : `${what} at the cluster scope`;
}

/** The Forbidden error for a refused request; `reason` is the authorizer's. */
export function forbidden(attributes: RequestAttributes, reason?: string): ApiError {
  const message = forbiddenMessage(attributes);
  const why = reason ? `${message}: ${reason}` : message;
  if (!attributes.isResource) return new ApiError('Forbidden', `forbidden: ${why}`, {});
  return errors.forbidden(attributes, attributes.name, why);
}
