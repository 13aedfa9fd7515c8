/** Dynamic resource allocation (resource.k8s.io): defaults, and the flat shapes of v1beta1. */
import { type FieldError, type Unstructured } from '@coracle/machinery';
import type { resource_v1 } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import { immutable, isObject, isPart, type Loose, objects, specOf } from './fields.ts';

type ClaimSpec = resource_v1.ResourceClaimSpec;
type Request = resource_v1.DeviceRequest;

function defaultRequest(
  request: resource_v1.ExactDeviceRequest | resource_v1.DeviceSubRequest | undefined,
): void {
  if (!isPart(request)) return;
  request.allocationMode ||= 'ExactCount';
  if (request.allocationMode === 'ExactCount' && !request.count) request.count = 1;
  for (const toleration of objects(request.tolerations)) toleration.operator ||= 'Equal';
}

function defaultClaim(spec: ClaimSpec | undefined): void {
  if (!isPart(spec)) return;
  for (const request of objects(spec.devices?.requests)) {
    defaultRequest(request.exactly);
    for (const alternative of objects(request.firstAvailable)) defaultRequest(alternative);
  }
}

const flat = [
  'adminAccess',
  'allocationMode',
  'capacity',
  'count',
  'deviceClassName',
  'selectors',
  'tolerations',
];

/** v1beta1 writes an exact request's fields beside its name. */
function nested(request: Loose): Loose {
  if (request['firstAvailable'] !== undefined || request['exactly'] !== undefined) return request;
  const result: Loose = {};
  const exactly: Loose = {};
  for (const [key, value] of Object.entries(request)) (flat.includes(key) ? exactly : result)[key] = value;
  return { ...result, exactly };
}
function flattened(request: Loose): Loose {
  const { exactly, ...rest } = request;
  return isObject(exactly) ? { ...rest, ...exactly } : rest;
}

function mapRequests(spec: unknown, change: (request: Loose) => Loose): unknown {
  if (!isObject(spec) || !isObject(spec['devices'])) return spec;
  const { requests } = spec['devices'];
  if (!Array.isArray(requests)) return spec;
  return {
    ...spec,
    devices: {
      ...spec['devices'],
      requests: requests.map((request) => (isObject(request) ? change(request) : request)),
    },
  };
}

function mapDevices(spec: unknown, change: (device: Loose) => Loose): unknown {
  if (!isObject(spec) || !Array.isArray(spec['devices'])) return spec;
  return { ...spec, devices: spec['devices'].map((device) => (isObject(device) ? change(device) : device)) };
}

type Change = (spec: unknown, toV1: boolean) => unknown;
const claimChange: Change = (spec, toV1) => mapRequests(spec, toV1 ? nested : flattened);
const templateChange: Change = (spec, toV1) =>
  isObject(spec) ? { ...spec, spec: claimChange(spec['spec'], toV1) } : spec;
const sliceChange: Change = (spec, toV1) =>
  mapDevices(spec, (device) => {
    if (toV1) {
      const { basic, ...rest } = device;
      return isObject(basic) ? { ...rest, ...basic } : rest;
    }
    const { name, ...basic } = device;
    return { name, basic };
  });

/** Versions of the group differ in v1beta1's spec only. */
function conversions(change: Change): Pick<Strategy, 'toStorage' | 'fromStorage'> {
  return {
    toStorage: (object, fromVersion) => ({
      ...object,
      apiVersion: 'resource.k8s.io/v1',
      ...(fromVersion === 'v1beta1' ? { spec: change(object['spec'], true) } : {}),
    }),
    fromStorage: (object, toVersion) => ({
      ...object,
      apiVersion: `resource.k8s.io/${toVersion}`,
      ...(toVersion === 'v1beta1' ? { spec: change(object['spec'], false) } : {}),
    }),
  };
}
const unchanged: Change = (spec) => spec;
const specImmutable = (object: Unstructured, old: Unstructured): FieldError[] =>
  immutable('spec', object['spec'], old['spec']);

const requestNames = (requests: Request[] | undefined): FieldError[] => {
  const errors: FieldError[] = [];
  (requests ?? []).forEach((request, index) => {
    const field = `spec.devices.requests[${index}]`;
    if (!request.exactly && (request.firstAvailable ?? []).length === 0)
      errors.push({
        type: 'FieldValueRequired',
        field,
        detail: 'exactly one of `exactly` or `firstAvailable` is required',
      });
    else if (request.exactly && request.firstAvailable)
      errors.push({
        type: 'FieldValueInvalid',
        field,
        badValue: null,
        detail: 'exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set',
      });
    if (request.exactly && !request.exactly.deviceClassName)
      errors.push({ type: 'FieldValueRequired', field: `${field}.exactly.deviceClassName`, detail: '' });
  });
  return errors;
};

export const resourceClaims: Strategy = {
  ...conversions(claimChange),
  defaults: (object) => defaultClaim(specOf<ClaimSpec>(object)),
  prepareForCreate(object) {
    object['status'] = {};
  },
  validate: (object) => requestNames((object['spec'] as ClaimSpec | undefined)?.devices?.requests),
  validateUpdate: specImmutable,
};
export const resourceClaimTemplates: Strategy = {
  ...conversions(templateChange),
  defaults: (object) => defaultClaim(specOf<resource_v1.ResourceClaimTemplateSpec>(object)?.spec),
  validateUpdate: specImmutable,
};
export const resourceSlices: Strategy = {
  ...conversions(sliceChange),
  fields: {
    'spec.nodeName': (object) => (object['spec'] as { nodeName?: string } | undefined)?.nodeName ?? '',
    'spec.driver': (object) => (object['spec'] as { driver?: string } | undefined)?.driver ?? '',
  },
};
export const deviceClasses: Strategy = { ...conversions(unchanged) };
