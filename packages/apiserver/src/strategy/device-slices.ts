/** ResourceSlices: the devices that a driver offers. */
import { dns1123Label, type FieldError, parseQuantity, type Quantity } from '@coracle/machinery';
import type { resource_v1 } from '@coracle/machinery/api';
import {
  bindingConditionProblems,
  deviceNameProblems,
  driverProblems,
  eachOf,
  limits,
  poolNameProblems,
  qualifiedProblems,
  repeated,
  taintProblems,
} from './device-fields.ts';
import { forbidden, immutable, invalid, named, required, tooLong, tooMany } from './fields.ts';
import { nodeNameProblems, nodeSelectorProblems } from './scheduling-validation.ts';

const version =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;

const textProblems = (field: string, text: string): FieldError[] =>
  Buffer.byteLength(text) > limits.attributeBytes ? [tooLong(field, limits.attributeBytes)] : [];
const versionProblems = (field: string, text: string): FieldError[] => [
  ...(version.test(text)
    ? []
    : [invalid(field, text, 'must be a string compatible with semver.org spec 2.0.0')]),
  ...textProblems(field, text),
];

function attributeProblems(field: string, attribute: resource_v1.DeviceAttribute): FieldError[] {
  const set = Object.entries(attribute).filter(([, value]) => value !== undefined && value !== null);
  return [
    ...(attribute.string === undefined ? [] : textProblems(`${field}.string`, attribute.string)),
    ...(attribute.version === undefined ? [] : versionProblems(`${field}.version`, attribute.version)),
    ...(attribute.strings ?? []).flatMap((text, at) => textProblems(`${field}.strings[${at}]`, text)),
    ...(attribute.versions ?? []).flatMap((text, at) => versionProblems(`${field}.versions[${at}]`, text)),
    ...set.flatMap(([name, value]) =>
      Array.isArray(value) && value.length === 0
        ? [invalid(`${field}.${name}`, value, 'must not be empty if specified')]
        : [],
    ),
    ...(set.length === 1
      ? []
      : [invalid(field, set.length === 0 ? '' : attribute, 'exactly one value must be specified')]),
  ];
}

/** A quantity that has passed its schema; undefined where it has not. */
function quantityOf(text: string | undefined): Quantity | undefined {
  try {
    return text === undefined ? undefined : parseQuantity(text);
  } catch {
    return undefined;
  }
}
function rangeProblems(
  field: string,
  range: resource_v1.CapacityRequestPolicyRange,
  standard: Quantity,
  capacity: Quantity,
): FieldError[] {
  const min = quantityOf(range.min);
  if (!min) return [required(`${field}.min`, 'required when validRange is defined')];
  const errors: FieldError[] = [];
  const add = (wrong: boolean, name: string, value: Quantity, detail: string): void => {
    if (wrong) errors.push(invalid(`${field}.${name}`, value.toString(), detail));
  };
  const tooBig = (what: string): string => `${what} is larger than capacity value: ${capacity}`;
  add(min.cmp(capacity) > 0, 'min', min, tooBig('min'));
  add(standard.cmp(min) < 0, 'default', standard, `default is less than min: ${min}`);
  const max = quantityOf(range.max);
  if (max) {
    add(min.cmp(max) > 0, 'max', min, `min is larger than max: ${max}`);
    add(max.cmp(capacity) > 0, 'max', max, tooBig('max'));
    add(standard.cmp(max) > 0, 'default', standard, `default is more than max: ${max}`);
  }
  const step = quantityOf(range.step);
  if (!step) return errors;
  add(step.nanos <= 0n, 'step', step, 'must be greater than zero');
  if (step.nanos <= 0n) return errors;
  const once = min.add(step);
  add(once.cmp(capacity) > 0, 'step', step, tooBig(`one step ${once}`));
  for (const value of max ? [standard, max] : [standard])
    add(
      (value.nanos - min.nanos) % step.nanos !== 0n,
      'step',
      value,
      `value is not a multiple of a given step (${step}) from (${min})`,
    );
  return errors;
}
function valuesProblems(
  field: string,
  texts: readonly string[],
  standard: Quantity,
  capacity: Quantity,
): FieldError[] {
  const values = texts.map(quantityOf).filter((value) => value !== undefined);
  if (values.length !== texts.length) return [];
  return [
    ...values.flatMap((value, index) => {
      const before = values[index - 1];
      return before && before.cmp(value) > 0
        ? [invalid(`${field}[${index}]`, value.toString(), 'values must be sorted in ascending order')]
        : [];
    }),
    ...eachOf(field, values, limits.policyValues, (value, at) =>
      value.cmp(capacity) > 0
        ? [invalid(at, value.toString(), `option is larger than capacity value: ${capacity}`)]
        : [],
    ),
    ...repeated(field, values, (value) => value.nanos.toString()),
    ...(values.some((value) => value.cmp(standard) === 0)
      ? []
      : [invalid(field, standard.toString(), 'default value is not valid according to the requestPolicy')]),
  ];
}
function capacityProblems(
  field: string,
  { value, requestPolicy }: resource_v1.DeviceCapacity,
  shared: boolean,
): FieldError[] {
  if (!requestPolicy) return [];
  const at = `${field}.requestPolicy`;
  if (!shared) return [forbidden(at, 'allowMultipleAllocations must be true')];
  const capacity = quantityOf(value);
  const { validRange, validValues = [] } = requestPolicy;
  if (!capacity || (!validRange && validValues.length === 0)) return [];
  if (validRange && validValues.length > 0)
    return [
      forbidden(
        at,
        'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time',
      ),
    ];
  const standard = quantityOf(requestPolicy.default);
  const kind = validRange ? 'validRange' : 'validValues';
  if (!standard)
    return requestPolicy.default === undefined
      ? [required(`${at}.default`, `required when ${kind} is defined`)]
      : [];
  return validRange
    ? rangeProblems(`${at}.validRange`, validRange, standard, capacity)
    : valuesProblems(`${at}.validValues`, validValues, standard, capacity);
}

