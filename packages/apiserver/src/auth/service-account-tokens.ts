/** Service account tokens: ES256 JWTs with the claims of upstream's bound tokens (`kubernetes.io`). */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';

interface BoundObject {
  name: string;
  uid?: string | undefined;
}
/** The private claims of a bound token. */
export interface KubernetesClaims {
  namespace: string;
  serviceaccount: { name: string; uid?: string | undefined };
  pod?: BoundObject | undefined;
  secret?: BoundObject | undefined;
  node?: BoundObject | undefined;
  warnafter?: number | undefined;
}
export interface TokenClaims {
  iss: string;
  sub: string;
  aud: string[];
  exp: number;
  iat: number;
  nbf: number;
  jti: string;
  'kubernetes.io': KubernetesClaims;
}

export interface TokenKeys {
  issuer: string;
  keyId: string;
  sign(claims: TokenClaims): string;
  /** Claims if the signature is ours; undefined if the token is not one of ours. Expiry and audience are not checked. */
  open(token: string): TokenClaims | undefined;
  /** The `/openid/v1/jwks` document. */
  jwks(): { keys: unknown[] };
  /** The `/.well-known/openid-configuration` document. */
  discovery(): Record<string, unknown>;
}

/** The issuer when nothing else is configured, as upstream clusters name it. It is also the default audience. */
export const defaultIssuer = 'https://kubernetes.default.svc.cluster.local';

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

function decode(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Signs and opens tokens with one EC P-256 key (PKCS#8 PEM). */
export function createTokenKeys(privateKeyPem: string, issuer: string = defaultIssuer): TokenKeys {
  const privateKey = createPrivateKey(privateKeyPem);
  const publicKey = createPublicKey(privateKey);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const keyId = createHash('sha256').update(spki).digest('base64url');
  const header = part({ alg: 'ES256', kid: keyId });
  return {
    issuer,
    keyId,
    sign(claims) {
      const signing = `${header}.${part(claims)}`;
      const signature = sign('sha256', Buffer.from(signing), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${signing}.${signature.toString('base64url')}`;
    },
    open(token) {
      const [head, body, signature, extra] = token.split('.');
      if (!head || !body || !signature || extra !== undefined) return undefined;
      const { alg, kid } = (decode(head) ?? {}) as { alg?: unknown; kid?: unknown };
      if (alg !== 'ES256' || (kid !== undefined && kid !== keyId)) return undefined;
      const genuine = verify(
        'sha256',
        Buffer.from(`${head}.${body}`),
        { key: publicKey, dsaEncoding: 'ieee-p1363' },
        Buffer.from(signature, 'base64url'),
      );
      if (!genuine) return undefined;
      const claims = decode(body) as TokenClaims | undefined;
      return claims?.iss === issuer ? claims : undefined;
    },
    jwks: () => ({
      keys: [{ use: 'sig', kid: keyId, alg: 'ES256', ...publicKey.export({ format: 'jwk' }) }],
    }),
    discovery: () => ({
      issuer,
      jwks_uri: `${issuer}/openid/v1/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    }),
  };
}

/** `system:serviceaccount:namespace:name`. */
export const serviceAccountUsername = (namespace: string, name: string): string =>
  `system:serviceaccount:${namespace}:${name}`;

/** Namespace and name of a service account's user name; undefined for other users. */
export function splitServiceAccount(username: string): { namespace: string; name: string } | undefined {
  const match = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
  return match ? { namespace: match[1] ?? '', name: match[2] ?? '' } : undefined;
}

/** The groups every service account belongs to (system:authenticated is added to all who are authenticated). */
export const serviceAccountGroups = (namespace: string): string[] => [
  'system:serviceaccounts',
  `system:serviceaccounts:${namespace}`,
];
