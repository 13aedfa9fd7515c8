/** ResourceClaims: what may be asked for, and what a status may say was given. */
import { dns1123Label, dns1123Subdomain, type FieldError } from '@coracle/machinery';
import type { resource_v1 } from '@coracle/machinery/api';
import type { Lookup } from '../contracts.ts';
import {
  bindingConditionProblems,
  deviceNameProblems,
  driverProblems,
  eachOf,
  fullyQualifiedProblems,
  limits,
  opaqueProblems,
  poolNameProblems,
  repeated,
  selectorProblems,
  tolerationProblems,
} from './device-fields.ts';
import { forbidden, immutable, invalid, named, notSupported, oneOf, required, tooMany } from './fields.ts';
import { nodeSelectorProblems } from './scheduling-validation.ts';

const self = (name: string): string => name;

function modeProblems(
  field: string,
  { allocationMode, count }: resource_v1.ExactDeviceRequest | resource_v1.DeviceSubRequest,
): FieldError[] {
  switch (allocationMode) {
    case 'All':
      return count
        ? [invalid(`${field}.count`, count, "must not be specified when allocationMode is 'All'")]
        : [];
    case 'ExactCount':
      return typeof count === 'number' && count <= 0
        ? [invalid(`${field}.count`, count, 'must be greater than zero')]
        : [];
    default:
      return [notSupported(`${field}.allocationMode`, allocationMode ?? '', ['All', 'ExactCount'])];
  }
}
function askProblems(
  field: string,
  ask: resource_v1.ExactDeviceRequest | resource_v1.DeviceSubRequest,
): FieldError[] {
  return [
    ...(ask.deviceClassName
      ? named(`${field}.deviceClassName`, ask.deviceClassName, dns1123Subdomain)
      : [required(`${field}.deviceClassName`)]),
    ...selectorProblems(`${field}.selectors`, ask.selectors),
    ...modeProblems(field, ask),
    ...tolerationProblems(`${field}.tolerations`, ask.tolerations),
  ];
}
function requestProblems(request: resource_v1.DeviceRequest, field: string): FieldError[] {
  const errors = named(`${field}.name`, request.name, dns1123Label);
  const alternatives = request.firstAvailable ?? [];
  if (!request.exactly && alternatives.length === 0)
    return [...errors, required(field, 'exactly one of `exactly` or `firstAvailable` is required')];
  if (request.exactly && alternatives.length > 0)
    return [
      ...errors,
      invalid(
        field,
        null,
        'exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set',
      ),
    ];
  if (request.exactly) return [...errors, ...askProblems(`${field}.exactly`, request.exactly)];
  const at = `${field}.firstAvailable`;
  return [
    ...errors,
    ...eachOf(at, alternatives, limits.alternatives, (alternative, place) => [
      ...named(`${place}.name`, alternative.name, dns1123Label),
      ...askProblems(place, alternative),
    ]),
    ...repeated(at, alternatives, ({ name }) => name),
  ];
}

/** `request` and `request/alternative`: what constraints, configuration and results may refer to. */
function requestNames(claim: resource_v1.DeviceClaim | undefined): Set<string> {
  const names = new Set<string>();
  for (const { name, firstAvailable } of claim?.requests ?? []) {
    names.add(name);
    for (const alternative of firstAvailable ?? []) names.add(`${name}/${alternative.name}`);
  }
  return names;
}
const unknownRequest =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";
function referenceProblems(
  field: string,
  name: string | undefined,
  known: ReadonlySet<string>,
): FieldError[] {
  if (name === undefined) return [];
  const parts = name.split('/');
  if (parts.length > 2) return [invalid(field, name, unknownRequest)];
  return [
    ...parts.flatMap((part) => named(field, part, dns1123Label)),
    ...(known.has(name) ? [] : [invalid(field, name, unknownRequest)]),
  ];
}
const referencesProblems = (
  field: string,
  names: readonly string[] | undefined,
  known: ReadonlySet<string>,
): FieldError[] => [
  ...eachOf(field, names, limits.requests, (name, at) => referenceProblems(at, name, known)),
  ...repeated(field, names, self),
];

