/** The admission plugins that are part of the server, in upstream's order. */
import { escalationPrevention } from '../auth/escalation.ts';
import { certificateSubjectRestriction } from './certificates.ts';
import type { AdmissionPlugin } from '../contracts.ts';
import type { AdmissionDeps } from './common.ts';
import { limitRanger } from './limit-ranger.ts';
import { namespaceLifecycle } from './namespace-lifecycle.ts';
import { nodeRestriction } from './node-restriction.ts';
import { ownerReferencesPermission } from './owner-references.ts';
import { podGroupProtection, podGroupWorkloadExists } from './pod-groups.ts';
import { defaultTolerationSeconds, priority, runtimeClass, taintNodesByCondition } from './pod-plugins.ts';
import { podSecurity } from './pod-security.ts';
import { resourceQuota } from './resource-quota.ts';
import { serviceAccount } from './service-account.ts';
import {
  claimResize,
  defaultIngressClass,
  defaultStorageClass,
  storageObjectInUseProtection,
} from './storage.ts';

export type { AdmissionDeps } from './common.ts';

/** Mutating plugins run in this order before validation, validating ones in this order after it. */
export function builtinAdmission(deps: AdmissionDeps): AdmissionPlugin[] {
  return [
    namespaceLifecycle(deps),
    serviceAccount(deps),
    nodeRestriction(deps),
    taintNodesByCondition(),
    limitRanger(deps),
    podSecurity(deps),
    priority(deps),
    defaultTolerationSeconds(),
    defaultStorageClass(deps),
    ...(deps.storageProtection ? [storageObjectInUseProtection()] : []),
    ...(deps.podGroupProtection ? [podGroupProtection()] : []),
    ...(deps.ownerReferences ? [ownerReferencesPermission(deps)] : []),
    claimResize(deps),
    runtimeClass(deps),
    certificateSubjectRestriction(),
    defaultIngressClass(deps),
    podGroupWorkloadExists(deps),
    ...('grantsOf' in deps.authorizer ? [escalationPrevention(deps.authorizer)] : []),
    resourceQuota(deps),
  ];
}
