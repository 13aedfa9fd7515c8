/** Namespaces, nodes, service accounts, endpoints, quotas and limits. */
import { isIP } from 'node:net';
import {
  dns1123Label,
  type FieldError,
  labelValue,
  portNumber,
  qualifiedName,
  type Unstructured,
} from '@coracle/machinery';
import type { core_v1, discovery_v1, Endpoints, NodeSpec, NodeStatus, Taint } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import {
  duplicate,
  forbidden,
  immutable,
  invalid,
  isPart,
  named,
  objects,
  oneOf,
  required,
  specOf,
  validSpec,
} from './fields.ts';
import { amountProblems } from './resource-validation.ts';

function labelWithName(object: Unstructured): void {
  const name = object.metadata?.name;
  if (typeof name !== 'string' || !name) return;
  object.metadata.labels = { ...object.metadata.labels, 'kubernetes.io/metadata.name': name };
}

export const namespaces: Strategy = {
  nameProblem: dns1123Label,
  defaults: labelWithName,
  prepareForStatusUpdate: labelWithName,
  prepareForCreate(object) {
    const finalizers = validSpec<core_v1.NamespaceSpec>(object).finalizers;
    const own = Array.isArray(finalizers) ? finalizers : [];
    object['spec'] = { finalizers: own.includes('kubernetes') ? own : [...own, 'kubernetes'] };
    object['status'] = { phase: 'Active' };
  },
  prepareForDelete(object) {
    object['status'] = { ...(object['status'] as object | undefined), phase: 'Terminating' };
  },
  prepareForUpdate(object, old) {
    // Finalizers change through the finalize subresource only.
    object['spec'] = old['spec'];
    object['status'] = old['status'];
  },
  validateStatusUpdate(object) {
    const phase = (object['status'] as { phase?: string } | undefined)?.phase;
    const deleted = object.metadata.deletionTimestamp !== undefined;
    if (!deleted && phase !== 'Active')
      return [invalid('status.phase', phase, "may only be 'Active' if `deletionTimestamp` is empty")];
    if (deleted && phase !== 'Terminating')
      return [
        invalid('status.phase', phase, "may only be 'Terminating' if `deletionTimestamp` is not empty"),
      ];
    return [];
  },
  fields: {
    'status.phase': (object) => (object['status'] as { phase?: string } | undefined)?.phase ?? '',
    name: (object) => object.metadata.name,
  },
};

function taintProblems(taints: readonly Taint[], at: string): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  taints.forEach((taint, index) => {
    const field = `${at}[${index}]`;
    errors.push(...named(`${field}.key`, taint.key, qualifiedName));
    const problem = labelValue(taint.value ?? '');
    if (problem) errors.push(invalid(`${field}.value`, taint.value, problem));
    if (!taint.effect) errors.push(required(`${field}.effect`));
    else
      errors.push(...oneOf(`${field}.effect`, taint.effect, ['NoExecute', 'NoSchedule', 'PreferNoSchedule']));
    const key = `${taint.key}:${taint.effect}`;
    if (seen.has(key))
      errors.push({ ...duplicate(field, taint), detail: 'taints must be unique by key and effect pair' });
    seen.add(key);
  });
  return errors;
}

const nodeProblems = (object: Unstructured): FieldError[] => {
  const spec = validSpec<NodeSpec>(object);
  return taintProblems(spec.taints ?? [], 'spec.taints');
};

function nodeStatusDefaults(object: Unstructured): void {
  const status = object['status'] as NodeStatus | undefined;
  if (!isPart(status)) return;
  if (isPart(status.capacity) && !status.allocatable)
    object['status'] = { ...status, allocatable: { ...status.capacity } };
}

export const nodes: Strategy = {
  defaults: nodeStatusDefaults,
  prepareForStatusUpdate: nodeStatusDefaults,
  prepareForCreate(object) {
    const spec = specOf<NodeSpec>(object);
    if (isPart(spec) && spec.podCIDR && !spec.podCIDRs) spec.podCIDRs = [spec.podCIDR];
  },
  validate: nodeProblems,
  validateUpdate(object, old) {
    const spec = validSpec<NodeSpec>(object);
    const before = validSpec<NodeSpec>(old);
    const errors = nodeProblems(object);
    if ((before.podCIDRs ?? []).length > 0 && String(before.podCIDRs) !== String(spec.podCIDRs))
      errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
    if (before.providerID && before.providerID !== spec.providerID)
      errors.push(
        forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'),
      );
    return errors;
  },
  validateStatusUpdate: (object) => {
    const status = (object['status'] ?? {}) as NodeStatus;
    return [
      ...amountProblems(status.capacity, 'status.capacity'),
      ...amountProblems(status.allocatable, 'status.allocatable'),
    ];
  },
  fields: {
    'spec.unschedulable': (object) => String(validSpec<NodeSpec>(object).unschedulable === true),
  },
};

