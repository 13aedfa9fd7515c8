/**
 * Who is asking: in-process principals, client certificates, static bearer tokens, bootstrap tokens and service account
 * tokens, in this order; nobody at all only for the health endpoints and /version.
 */
import { hash as digest, timingSafeEqual } from 'node:crypto';
import {
  type ApiRequest,
  type Credentials,
  errors,
  type Unstructured,
  type UserInfo,
} from '@coracle/machinery';
import type { Authenticator, Lookup } from '../contracts.ts';
import {
  serviceAccountGroups,
  serviceAccountUsername,
  type TokenClaims,
  type TokenKeys,
} from './service-account-tokens.ts';

/** A bearer token that never expires. Only its SHA-256 is kept. */
export interface StaticToken {
  /** `hashToken(token)`. */
  hash: string;
  user: UserInfo;
}

/** The form static tokens are kept in: lower-case hex SHA-256. */
export const hashToken = (token: string): string => digest('sha256', token, 'hex');

export interface AuthenticationOptions {
  tokenKeys: TokenKeys;
  lookup: Lookup;
  now: () => Date;
  staticTokens?: readonly StaticToken[];
  /** Audiences that tokens for this API server carry; default the issuer. */
  audiences?: readonly string[];
}

/** Answers for a token, as TokenReview needs them too. */
interface TokenVerdict {
  user: UserInfo;
  /** Those of the wanted audiences the token is for. */
  audiences: string[];
}

export interface Authentication extends Authenticator {
  /** Undefined if the token is unknown, expired, for other audiences, or its account or bound object is gone. */
  reviewToken(token: string, audiences?: readonly string[]): TokenVerdict | undefined;
  /** Default audiences. */
  readonly audiences: readonly string[];
}

const openPaths = /^\/(healthz|livez|readyz|version)(\/|$)/;

const anonymous: UserInfo = { username: 'system:anonymous', groups: ['system:unauthenticated'] };

const completed = new WeakMap<UserInfo, UserInfo>();

/** Adds `system:authenticated`, which everyone but the anonymous has. The same value for the same value. */
export function authenticated(user: UserInfo): UserInfo {
  if (user.groups.includes('system:authenticated') || user.username === anonymous.username) return user;
  let complete = completed.get(user);
  if (complete === undefined)
    completed.set(user, (complete = { ...user, groups: [...user.groups, 'system:authenticated'] }));
  return complete;
}

const uidOf = (object: Unstructured | undefined): string | undefined => object?.metadata.uid;

/** The user of a genuine, unexpired token, if its service account and what it is bound to still exist. */
function serviceAccountUser(claims: TokenClaims, lookup: Lookup, now: number): UserInfo | undefined {
  if (claims.exp * 1000 <= now || claims.nbf * 1000 > now) return undefined;
  const { namespace, serviceaccount, pod, secret, node } = claims['kubernetes.io'];
  const account = lookup.get('', 'serviceaccounts', namespace, serviceaccount.name);
  if (!account || account.metadata.deletionTimestamp || uidOf(account) !== serviceaccount.uid)
    return undefined;
  const extra: Record<string, string[]> = {};
  if (claims.jti) extra['authentication.kubernetes.io/credential-id'] = [`JTI=${claims.jti}`];
  if (secret) {
    if (uidOf(lookup.get('', 'secrets', namespace, secret.name)) !== secret.uid) return undefined;
  }
  if (pod) {
    // A pod may use its token for a minute after it should have ended, as its own shutdown may need it.
    const found = lookup.get('', 'pods', namespace, pod.name);
    if (!found || uidOf(found) !== pod.uid) return undefined;
    const deletion = found.metadata.deletionTimestamp;
    if (deletion && Date.parse(deletion) + 60_000 < now) return undefined;
    extra['authentication.kubernetes.io/pod-name'] = [pod.name];
    extra['authentication.kubernetes.io/pod-uid'] = [pod.uid ?? ''];
  }
  if (node) {
    // Bound to the node itself (no pod): it must still be there. With a pod, the node is information only.
    const found = lookup.get('', 'nodes', '', node.name);
    if (!pod && (!found || uidOf(found) !== node.uid)) return undefined;
    extra['authentication.kubernetes.io/node-name'] = [node.name];
    if (node.uid) extra['authentication.kubernetes.io/node-uid'] = [node.uid];
  }
  return {
    username: serviceAccountUsername(namespace, serviceaccount.name),
    uid: serviceaccount.uid,
    groups: serviceAccountGroups(namespace),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
  };
}

