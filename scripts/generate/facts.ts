/**
 * Documented facts about the built-in kinds that the OpenAPI documents of v1.36 do not carry as data: closed sets of
 * values, static defaults (what the API reference calls "Defaults to ..."), ranges, and fields that the documents
 * call required although the API server accepts objects without them (`notEnforced`).
 * Keys are the table's short definition names and field names; the generator refuses unknown ones.
 */
export interface Fact {
  enum?: string[];
  default?: unknown;
  min?: number;
  max?: number;
  /** Absence means the zero value; the server does not refuse it. */
  notEnforced?: true;
}

const lenient: Fact = { notEnforced: true };

export const facts: Record<string, Record<string, Fact>> = {
  'storage.v1.CSINodeSpec': { drivers: lenient },
  'core.v1.LimitRangeSpec': { limits: lenient },
  'apps.v1.ControllerRevision': { revision: lenient },
  'authorization.v1.SelfSubjectRulesReview': { spec: lenient },
  'authentication.v1.TokenReviewSpec': { token: lenient },
  'core.v1.HTTPHeader': { value: lenient },
  'core.v1.Sysctl': { value: lenient },
  'core.v1.ISCSIVolumeSource': { lun: lenient },
  'core.v1.ISCSIPersistentVolumeSource': { lun: lenient },
  'resource.v1.ResourcePool': { generation: lenient },
  'resource.v1beta1.ResourcePool': { generation: lenient },
  'resource.v1beta2.ResourcePool': { generation: lenient },
  'core.v1.Event': { metadata: lenient },
  'apiserverinternal.v1alpha1.StorageVersion': { metadata: lenient },
  'resource.v1alpha3.ResourcePoolStatusRequest': { metadata: lenient },
};