function endpointsDefaults(object: Unstructured): void {
  for (const subset of objects((object as unknown as Endpoints).subsets))
    for (const port of objects(subset.ports)) port.protocol ||= 'TCP';
}

export const endpoints: Strategy = {
  defaults: endpointsDefaults,
  validate: endpointsProblems,
  validateUpdate: endpointsProblems,
};

function addressProblems(ip: string, field: string): FieldError[] {
  const version = isIP(ip);
  if (!version) return [invalid(field, ip, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
  // 127.64.0.0/10 is where pods that run as processes of one machine have their addresses.
  const [first, second = 0] = ip.split('.').map(Number);
  const ofProcess = first === 127 && second >= 64 && second < 128;
  if ((ip.startsWith('127.') && !ofProcess) || ip === '::1')
    return [invalid(field, ip, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')];
  if (ip.startsWith('169.254.'))
    return [invalid(field, ip, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')];
  if (ip === '0.0.0.0' || ip === '::') return [invalid(field, ip, 'may not be unspecified (0.0.0.0 or ::)')];
  return [];
}

function endpointsProblems(object: Unstructured): FieldError[] {
  // The server's own endpoint is where it listens: on a laptop, a loopback address.
  const own = object.metadata.namespace === 'default' && object.metadata.name === 'kubernetes';
  const errors: FieldError[] = [];
  ((object as unknown as Endpoints).subsets ?? []).forEach((subset, index) => {
    const field = `subsets[${index}]`;
    if ((subset.addresses ?? []).length + (subset.notReadyAddresses ?? []).length === 0)
      errors.push(required(field, 'must specify `addresses` or `notReadyAddresses`'));
    for (const kind of ['addresses', 'notReadyAddresses'] as const)
      (own ? [] : (subset[kind] ?? [])).forEach((address, at) =>
        errors.push(...addressProblems(address.ip, `${field}.${kind}[${at}].ip`)),
      );
    (subset.ports ?? []).forEach((port, at) => {
      if (!port.name && (subset.ports ?? []).length > 1) errors.push(required(`${field}.ports[${at}].name`));
      const problem = portNumber(port.port);
      if (problem) errors.push(invalid(`${field}.ports[${at}].port`, port.port, problem));
    });
  });
  return errors;
}

function sliceProblems(object: Unstructured): FieldError[] {
  const slice = object as unknown as discovery_v1.EndpointSlice;
  const errors: FieldError[] = [];
  if (!slice.addressType) errors.push(required('addressType'));
  else errors.push(...oneOf('addressType', slice.addressType, ['FQDN', 'IPv4', 'IPv6']));
  const endpointList = slice.endpoints ?? [];
  if (endpointList.length > 1000)
    errors.push({
      type: 'FieldValueTooMany',
      field: 'endpoints',
      badValue: endpointList.length,
      detail: 'must have at most 1000 items',
    });
  endpointList.forEach((endpoint, index) => {
    const field = `endpoints[${index}]`;
    const addresses = endpoint.addresses ?? [];
    if (addresses.length === 0)
      errors.push(required(`${field}.addresses`, 'must contain at least 1 address'));
    addresses.forEach((address, at) => {
      const place = `${field}.addresses[${at}]`;
      if (slice.addressType === 'IPv4' && isIP(address) !== 4)
        errors.push(invalid(place, address, 'must be a valid IPv4 address'));
      else if (slice.addressType === 'IPv6' && isIP(address) !== 6)
        errors.push(invalid(place, address, 'must be a valid IPv6 address'));
    });
    if (endpoint.hostname) errors.push(...named(`${field}.hostname`, endpoint.hostname, dns1123Label));
  });
  const names = new Set<string>();
  (slice.ports ?? []).forEach((port, index) => {
    const name = port.name ?? '';
    if (names.has(name)) errors.push(duplicate(`ports[${index}].name`, name));
    names.add(name);
    errors.push(...oneOf(`ports[${index}].protocol`, port.protocol, ['SCTP', 'TCP', 'UDP']));
  });
  return errors;
}

export const endpointSlices: Strategy = {
  defaults(object) {
    for (const port of objects((object as unknown as discovery_v1.EndpointSlice).ports)) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  },
  validate: sliceProblems,
  validateUpdate: (object, old) => [
    ...sliceProblems(object),
    ...immutable('addressType', object['addressType'], old['addressType']),
  ],
};