function constraintProblems(
  constraint: resource_v1.DeviceConstraint,
  field: string,
  known: ReadonlySet<string>,
): FieldError[] {
  const { matchAttribute, distinctAttribute, requests } = constraint;
  const errors = referencesProblems(`${field}.requests`, requests, known);
  if (matchAttribute !== undefined && distinctAttribute !== undefined)
    errors.push(
      invalid(
        field,
        null,
        'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
      ),
    );
  else if (matchAttribute !== undefined)
    errors.push(...fullyQualifiedProblems(`${field}.matchAttribute`, matchAttribute));
  else if (distinctAttribute !== undefined)
    errors.push(...fullyQualifiedProblems(`${field}.distinctAttribute`, distinctAttribute));
  else errors.push(required(field, 'exactly one of "matchAttribute" or "distinctAttribute" is required'));
  return errors;
}

/** The spec of a claim at `field`. */
export function claimSpecProblems(
  field: string,
  spec: resource_v1.ResourceClaimSpec | undefined,
): FieldError[] {
  const devices = spec?.devices;
  if (!devices) return [];
  const at = `${field}.devices`;
  const known = requestNames(devices);
  return [
    ...eachOf(`${at}.requests`, devices.requests, limits.requests, requestProblems),
    ...repeated(`${at}.requests`, devices.requests, ({ name }) => name),
    ...eachOf(`${at}.constraints`, devices.constraints, limits.constraints, (constraint, place) =>
      constraintProblems(constraint, place, known),
    ),
    ...eachOf(`${at}.config`, devices.config, limits.configs, (config, place) => [
      ...referencesProblems(`${place}.requests`, config.requests, known),
      ...opaqueProblems(place, config.opaque),
    ]),
  ];
}

const adminLabel = 'resource.kubernetes.io/admin-access';
const adminDetail = `admin access to devices requires the \`${adminLabel}: true\` label on the containing namespace`;
/** Devices that others use may be asked for only in namespaces that an administrator has marked. */
function adminProblem(field: string, namespace: string | undefined, lookup: Lookup): FieldError[] {
  const labels = lookup.get('', 'namespaces', '', namespace ?? '')?.metadata.labels;
  return labels?.[adminLabel] === 'true' ? [] : [forbidden(field, adminDetail)];
}
export function adminRequestProblems(
  field: string,
  spec: resource_v1.ResourceClaimSpec | undefined,
  namespace: string | undefined,
  lookup: Lookup,
): FieldError[] {
  const index = (spec?.devices?.requests ?? []).findIndex(({ exactly }) => exactly?.adminAccess === true);
  if (index < 0) return [];
  return adminProblem(`${field}.devices.requests[${index}].exactly.adminAccess`, namespace, lookup);
}

const deviceKey = ({ driver, pool, device, shareID }: resource_v1.AllocatedDeviceStatus): string =>
  [driver, pool, device, ...(shareID === undefined ? [] : [shareID])].join('/');

function allocationProblems(
  field: string,
  allocation: resource_v1.AllocationResult,
  known: ReadonlySet<string>,
): FieldError[] {
  const at = `${field}.devices`;
  const { devices, nodeSelector } = allocation;
  return [
    ...eachOf(`${at}.results`, devices?.results, limits.results, (result, place) => [
      ...referenceProblems(`${place}.request`, result.request, known),
      ...driverProblems(`${place}.driver`, result.driver),
      ...poolNameProblems(`${place}.pool`, result.pool),
      ...deviceNameProblems(`${place}.device`, result.device),
      ...bindingConditionProblems(place, result.bindingConditions, result.bindingFailureConditions),
      ...tolerationProblems(`${place}.tolerations`, result.tolerations),
    ]),
    ...eachOf(`${at}.config`, devices?.config, 2 * limits.configs, (config, place) => [
      ...(config.source
        ? oneOf(`${place}.source`, config.source, ['FromClaim', 'FromClass'])
        : [required(`${place}.source`)]),
      ...referencesProblems(`${place}.requests`, config.requests, known),
      ...opaqueProblems(place, config.opaque),
    ]),
    ...(nodeSelector ? nodeSelectorProblems(nodeSelector, `${field}.nodeSelector`) : []),
  ];
}

