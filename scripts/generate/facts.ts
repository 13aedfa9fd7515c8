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

const of = (...values: string[]): Fact => ({ enum: values.toSorted() });

/** Fields of the versions of a definition that have them. */
function each(
  group: string,
  versions: string[],
  definition: string,
  fields: Record<string, Fact>,
): Record<string, Record<string, Fact>> {
  return Object.fromEntries(versions.map((version) => [`${group}.${version}.${definition}`, fields]));
}

const failure: Fact = { ...of('Fail', 'Ignore'), default: 'Fail' };
const allocation: Fact = { ...of('All', 'ExactCount'), default: 'ExactCount' };
const policies = ['v1', 'v1beta1', 'v1alpha1'];
const resources = ['v1', 'v1beta1', 'v1beta2'];

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

  ...each('resource', ['v1', 'v1beta2'], 'ExactDeviceRequest', { allocationMode: allocation }),
  ...each('resource', resources, 'DeviceSubRequest', { allocationMode: allocation }),
  ...each('resource', resources, 'DeviceToleration', {
    operator: { ...of('Equal', 'Exists'), default: 'Equal' },
    effect: of('NoExecute', 'NoSchedule'),
  }),
  ...each('resource', [...resources, 'v1alpha3'], 'DeviceTaint', {
    effect: of('NoExecute', 'NoSchedule', 'None'),
  }),
  ...each('storage', ['v1'], 'CSIDriverSpec', {
    fsGroupPolicy: { ...of('File', 'None', 'ReadWriteOnceWithFSType'), default: 'ReadWriteOnceWithFSType' },
  }),
  ...each('admissionregistration', ['v1'], 'ValidatingAdmissionPolicySpec', { failurePolicy: failure }),
  ...each('admissionregistration', policies, 'MutatingAdmissionPolicySpec', {
    failurePolicy: failure,
    reinvocationPolicy: of('IfNeeded', 'Never'),
  }),
  ...each('admissionregistration', policies, 'Mutation', {
    patchType: of('ApplyConfiguration', 'JSONPatch'),
  }),
  ...each('admissionregistration', policies, 'MatchResources', {
    matchPolicy: { ...of('Equivalent', 'Exact'), default: 'Equivalent' },
  }),
  ...each('admissionregistration', policies, 'ParamRef', { parameterNotFoundAction: of('Allow', 'Deny') }),
  ...each('flowcontrol', ['v1'], 'PriorityLevelConfigurationSpec', { type: of('Exempt', 'Limited') }),
  ...each('flowcontrol', ['v1'], 'LimitResponse', { type: of('Queue', 'Reject') }),
  ...each('flowcontrol', ['v1'], 'FlowDistinguisherMethod', { type: of('ByNamespace', 'ByUser') }),
  ...each('flowcontrol', ['v1'], 'Subject', { kind: of('Group', 'ServiceAccount', 'User') }),
};
