/** `serviceaccounts/token`: issues a token for a service account, bound to a pod, secret or node if asked. */
import { randomUUID } from 'node:crypto';
import { errors, type FieldError, type Unstructured } from '@coracle/machinery';
import type { authentication_v1, Pod } from '@coracle/machinery/api';
import type { Lookup } from '../contracts.ts';
import { serviceAccountUsername, type KubernetesClaims, type TokenKeys } from './service-account-tokens.ts';

export interface TokenRequestDeps {
  lookup: Lookup;
  tokenKeys: TokenKeys;
  now: () => Date;
  /** Audiences of a request that names none; default the issuer. */
  audiences?: readonly string[];
  newId?: () => string;
}

const group = 'authentication.k8s.io';
const shortest = 600;
const longest = 2 ** 32;
/** A kubelet's projected token asks for 3607 s: it gets a year (extended, with `warnafter`), as upstream does by default. */
const projectedSeconds = 3607;
const extendedSeconds = 365 * 86_400;

/**
 * Answers the TokenRequest `request` for an account. Throws NotFound (account or bound object), Conflict (uid differs) or
 * Invalid (lifetime, kind of bound object).
 */
export function issueToken(
  deps: TokenRequestDeps,
  namespace: string,
  name: string,
  request: Unstructured,
): Unstructured {
  const { lookup, tokenKeys } = deps;
  const account = lookup.get('', 'serviceaccounts', namespace, name);
  if (!account) throw errors.notFound({ group: '', resource: 'serviceaccounts' }, name);
  const spec = (request['spec'] ?? {}) as authentication_v1.TokenRequestSpec;
  const seconds = spec.expirationSeconds ?? 3600;
  const problems: FieldError[] = [];
  const field = 'spec.expirationSeconds';
  if (seconds < shortest)
    problems.push({
      type: 'FieldValueInvalid',
      field,
      badValue: seconds,
      detail: 'may not specify a duration less than 10 minutes',
    });
  if (seconds > longest)
    problems.push({
      type: 'FieldValueInvalid',
      field,
      badValue: seconds,
      detail: 'may not specify a duration larger than 2^32 seconds',
    });
  const bound = spec.boundObjectRef ?? undefined;
  const claims: KubernetesClaims = {
    namespace,
    serviceaccount: { name, uid: account.metadata.uid },
  };
  if (bound) {
    const kinds: Record<string, { resource: string; claim: 'pod' | 'secret' | 'node'; namespace: string }> = {
      'v1/Pod': { resource: 'pods', claim: 'pod', namespace },
      'v1/Secret': { resource: 'secrets', claim: 'secret', namespace },
      'v1/Node': { resource: 'nodes', claim: 'node', namespace: '' },
    };
    const kind = kinds[`${bound.apiVersion ?? 'v1'}/${bound.kind ?? ''}`];
    if (!kind)
      throw errors.badRequest(
        `cannot bind token for serviceaccount ${JSON.stringify(name)} to object of type ${bound.apiVersion ?? ''}, Kind=${bound.kind ?? ''}`,
      );
    const target = lookup.get('', kind.resource, kind.namespace, bound.name ?? '');
    const named = { group: '', resource: kind.resource };
    if (!target) throw errors.notFound(named, bound.name ?? '');
    if (bound.uid && bound.uid !== target.metadata.uid)
      throw errors.conflict(
        named,
        bound.name ?? '',
        `the UID in the bound object reference (${bound.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    const pod = kind.claim === 'pod' ? (target as unknown as Pod) : undefined;
    if (pod && pod.spec?.serviceAccountName !== name)
      throw errors.badRequest(
        `cannot bind token for serviceaccount ${JSON.stringify(name)} to pod running with different serviceaccount name.`,
      );
    claims[kind.claim] = { name: target.metadata.name, uid: target.metadata.uid };
    const node = pod?.spec?.nodeName;
    if (node) {
      const uid = lookup.get('', 'nodes', '', node)?.metadata.uid;
      claims.node = { name: node, ...(uid ? { uid } : {}) };
    }
  }
  if (problems.length > 0) throw errors.invalid({ group, kind: 'TokenRequest' }, '', problems);

  const issuedAt = Math.floor(deps.now().getTime() / 1000);
  const defaults = deps.audiences ?? [tokenKeys.issuer];
  const audiences = spec.audiences && spec.audiences.length > 0 ? spec.audiences : [...defaults];
  const extended =
    seconds === projectedSeconds &&
    claims.pod !== undefined &&
    audiences.every((audience) => defaults.includes(audience));
  if (extended) claims.warnafter = issuedAt + seconds;
  const token = tokenKeys.sign({
    iss: tokenKeys.issuer,
    sub: serviceAccountUsername(namespace, name),
    aud: audiences,
    iat: issuedAt,
    nbf: issuedAt,
    exp: issuedAt + (extended ? extendedSeconds : seconds),
    jti: (deps.newId ?? randomUUID)(),
    'kubernetes.io': claims,
  });
  return {
    ...request,
    apiVersion: `${group}/v1`,
    kind: 'TokenRequest',
    metadata: {
      ...request.metadata,
      name,
      namespace,
      creationTimestamp: new Date(issuedAt * 1000).toISOString().replace('.000Z', 'Z'),
    },
    spec: {
      audiences,
      expirationSeconds: seconds,
      ...(bound ? { boundObjectRef: bound } : {}),
    },
    status: {
      token,
      expirationTimestamp: new Date((issuedAt + seconds) * 1000).toISOString().replace('.000Z', 'Z'),
    },
  };
}
