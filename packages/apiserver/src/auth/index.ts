/** Authentication, authorization and the keys they rest on. */
export {
  type Authentication,
  type AuthenticationOptions,
  createAuthentication,
  hashToken,
  type StaticToken,
} from './authentication.ts';
export { type AuthorizerOptions, createAuthorizer, type RbacAuthorizer } from './authorizer.ts';
export {
  parseCertificateRequest,
  type ParsedRequest,
  type Signing,
  signRequest,
} from './certificate-request.ts';
export { bootstrapRbac } from './bootstrap-policy.ts';
export {
  createCertificateAuthority,
  issueCertificate,
  type KeyPair,
  signCertificate,
} from './certificates.ts';
export { escalationPrevention } from './escalation.ts';
export { forbidden, forbiddenMessage } from './forbidden.ts';
export { impersonated } from './impersonation.ts';
export { createPki, loadOrCreatePki, type Pki, type PkiOptions } from './pki.ts';
export { aggregate, type PolicyRule } from './rbac.ts';
export { reviewStrategies } from './reviews.ts';
export {
  createTokenKeys,
  defaultIssuer,
  type TokenClaims,
  type TokenKeys,
} from './service-account-tokens.ts';
export { issueToken, type TokenRequestDeps } from './token-request.ts';