const text = (data: unknown, key: string): string => {
  const value = (data as Record<string, string> | undefined)?.[key];
  return value === undefined ? '' : Buffer.from(value, 'base64').toString('utf8');
};

/** A bootstrap token (`abcdef.0123456789abcdef`) kept in a Secret of kube-system, which nodes join with. */
function bootstrapUser(token: string, lookup: Lookup, now: number): UserInfo | undefined {
  const match = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(token);
  if (!match) return undefined;
  const [, id = '', secret = ''] = match;
  const found = lookup.get('', 'secrets', 'kube-system', `bootstrap-token-${id}`);
  if (!found || found['type'] !== 'bootstrap.kubernetes.io/token' || found.metadata.deletionTimestamp)
    return undefined;
  const data = found['data'];
  const wanted = Buffer.from(hashToken(text(data, 'token-secret')));
  if (!timingSafeEqual(wanted, Buffer.from(hashToken(secret))) || text(data, 'token-id') !== id)
    return undefined;
  if (text(data, 'usage-bootstrap-authentication') !== 'true') return undefined;
  const expiration = text(data, 'expiration');
  if (expiration && !(Date.parse(expiration) > now)) return undefined;
  const groups = text(data, 'auth-extra-groups').split(',').filter(Boolean);
  return { username: `system:bootstrap:${id}`, groups: ['system:bootstrappers', ...groups] };
}

const users = new WeakMap<Credentials, UserInfo>();

/** Who a certificate says its holder is. A connection has one and is asked at each of its requests. */
function userOf(credentials: Extract<Credentials, { kind: 'certificate' }>): UserInfo {
  let user = users.get(credentials);
  if (user === undefined) {
    user = authenticated({ username: credentials.commonName, groups: credentials.organizations });
    users.set(credentials, user);
  }
  return user;
}

/** How many opened tokens are remembered, so that the signature of each is checked once. */
const rememberedTokens = 2048;

/** Builds the chain. A token or certificate that is offered and bad is Unauthorized, never treated as anonymous. */
export function createAuthentication(options: AuthenticationOptions): Authentication {
  const { tokenKeys, lookup, now } = options;
  const audiences = options.audiences ?? [tokenKeys.issuer];
  const statics = new Map((options.staticTokens ?? []).map((token) => [token.hash, token.user]));
  /** Of the tokens of connections, which show the same one at each request. */
  const hashes = new WeakMap<Credentials, string>();
  /** Token hash to its claims; signatures only, never expiry. Oldest first. */
  const opened = new Map<string, TokenClaims>();

  function open(token: string, hash: string): TokenClaims | undefined {
    const known = opened.get(hash);
    if (known) return known;
    const claims = tokenKeys.open(token);
    if (claims) {
      if (opened.size >= rememberedTokens) opened.delete(opened.keys().next().value ?? '');
      opened.set(hash, claims);
    }
    return claims;
  }

  const reviewToken = (token: string, wanted: readonly string[] = audiences): TokenVerdict | undefined =>
    review(token, hashToken(token), wanted);

  function review(token: string, hash: string, wanted: readonly string[]): TokenVerdict | undefined {
    const known = statics.get(hash);
    const plain = known ?? bootstrapUser(token, lookup, now().getTime());
    if (plain) {
      const common = wanted.filter((audience) => audiences.includes(audience));
      return common.length > 0 ? { user: authenticated(plain), audiences: common } : undefined;
    }
    const claims = open(token, hash);
    if (!claims) return undefined;
    const common = wanted.filter((audience) => claims.aud.includes(audience));
    if (common.length === 0) return undefined;
    const user = serviceAccountUser(claims, lookup, now().getTime());
    return user && { user: authenticated(user), audiences: common };
  }

  function identify(request: ApiRequest): UserInfo {
    const { credentials } = request;
    if (credentials.kind === 'trusted') return authenticated(credentials.user);
    if (credentials.kind === 'certificate') {
      if (!credentials.commonName) throw errors.unauthorized();
      return userOf(credentials);
    }
    if (credentials.kind === 'bearer') {
      let hash = hashes.get(credentials);
      if (hash === undefined) hashes.set(credentials, (hash = hashToken(credentials.token)));
      const verdict = review(credentials.token, hash, audiences);
      if (!verdict) throw errors.unauthorized();
      return verdict.user;
    }
    if (openPaths.test(request.path)) return anonymous;
    throw errors.unauthorized();
  }

  return { audiences, reviewToken, identify, authenticate: async (request) => identify(request) };
}
