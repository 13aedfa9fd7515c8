/** The admission plugins that are part of the server, in upstream's order. */
import type { AdmissionPlugin, Authorizer, Lookup } from '../contracts.ts';

export interface AdmissionDeps {
  lookup: Lookup;
  /** For OwnerReferencesPermissionEnforcement. */
  authorizer: Authorizer;
  now: () => Date;
}

/** Mutating plugins run in this order before validation, validating ones in this order after it. */
export function builtinAdmission(_deps: AdmissionDeps): AdmissionPlugin[] {
  return [];
}
