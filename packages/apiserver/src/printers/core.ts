/** Tables of nodes, services and the other core kinds. */
import type {
  ComponentStatus,
  core_v1,
  discovery_v1,
  Endpoints,
  Event,
  events_v1,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  ResourceQuota,
  Service,
} from '@coracle/machinery/api';
import { parseQuantity } from '@coracle/machinery';
import type { TablePrinter } from '../contracts.ts';
import {
  accessModes,
  age,
  columns,
  firstOf,
  labelsText,
  none,
  orNone,
  printer,
  since,
  size,
} from './columns.ts';

const roleLabel = 'node-role.kubernetes.io/';

function nodeRoles(node: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata.labels ?? {})) {
    if (key.startsWith(roleLabel) && key.length > roleLabel.length) roles.add(key.slice(roleLabel.length));
    else if (key === 'kubernetes.io/role' && value) roles.add(value);
  }
  return roles.size > 0 ? [...roles].toSorted().join(',') : none;
}

const address = (node: Node, type: string): string =>
  orNone((node.status?.addresses ?? []).find((one) => one.type === type)?.address);

const unknown = (text: string | undefined): string => (text ? text : '<unknown>');

export const nodes: TablePrinter = printer<Node>(
  [
    'Status',
    'Roles',
    'Age',
    'Version',
    'Internal-IP+',
    'External-IP+',
    'OS-Image+',
    'Kernel-Version+',
    'Container-Runtime+',
  ],
  (node, now) => {
    const ready = (node.status?.conditions ?? []).find((one) => one.type === 'Ready');
    const status = [ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown'];
    if (node.spec?.unschedulable) status.push('SchedulingDisabled');
    const info = node.status?.nodeInfo;
    return [
      status.join(','),
      nodeRoles(node),
      age(node, now),
      info?.kubeletVersion ?? '',
      address(node, 'InternalIP'),
      address(node, 'ExternalIP'),
      unknown(info?.osImage),
      unknown(info?.kernelVersion),
      unknown(info?.containerRuntimeVersion),
    ];
  },
);

function externalAddress(service: Service, wide = false): string {
  const ips = service.spec?.externalIPs ?? [];
  switch (service.spec?.type) {
    case 'ExternalName':
      return service.spec.externalName ?? '';
    case 'LoadBalancer': {
      const balancer = (service.status?.loadBalancer?.ingress ?? []).map(
        (one) => one.ip ?? one.hostname ?? '',
      );
      const text = [...balancer, ...ips].join(',');
      if (text === '') return '<pending>';
      return balancer.join(',').length > 16 && !wide ? `${text.slice(0, 13)}...` : text;
    }
    default:
      return ips.length > 0 ? ips.join(',') : none;
  }
}

export const services: TablePrinter = printer<Service>(
  ['Type', 'Cluster-IP', 'External-IP', 'Port(s)', 'Age', 'Selector+'],
  (service, now) => {
    const ports = (service.spec?.ports ?? []).map(
      (port) => `${port.port}${port.nodePort ? `:${port.nodePort}` : ''}/${port.protocol ?? 'TCP'}`,
    );
    return [
      service.spec?.type ?? '',
      orNone(service.spec?.clusterIP),
      externalAddress(service),
      ports.length > 0 ? ports.join(',') : none,
      age(service, now),
      labelsText(service.spec?.selector),
    ];
  },
);

export const endpoints: TablePrinter = printer<Endpoints>(['Endpoints', 'Age'], (object, now) => {
  const texts: string[] = [];
  for (const subset of object.subsets ?? []) {
    const ips = (subset.addresses ?? []).map((one) => (one.ip.includes(':') ? `[${one.ip}]` : one.ip));
    const ports = subset.ports ?? [];
    if (ports.length === 0) texts.push(...ips);
    for (const port of ports) texts.push(...ips.map((ip) => `${ip}:${port.port}`));
  }
  return [firstOf(texts, 3), age(object, now)];
});

export const endpointSlices: TablePrinter = printer<discovery_v1.EndpointSlice>(
  ['AddressType', 'Ports', 'Endpoints', 'Age'],
  (slice, now) => [
    slice.addressType,
    slice.ports && slice.ports.length > 0
      ? firstOf(
          slice.ports.map((port) => (port.port == null ? '*' : String(port.port))),
          3,
        )
      : '<unset>',
    slice.endpoints && slice.endpoints.length > 0
      ? firstOf(
          slice.endpoints.flatMap((endpoint) => endpoint.addresses ?? []),
          3,
        )
      : '<unset>',
    age(slice, now),
  ],
);

export const configMaps: TablePrinter = printer<core_v1.ConfigMap>(['Data#', 'Age'], (object, now) => [
  size(object.data) + size(object.binaryData),
  age(object, now),
]);
export const secrets: TablePrinter = printer<core_v1.Secret>(['Type', 'Data#', 'Age'], (object, now) => [
  object.type ?? '',
  size(object.data),
  age(object, now),
]);
export const namespaces: TablePrinter = printer<core_v1.Namespace>(['Status', 'Age'], (object, now) => [
  object.status?.phase ?? '',
  age(object, now),
]);
export const serviceAccounts: TablePrinter = printer<core_v1.ServiceAccount>(
  ['Secrets#', 'Age'],
  (object, now) => [size(object.secrets), age(object, now)],
);

const text = (value: string | undefined): string =>
  value === undefined ? '0' : parseQuantity(value).toString();

function quantityList(
  names: readonly string[],
  used: Record<string, string>,
  hard: Record<string, string>,
): string {
  return names.map((name) => `${name}: ${text(used[name])}/${text(hard[name])}`).join(', ');
}
export const resourceQuotas: TablePrinter = printer<ResourceQuota>(
  ['Request', 'Limit', 'Age'],
  (object, now) => {
    const hard = object.status?.hard ?? {};
    const used = object.status?.used ?? {};
    const names = Object.keys(hard).toSorted();
    return [
      quantityList(
        names.filter((name) => !name.startsWith('limits.')),
        used,
        hard,
      ),
      quantityList(
        names.filter((name) => name.startsWith('limits.')),
        used,
        hard,
      ),
      age(object, now),
    ];
  },
);

/** Event rows begin with when, not with the name. */
export const events: TablePrinter = {
  columns: columns(
    'Last Seen',
    'Type',
    'Reason',
    'Object',
    'Subobject+',
    'Source+',
    'Message',
    'First Seen+',
    'Count#+',
    'Name+',
  ),
  cells(raw, now) {
    const core = raw as unknown as Event;
    const grouped = raw as unknown as events_v1.Event;
    const about = core.involvedObject ?? grouped.regarding;
    const source = core.source ?? grouped.deprecatedSource;
    const firstStamp = core.firstTimestamp ?? grouped.deprecatedFirstTimestamp;
    const lastStamp = core.lastTimestamp ?? grouped.deprecatedLastTimestamp;
    const first = firstStamp ? since(firstStamp, now) : since(core.eventTime, now);
    const last = core.series?.lastObservedTime
      ? since(core.series.lastObservedTime, now)
      : lastStamp
        ? since(lastStamp, now)
        : first;
    const component = source?.component || core.reportingComponent || grouped.reportingController || '';
    const host = source?.host ?? (source?.component ? '' : (core.reportingInstance ?? ''));
    const count = core.series?.count ?? core.count ?? grouped.deprecatedCount ?? 1;
    const object = `${(about?.kind ?? '').toLowerCase()}/${about?.name ?? ''}`;
    return [
      last,
      core.type ?? '',
      core.reason ?? '',
      object,
      about?.fieldPath ?? '',
      host ? `${component}, ${host}` : component,
      (core.message ?? grouped.note ?? '').trim(),
      first,
      count === 0 ? 1 : count,
      raw.metadata.name,
    ];
  },
};

export const persistentVolumes: TablePrinter = printer<PersistentVolume>(
  [
    'Capacity',
    'Access Modes',
    'Reclaim Policy',
    'Status',
    'Claim',
    'StorageClass',
    'VolumeAttributesClass',
    'Reason',
    'Age',
    'VolumeMode+',
  ],
  (object, now) => {
    const { spec, status } = object;
    const claim = spec?.claimRef;
    return [
      spec?.capacity?.['storage'] ?? '0',
      accessModes(spec?.accessModes),
      spec?.persistentVolumeReclaimPolicy ?? '',
      object.metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''),
      claim ? `${claim.namespace}/${claim.name}` : '',
      spec?.storageClassName ?? '',
      spec?.volumeAttributesClassName ?? '<unset>',
      status?.reason ?? '',
      age(object, now),
      spec?.volumeMode ?? '<unset>',
    ];
  },
);

export const persistentVolumeClaims: TablePrinter = printer<PersistentVolumeClaim>(
  [
    'Status',
    'Volume',
    'Capacity',
    'Access Modes',
    'StorageClass',
    'VolumeAttributesClass',
    'Age',
    'VolumeMode+',
  ],
  (object, now) => {
    const { spec, status } = object;
    const bound = Boolean(spec?.volumeName);
    return [
      object.metadata.deletionTimestamp ? 'Terminating' : (status?.phase ?? ''),
      spec?.volumeName ?? '',
      bound ? (status?.capacity?.['storage'] ?? '0') : '',
      bound ? accessModes(status?.accessModes) : '',
      spec?.storageClassName ?? '',
      spec?.volumeAttributesClassName ?? '<unset>',
      age(object, now),
      spec?.volumeMode ?? '<unset>',
    ];
  },
);

export const componentStatuses: TablePrinter = printer<ComponentStatus>(
  ['Status', 'Message', 'Error'],
  (object) => {
    const healthy = (object.conditions ?? []).find((one) => one.type === 'Healthy');
    return [
      healthy?.status === 'True' ? 'Healthy' : 'Unhealthy',
      healthy?.message ?? '',
      healthy?.error ?? '',
    ];
  },
);
