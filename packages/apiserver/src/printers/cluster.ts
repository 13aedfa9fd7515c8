/** Tables of RBAC, storage, networking, admission, devices and the API server's own kinds. */
import type {
  admissionregistration_v1,
  apiregistration_v1,
  certificates_v1,
  coordination_v1,
  flowcontrol_v1,
  networking_v1,
  node_v1,
  rbac_v1,
  resource_v1,
  storage_v1,
} from '@coracle/machinery/api';
import { humanDuration } from '@coracle/machinery';
import type { TablePrinter } from '../contracts.ts';
import { age, none, orNone, printer, selectorText } from './columns.ts';

interface Named {
  metadata: { creationTimestamp?: string | undefined };
}
/** Name and the creation time itself, as roles and definitions are listed. */
export const createdAt: TablePrinter = printer<Named>(['Created At'], (object) => [
  object.metadata.creationTimestamp ?? '',
]);
/** Name and age: what everything else is listed with. */
export const nameAndAge: TablePrinter = printer<Named>(['Age'], (object, now) => [age(object, now)]);

const subjectsOf = (binding: rbac_v1.RoleBinding, kind: string): string =>
  (binding.subjects ?? [])
    .filter((subject) => subject.kind === kind)
    .map((subject) => (kind === 'ServiceAccount' ? `${subject.namespace}/${subject.name}` : subject.name))
    .join(', ');
export const bindings: TablePrinter = printer<rbac_v1.RoleBinding>(
  ['Role', 'Age', 'Users+', 'Groups+', 'ServiceAccounts+'],
  (object, now) => [
    `${object.roleRef.kind}/${object.roleRef.name}`,
    age(object, now),
    subjectsOf(object, 'User'),
    subjectsOf(object, 'Group'),
    subjectsOf(object, 'ServiceAccount'),
  ],
);

export const leases: TablePrinter = printer<coordination_v1.Lease>(['Holder', 'Age'], (object, now) => [
  object.spec?.holderIdentity ?? '',
  age(object, now),
]);

const isDefault = (annotations: Record<string, string> | undefined): boolean =>
  annotations?.['storageclass.kubernetes.io/is-default-class'] === 'true' ||
  annotations?.['storageclass.beta.kubernetes.io/is-default-class'] === 'true';

export const storageClasses: TablePrinter = ((): TablePrinter => {
  const base = printer<storage_v1.StorageClass>(
    ['Provisioner', 'ReclaimPolicy', 'VolumeBindingMode', 'AllowVolumeExpansion', 'Age'],
    (object, now) => [
      object.provisioner,
      object.reclaimPolicy ?? 'Delete',
      object.volumeBindingMode ?? 'Immediate',
      object.allowVolumeExpansion === true,
      age(object, now),
    ],
  );
  return {
    ...base,
    cells(object, now) {
      const [name, ...rest] = base.cells(object, now);
      return [isDefault(object.metadata.annotations) ? `${String(name)} (default)` : name, ...rest];
    },
  };
})();

export const csiDrivers: TablePrinter = printer<storage_v1.CSIDriver>(
  [
    'AttachRequired',
    'PodInfoOnMount',
    'StorageCapacity',
    'TokenRequests',
    'RequiresRepublish',
    'Modes',
    'Age',
  ],
  ({ spec, ...object }, now) => [
    spec.attachRequired ?? true,
    spec.podInfoOnMount ?? false,
    spec.storageCapacity ?? false,
    spec.tokenRequests && spec.tokenRequests.length > 0
      ? spec.tokenRequests.map((one) => one.audience).join(',')
      : '<unset>',
    spec.requiresRepublish ?? false,
    spec.volumeLifecycleModes && spec.volumeLifecycleModes.length > 0
      ? spec.volumeLifecycleModes.join(',')
      : none,
    age(object, now),
  ],
);
export const csiNodes: TablePrinter = printer<storage_v1.CSINode>(['Drivers#', 'Age'], (object, now) => [
  (object.spec.drivers ?? []).length,
  age(object, now),
]);
export const csiStorageCapacities: TablePrinter = printer<storage_v1.CSIStorageCapacity>(
  ['StorageClassName', 'Capacity'],
  (object) => [object.storageClassName, object.capacity ?? '<unset>'],
);
export const volumeAttachments: TablePrinter = printer<storage_v1.VolumeAttachment>(
  ['Attacher', 'PV', 'Node', 'Attached', 'Age'],
  (object, now) => [
    object.spec.attacher,
    object.spec.source.persistentVolumeName ?? '',
    object.spec.nodeName,
    object.status?.attached === true,
    age(object, now),
  ],
);
export const volumeAttributesClasses: TablePrinter = printer<storage_v1.VolumeAttributesClass>(
  ['DriverName', 'Age'],
  (object, now) => [object.driverName, age(object, now)],
);

