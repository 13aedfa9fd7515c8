/** `kubectl --as`: acting as somebody else, for those who may (verb `impersonate`). */
import { errors, type UserInfo } from '@coracle/machinery';
import type { Authorizer, RequestAttributes } from '../contracts.ts';
import { authenticated } from './authentication.ts';
import { forbidden } from './forbidden.ts';
import { serviceAccountGroups, splitServiceAccount } from './service-account-tokens.ts';

const prefix = 'impersonate-';
const extraPrefix = 'impersonate-extra-';

/** Node joins repeated headers with a comma and a space. */
const values = (header: string | undefined): string[] =>
  header === undefined ? [] : header.split(/,\s*/).filter((value) => value !== '');

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function asksFor(headers: Readonly<Record<string, string | undefined>>): boolean {
  for (const name in headers) if (name.startsWith(prefix)) return true;
  return false;
}

/**
 * The user that the `Impersonate-*` headers ask to be, or `user` when there are none. Throws Forbidden if `user` may not,
 * and BadRequest if groups, uid or extra are asked for without a user.
 */
export function impersonated(
  user: UserInfo,
  headers: Readonly<Record<string, string | undefined>>,
  authorizer: Authorizer,
): UserInfo {
  if (!asksFor(headers)) return user;
  const username = headers['impersonate-user'];
  const groups = values(headers['impersonate-group']);
  const uid = headers['impersonate-uid'];
  const extras = Object.entries(headers).filter(([name]) => name.startsWith(extraPrefix));
  if (!username) {
    if (groups.length > 0 || uid || extras.length > 0)
      throw errors.badRequest('requested impersonation of groups, uid or extra without impersonating a user');
    return user;
  }

  const check = (group: string, resource: string, subresource: string, namespace: string, name: string) => {
    const attributes: RequestAttributes = {
      user,
      verb: 'impersonate',
      isResource: true,
      path: '',
      group,
      version: 'v1',
      resource,
      subresource,
      namespace,
      name,
    };
    const verdict = authorizer.authorize(attributes);
    if (!verdict.allowed) throw forbidden(attributes, verdict.reason);
  };

  const account = splitServiceAccount(username);
  if (account) check('', 'serviceaccounts', '', account.namespace, account.name);
  else check('', 'users', '', '', username);
  for (const name of groups) check('', 'groups', '', '', name);
  if (uid) check('authentication.k8s.io', 'uids', '', '', uid);
  const extra: Record<string, string[]> = {};
  for (const [header, value] of extras) {
    const key = decoded(header.slice(extraPrefix.length));
    extra[key] = values(value);
    for (const one of extra[key]) check('authentication.k8s.io', 'userextras', key, '', one);
  }

  const own = account && groups.length === 0 ? serviceAccountGroups(account.namespace) : groups;
  const result: UserInfo = {
    username,
    groups: own,
    ...(uid ? { uid } : {}),
    ...(extras.length > 0 ? { extra } : {}),
  };
  if (username !== 'system:anonymous') return authenticated(result);
  return own.includes('system:unauthenticated')
    ? result
    : { ...result, groups: [...own, 'system:unauthenticated'] };
}