function countersProblems(field: string, counters: Record<string, unknown> | undefined): FieldError[] {
  const names = Object.keys(counters ?? {});
  if (names.length === 0) return [required(field)];
  if (names.length > limits.counters) return [tooMany(field, names.length, limits.counters)];
  return names.flatMap((name) => named(field, name, dns1123Label));
}

/** Exactly one of the ways to say for which nodes it is. */
function whereProblems(
  field: string,
  where: {
    nodeName?: string | undefined;
    nodeSelector?: resource_v1.Device['nodeSelector'];
    allNodes?: boolean | undefined;
    perDeviceNodeSelection?: boolean | undefined;
  },
  detail: { none: string; many: string },
): FieldError[] {
  const errors: FieldError[] = [];
  const set: string[] = [];
  if (where.nodeName !== undefined) {
    if (where.nodeName === '')
      errors.push(invalid(`${field}.nodeName`, '', 'must be either unset or set to a non-empty string'));
    else set.push('`nodeName`');
    errors.push(...nodeNameProblems(`${field}.nodeName`, where.nodeName || undefined));
  }
  if (where.nodeSelector) {
    set.push('`nodeSelector`');
    errors.push(...nodeSelectorProblems(where.nodeSelector, `${field}.nodeSelector`));
  }
  for (const name of ['allNodes', 'perDeviceNodeSelection'] as const) {
    if (where[name] === true) set.push(`\`${name}\``);
    else if (where[name] === false)
      errors.push(invalid(`${field}.${name}`, false, 'must be either unset or set to true'));
  }
  if (set.length === 0) errors.push(required(field, detail.none));
  if (set.length > 1) errors.push(invalid(field, `{${set.join(', ')}}`, detail.many));
  return errors;
}