export const ingresses: TablePrinter = printer<networking_v1.Ingress>(
  ['Class', 'Hosts', 'Address', 'Ports', 'Age'],
  (object, now) => {
    const rules = object.spec?.rules ?? [];
    const hosts = rules.slice(0, 3).map((rule) => rule.host || '*');
    const more = rules.length > 3 ? ` + ${rules.length - 3} more...` : '';
    const addresses = (object.status?.loadBalancer?.ingress ?? []).map((one) => one.ip ?? one.hostname ?? '');
    const address = addresses.join(',');
    return [
      orNone(object.spec?.ingressClassName),
      hosts.length > 0 ? `${hosts.join(',')}${more}` : '*',
      address.length > 16 ? `${address.slice(0, 13)}...` : address,
      (object.spec?.tls ?? []).length > 0 ? '80, 443' : '80',
      age(object, now),
    ];
  },
);
export const ingressClasses: TablePrinter = printer<networking_v1.IngressClass>(
  ['Controller', 'Parameters', 'Age'],
  (object, now) => {
    const parameters = object.spec?.parameters;
    const kind = parameters?.apiGroup ? `${parameters.kind}.${parameters.apiGroup}` : parameters?.kind;
    return [
      object.spec?.controller ?? '',
      parameters ? `${kind}/${parameters.name}` : none,
      age(object, now),
    ];
  },
);
export const networkPolicies: TablePrinter = printer<networking_v1.NetworkPolicy>(
  ['Pod-Selector', 'Age'],
  (object, now) => [selectorText(object.spec?.podSelector), age(object, now)],
);
export const ipAddresses: TablePrinter = printer<networking_v1.IPAddress>(
  ['ParentRef', 'Age'],
  (object, now) => {
    const { group, resource, namespace, name } = object.spec.parentRef;
    return [
      [group ? `${resource}.${group}` : resource, namespace, name].filter(Boolean).join('/'),
      age(object, now),
    ];
  },
);
export const serviceCidrs: TablePrinter = printer<networking_v1.ServiceCIDR>(
  ['CIDRs', 'Age'],
  (object, now) => [(object.spec?.cidrs ?? []).join(','), age(object, now)],
);

export const runtimeClasses: TablePrinter = printer<node_v1.RuntimeClass>(
  ['Handler', 'Age'],
  (object, now) => [object.handler, age(object, now)],
);

export const certificateRequests: TablePrinter = printer<certificates_v1.CertificateSigningRequest>(
  ['Age', 'SignerName', 'Requestor', 'RequestedDuration', 'Condition'],
  (object, now) => {
    const types = new Set((object.status?.conditions ?? []).map((one) => one.type));
    const parts = [types.has('Denied') ? 'Denied' : types.has('Approved') ? 'Approved' : 'Pending'];
    if (types.has('Failed')) parts.push('Failed');
    if (object.status?.certificate) parts.push('Issued');
    const seconds = object.spec.expirationSeconds;
    return [
      age(object, now),
      orNone(object.spec.signerName),
      object.spec.username ?? '',
      seconds == null ? none : humanDuration(seconds * 1000),
      parts.join(','),
    ];
  },
);

