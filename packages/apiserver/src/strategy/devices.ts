/** Dynamic resource allocation (resource.k8s.io): defaults, and the flat shapes of v1beta1. */
import { type FieldError, formatTime, qualifiedName, type Unstructured } from '@coracle/machinery';
import type { resource_v1, resource_v1beta2 } from '@coracle/machinery/api';
import type { Strategy, StrategyContext } from '../contracts.ts';
import {
  adminRequestProblems,
  claimSpecProblems,
  claimStatusProblems,
  dropDeallocated,
} from './device-claims.ts';
import {
  deviceNameProblems,
  driverProblems,
  eachOf,
  limits,
  opaqueProblems,
  poolNameProblems,
  selectorProblems,
  taintProblems,
} from './device-fields.ts';
import { sliceSpecProblems } from './device-slices.ts';
import {
  immutable,
  invalid,
  isObject,
  isPart,
  labelProblems,
  type Loose,
  objects,
  same,
  specOf,
  validSpec,
} from './fields.ts';
import { isExtendedResource } from './resource-validation.ts';

type ClaimSpec = resource_v1.ResourceClaimSpec;

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

/** Taints say since when they hold: a taint that was there before, since then; another one since the time of the write. */
function stampTaints(taints: unknown, before: unknown, now: Date): void {
  const known = objects(before as resource_v1.DeviceTaint[]);
  for (const taint of objects(taints as resource_v1.DeviceTaint[]))
    taint.timeAdded ||=
      known.find(
        ({ key, value, effect }) => key === taint.key && effect === taint.effect && same(value, taint.value),
      )?.timeAdded ?? formatTime(now);
}
const devicesOf = (slice: Unstructured | undefined): readonly resource_v1.Device[] =>
  isObject(slice?.['spec']) ? objects(slice['spec']['devices'] as resource_v1.Device[]) : [];
function stampDevices(slice: Unstructured, old: Unstructured | undefined, { now }: StrategyContext): void {
  const before = new Map(devicesOf(old).map((device) => [device.name, device.taints]));
  for (const device of devicesOf(slice)) stampTaints(device.taints, before.get(device.name), now);
}

export const resourceClaims: Strategy = {
  ...conversions(claimChange),
  defaults: (object) => defaultClaim(specOf<ClaimSpec>(object)),
  prepareForCreate(object) {
    object['status'] = {};
  },
  prepareForStatusUpdate(object, old) {
    if (isObject(object['status']))
      dropDeallocated(object['status'], isObject(old['status']) ? old['status'] : {});
  },
  validate(object, { lookup }) {
    const spec = validSpec<ClaimSpec>(object);
    return [
      ...adminRequestProblems('spec', spec, object.metadata.namespace, lookup),
      ...claimSpecProblems('spec', spec),
    ];
  },
  validateUpdate: specImmutable,
  validateStatusUpdate: (object, old, { lookup }) =>
    claimStatusProblems(
      object as unknown as resource_v1.ResourceClaim,
      old as unknown as resource_v1.ResourceClaim,
      lookup,
    ),
};
export const resourceClaimTemplates: Strategy = {
  ...conversions(templateChange),
  defaults: (object) => defaultClaim(specOf<resource_v1.ResourceClaimTemplateSpec>(object)?.spec),
  validate(object, { lookup }) {
    const { metadata, spec } = validSpec<resource_v1.ResourceClaimTemplateSpec>(object);
    return [
      ...adminRequestProblems('spec.spec', spec, object.metadata.namespace, lookup),
      ...labelProblems('spec.metadata.labels', metadata?.labels),
      ...claimSpecProblems('spec.spec', spec),
    ];
  },
  validateUpdate: specImmutable,
};
export const resourceSlices: Strategy = {
  ...conversions(sliceChange),
  fields: {
    'spec.nodeName': (object) => (object['spec'] as { nodeName?: string } | undefined)?.nodeName ?? '',
    'spec.driver': (object) => (object['spec'] as { driver?: string } | undefined)?.driver ?? '',
  },
  prepareForCreate: (object, context) => stampDevices(object, undefined, context),
  prepareForUpdate: stampDevices,
  validate: (object) => sliceSpecProblems(validSpec(object)),
  validateUpdate: (object, old) => sliceSpecProblems(validSpec(object), validSpec(old)),
};

/** A class whose selectors are as before is not compiled again: what was stored stays valid. */
function classProblems(object: Unstructured, old?: Unstructured): FieldError[] {
  const spec = validSpec<resource_v1.DeviceClassSpec>(object);
  const before = old && validSpec<resource_v1.DeviceClassSpec>(old);
  const { extendedResourceName } = spec;
  return [
    ...(before && same(before.selectors, spec.selectors)
      ? []
      : selectorProblems('spec.selectors', spec.selectors)),
    ...eachOf('spec.config', spec.config, limits.configs, (config, at) => opaqueProblems(at, config.opaque)),
    ...(extendedResourceName === undefined ||
    (isExtendedResource(extendedResourceName) && qualifiedName(extendedResourceName) === undefined)
      ? []
      : [
          invalid(
            'spec.extendedResourceName',
            extendedResourceName,
            'must be a valid extended resource name',
          ),
        ]),
  ];
}
export const deviceClasses: Strategy = {
  ...conversions(unchanged),
  validate: (object) => classProblems(object),
  validateUpdate: classProblems,
};

function ruleProblems(object: Unstructured): FieldError[] {
  const { deviceSelector, taint } = validSpec<resource_v1beta2.DeviceTaintRuleSpec>(object);
  return [
    ...driverProblems('spec.deviceSelector.driver', deviceSelector?.driver),
    ...poolNameProblems('spec.deviceSelector.pool', deviceSelector?.pool),
    ...deviceNameProblems('spec.deviceSelector.device', deviceSelector?.device),
    ...(isPart(taint) ? taintProblems('spec.taint', taint) : []),
  ];
}
function stampRule(object: Unstructured, old: Unstructured | undefined, { now }: StrategyContext): void {
  const taint = (rule: Unstructured): unknown[] => [
    validSpec<resource_v1beta2.DeviceTaintRuleSpec>(rule).taint,
  ];
  stampTaints(taint(object), old && taint(old), now);
}
/** Its versions have one shape. */
export const deviceTaintRules: Strategy = {
  prepareForCreate: (object, context) => stampRule(object, undefined, context),
  prepareForUpdate: stampRule,
  validate: ruleProblems,
  validateUpdate: ruleProblems,
};