function deviceProblems(device: resource_v1.Device, field: string, perDevice: boolean): FieldError[] {
  const attributes = Object.entries(device.attributes ?? {});
  const capacity = Object.entries(device.capacity ?? {});
  const count = attributes.length + capacity.length;
  // Each of the values of an attribute counts.
  const values = attributes.reduce(
    (sum, [, { bools, ints, strings, versions }]) =>
      sum + ((bools ?? ints ?? strings ?? versions)?.length || 1),
    0,
  );
  const oneWhere =
    'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec';
  return [
    ...deviceNameProblems(`${field}.name`, device.name),
    ...(count > limits.attributes
      ? [
          invalid(
            field,
            count,
            `the total number of attributes and capacities must not exceed ${limits.attributes}`,
          ),
        ]
      : []),
    ...(values > limits.attributeValues
      ? [
          invalid(
            field,
            values,
            `the total number of attribute values must not exceed ${limits.attributeValues}`,
          ),
        ]
      : []),
    ...attributes.flatMap(([name, attribute]) => [
      ...qualifiedProblems(`${field}.attributes`, name),
      ...attributeProblems(`${field}.attributes[${name}]`, attribute),
    ]),
    ...capacity.flatMap(([name, value]) => [
      ...qualifiedProblems(`${field}.capacity`, name),
      ...capacityProblems(`${field}.capacity[${name}]`, value, device.allowMultipleAllocations === true),
    ]),
    ...eachOf(`${field}.taints`, device.taints, limits.taints, (taint, at) => taintProblems(at, taint)),
    ...eachOf(`${field}.consumesCounters`, device.consumesCounters, limits.consumptions, (consumed, at) => [
      ...named(`${at}.counterSet`, consumed.counterSet, dns1123Label),
      ...countersProblems(`${at}.counters`, consumed.counters),
    ]),
    ...repeated(`${field}.consumesCounters`, device.consumesCounters, ({ counterSet }) => counterSet),
    ...(perDevice
      ? whereProblems(field, device, { none: oneWhere, many: oneWhere })
      : device.nodeName !== undefined || device.nodeSelector || device.allNodes !== undefined
        ? [
            invalid(
              field,
              null,
              '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
            ),
          ]
        : []),
    ...bindingConditionProblems(field, device.bindingConditions, device.bindingFailureConditions),
  ];
}

/** The spec of a slice, and of what it was before. */
export function sliceSpecProblems(
  spec: resource_v1.ResourceSliceSpec,
  old?: resource_v1.ResourceSliceSpec,
): FieldError[] {
  const pool = spec.pool as Partial<resource_v1.ResourcePool> | undefined;
  const devices = spec.devices ?? [];
  const advanced = devices.some(
    ({ taints, consumesCounters, attributes }) =>
      (taints ?? []).length > 0 ||
      (consumesCounters ?? []).length > 0 ||
      Object.values(attributes ?? {}).some((a) => a.bools ?? a.ints ?? a.strings ?? a.versions),
  );
  const one = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required';
  const terms = spec.nodeSelector?.nodeSelectorTerms ?? [];
  return [
    ...driverProblems('spec.driver', spec.driver),
    ...poolNameProblems('spec.pool.name', pool?.name),
    ...(pool && (pool.resourceSliceCount ?? 0) <= 0
      ? [invalid('spec.pool.resourceSliceCount', pool.resourceSliceCount ?? 0, 'must be greater than zero')]
      : []),
    ...((pool?.generation ?? 0) < 0
      ? [invalid('spec.pool.generation', pool?.generation, 'must be greater than or equal to zero')]
      : []),
    ...(old
      ? [
          ...immutable('spec.pool.name', pool?.name, old.pool.name),
          ...immutable('spec.driver', spec.driver, old.driver),
          ...immutable('spec.nodeName', spec.nodeName, old.nodeName),
        ]
      : []),
    ...whereProblems('spec', spec, { none: one, many: `${one}, but multiple fields are set` }),
    ...(spec.nodeSelector && terms.length > 1
      ? [invalid('spec.nodeSelector.nodeSelectorTerms', terms, 'must have exactly one node selector term')]
      : []),
    ...(spec.sharedCounters && spec.devices
      ? [invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed')]
      : []),
    ...eachOf('spec.devices', devices, advanced ? limits.advancedDevices : limits.devices, (device, at) =>
      deviceProblems(device, at, spec.perDeviceNodeSelection === true),
    ),
    ...repeated('spec.devices', devices, ({ name }) => name),
    ...eachOf('spec.sharedCounters', spec.sharedCounters, limits.counterSets, (set, at) => [
      ...named(`${at}.name`, set.name, dns1123Label),
      ...countersProblems(`${at}.counters`, set.counters),
    ]),
    ...repeated('spec.sharedCounters', spec.sharedCounters, ({ name }) => name),
  ];
}