interface Webhooks extends Named {
  webhooks?: unknown[];
}
export const webhooks: TablePrinter = printer<Webhooks>(['Webhooks#', 'Age'], (object, now) => [
  (object.webhooks ?? []).length,
  age(object, now),
]);
export const validatingPolicies: TablePrinter = printer<admissionregistration_v1.ValidatingAdmissionPolicy>(
  ['Validations#', 'ParamKind', 'Age'],
  (object, now) => {
    const kind = object.spec?.paramKind as { apiVersion?: string; kind?: string } | undefined;
    return [
      (object.spec?.validations ?? []).length,
      kind ? `${kind.apiVersion}/${kind.kind}` : '<unset>',
      age(object, now),
    ];
  },
);
export const mutatingPolicies: TablePrinter = printer<admissionregistration_v1.MutatingAdmissionPolicy>(
  ['Mutations#', 'ParamKind', 'Age'],
  (object, now) => {
    const kind = object.spec?.paramKind as { apiVersion?: string; kind?: string } | undefined;
    return [
      (object.spec?.mutations ?? []).length,
      kind ? `${kind.apiVersion}/${kind.kind}` : '<unset>',
      age(object, now),
    ];
  },
);
export const policyBindings: TablePrinter = printer<admissionregistration_v1.MutatingAdmissionPolicyBinding>(
  ['PolicyName', 'ParamRef', 'Age'],
  (object, now) => {
    const ref = object.spec?.paramRef;
    const text = ref
      ? ref.name
        ? [ref.namespace || '*', ref.name].join('/')
        : `${ref.namespace || '*'}/${selectorText(ref.selector)}`
      : '<unset>';
    return [object.spec?.policyName ?? '', text, age(object, now)];
  },
);

export const apiServices: TablePrinter = printer<apiregistration_v1.APIService>(
  ['Service', 'Available', 'Age'],
  (object, now) => {
    const service = object.spec?.service;
    const available = (object.status?.conditions ?? []).find((one) => one.type === 'Available');
    const state = available?.status ?? 'Unknown';
    return [
      service ? `${service.namespace}/${service.name}` : 'Local',
      state === 'True' || !available?.reason ? state : `${state} (${available.reason})`,
      age(object, now),
    ];
  },
);
export const flowSchemas: TablePrinter = printer<flowcontrol_v1.FlowSchema>(
  ['PriorityLevel', 'MatchingPrecedence#', 'DistinguisherMethod', 'Age', 'MissingPL'],
  (object, now) => {
    const dangling = (object.status?.conditions ?? []).find((one) => one.type === 'Dangling');
    return [
      object.spec?.priorityLevelConfiguration.name ?? '',
      object.spec?.matchingPrecedence ?? 0,
      orNone(object.spec?.distinguisherMethod?.type),
      age(object, now),
      dangling?.status ?? '?',
    ];
  },
);
export const priorityLevels: TablePrinter = printer<flowcontrol_v1.PriorityLevelConfiguration>(
  ['Type', 'NominalConcurrencyShares', 'Queues', 'HandSize', 'QueueLengthLimit', 'Age'],
  (object, now) => {
    const limited = object.spec?.limited;
    const queuing = limited?.limitResponse?.queuing;
    const shares = limited?.nominalConcurrencyShares ?? object.spec?.exempt?.nominalConcurrencyShares;
    return [
      object.spec?.type ?? '',
      shares ?? none,
      queuing?.queues ?? none,
      queuing?.handSize ?? none,
      queuing?.queueLengthLimit ?? none,
      age(object, now),
    ];
  },
);

export const resourceClaims: TablePrinter = printer<resource_v1.ResourceClaim>(
  ['State', 'Age'],
  (object, now) => {
    const states: string[] = [];
    if (object.metadata.deletionTimestamp) states.push('deleted');
    if (object.status?.allocation) {
      states.push('allocated');
      if ((object.status.reservedFor ?? []).length > 0) states.push('reserved');
    } else if (states.length === 0) states.push('pending');
    return [states.join(','), age(object, now)];
  },
);
export const resourceSlices: TablePrinter = printer<resource_v1.ResourceSlice>(
  ['Node', 'Driver', 'Pool', 'Age'],
  (object, now) => [
    object.spec.nodeName ?? '<unset>',
    object.spec.driver,
    object.spec.pool.name,
    age(object, now),
  ],
);