function reservationProblems(claim: resource_v1.ResourceClaim, old: resource_v1.ResourceClaim): FieldError[] {
  const field = 'status.reservedFor';
  const reserved = claim.status?.reservedFor ?? [];
  const errors = [
    ...eachOf(field, reserved, limits.reservedFor, ({ resource, name, uid }, at) => [
      ...(resource ? [] : [required(`${at}.resource`)]),
      ...(name ? [] : [required(`${at}.name`)]),
      ...(uid ? [] : [required(`${at}.uid`)]),
    ]),
    ...repeated(field, reserved, ({ uid }) => uid),
  ];
  if (reserved.length === 0) return errors;
  const before = new Set((old.status?.reservedFor ?? []).map(({ uid }) => uid));
  if (!claim.status?.allocation)
    errors.push(forbidden(field, 'may not be specified when `allocated` is not set'));
  else if (claim.metadata.deletionTimestamp && reserved.some(({ uid }) => !before.has(uid)))
    errors.push(
      forbidden(
        field,
        'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
      ),
    );
  return errors;
}

/** A new status: an allocation is made once and then only taken back; consumers are named while there is one. */
export function claimStatusProblems(
  claim: resource_v1.ResourceClaim,
  old: resource_v1.ResourceClaim,
  lookup: Lookup,
): FieldError[] {
  const errors = reservationProblems(claim, old);
  const allocation = claim.status?.allocation;
  const allocated = new Set((allocation?.devices?.results ?? []).map(deviceKey));
  const devices = claim.status?.devices;
  errors.push(
    ...eachOf('status.devices', devices, Infinity, (device, at) => [
      ...driverProblems(`${at}.driver`, device.driver),
      ...poolNameProblems(`${at}.pool`, device.pool),
      ...deviceNameProblems(`${at}.device`, device.device),
      ...(allocated.has(deviceKey(device))
        ? []
        : [invalid(at, deviceKey(device), 'must be an allocated device in the claim')]),
      ...((device.conditions ?? []).length > limits.conditions
        ? [tooMany(`${at}.conditions`, (device.conditions ?? []).length, limits.conditions)]
        : []),
    ]),
    ...repeated('status.devices', devices, deviceKey),
  );
  if (allocation && old.status?.allocation)
    return [...errors, ...immutable('status.allocation', allocation, old.status.allocation)];
  if (!allocation) return errors;
  const admin = (allocation.devices?.results ?? []).findIndex(({ adminAccess }) => adminAccess === true);
  if (admin >= 0)
    errors.push(
      ...adminProblem(
        `status.allocation.devices.results[${admin}].adminAccess`,
        claim.metadata.namespace,
        lookup,
      ),
    );
  return [
    ...errors,
    ...allocationProblems('status.allocation', allocation, requestNames(claim.spec?.devices)),
  ];
}

/** What was said of devices that are given back goes with them. */
export function dropDeallocated(
  status: resource_v1.ResourceClaimStatus,
  old: resource_v1.ResourceClaimStatus,
): void {
  if (!status.devices) return;
  const kept = new Set((status.allocation?.devices?.results ?? []).map(deviceKey));
  const gone = new Set(
    (old.allocation?.devices?.results ?? []).map(deviceKey).filter((key) => !kept.has(key)),
  );
  const devices = status.devices.filter((device) => !gone.has(deviceKey(device)));
  if (devices.length > 0) status.devices = devices;
  else delete status.devices;
}
