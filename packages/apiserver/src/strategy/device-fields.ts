/** What the kinds of resource.k8s.io share: limits, names, selectors, taints and tolerations, opaque configuration. */
import {
  cIdentifier,
  dns1123Label,
  dns1123Subdomain,
  type FieldError,
  isObject,
  labelValue,
  qualifiedName,
} from '@coracle/machinery';
import type { resource_v1, resource_v1beta2 } from '@coracle/machinery/api';
import { compileDeviceSelector } from '@coracle/machinery/cel';
import { duplicate, invalid, named, oneOf, required, tooLong, tooMany } from './fields.ts';

export const limits = {
  selectors: 32,
  expressionBytes: 10 * 1024,
  requests: 32,
  alternatives: 8,
  constraints: 32,
  configs: 32,
  tolerations: 16,
  results: 32,
  reservedFor: 256,
  opaqueBytes: 10 * 1024,
  devices: 128,
  /** Where a device of the slice has taints, or consumes counters. */
  advancedDevices: 64,
  attributes: 32,
  attributeValues: 48,
  attributeBytes: 64,
  identifierBytes: 32,
  driverBytes: 63,
  poolBytes: 253,
  counterSets: 8,
  counters: 32,
  consumptions: 2,
  taints: 16,
  bindingConditions: 4,
  policyValues: 10,
  conditions: 8,
} as const;

const bytesOf = (text: string): number => Buffer.byteLength(text);

/** Problems of each of at most `max` items; only that there are too many if there are. */
export function eachOf<T>(
  field: string,
  list: readonly T[] | undefined,
  max: number,
  problems: (item: T, field: string) => FieldError[],
): FieldError[] {
  if (list === undefined) return [];
  if (list.length > max) return [tooMany(field, list.length, max)];
  return list.flatMap((item, index) => problems(item, `${field}[${index}]`));
}
/** Errors for the items whose key an earlier one has. */
export function repeated<T>(
  field: string,
  list: readonly T[] | undefined,
  keyOf: (item: T) => string,
): FieldError[] {
  const seen = new Set<string>();
  return (list ?? []).flatMap((item, index) => {
    const key = keyOf(item);
    if (seen.has(key)) return [duplicate(`${field}[${index}]`, key)];
    seen.add(key);
    return [];
  });
}

/** The name of a driver, which is a domain of at most 63 bytes. */
export function driverProblems(field: string, name: string | undefined): FieldError[] {
  if (name === undefined) return [];
  if (name === '') return [required(field)];
  const errors = bytesOf(name) > limits.driverBytes ? [tooLong(field, limits.driverBytes)] : [];
  return [...errors, ...named(field, name.toLowerCase(), dns1123Subdomain)];
}
/** The name of a pool: subdomains with slashes between them. */
export function poolNameProblems(field: string, name: string | undefined): FieldError[] {
  if (name === undefined) return [];
  if (name === '') return [required(field)];
  const errors = bytesOf(name) > limits.poolBytes ? [tooLong(field, limits.poolBytes)] : [];
  return [...errors, ...name.split('/').flatMap((part) => named(field, part, dns1123Subdomain))];
}
export const deviceNameProblems = (field: string, name: string | undefined): FieldError[] =>
  named(field, name, dns1123Label);

function identifierProblems(field: string, name: string): FieldError[] {
  const errors = bytesOf(name) > limits.identifierBytes ? [tooLong(field, limits.identifierBytes)] : [];
  return [...errors, ...named(field, name, cIdentifier)];
}
/** `name` or `domain/name`, as attributes and capacities are named. */
export function qualifiedProblems(field: string, name: string): FieldError[] {
  const [first = '', second, ...more] = name.split('/');
  if (more.length > 0) return [invalid(field, name, 'must not contain more than one slash')];
  if (second === undefined) return identifierProblems(field, first);
  return [
    ...(first === '' ? [invalid(field, '', 'the domain must not be empty')] : driverProblems(field, first)),
    ...(second === ''
      ? [invalid(field, '', 'the name must not be empty')]
      : identifierProblems(field, second)),
  ];
}
export const fullyQualifiedProblems = (field: string, name: string): FieldError[] => [
  ...qualifiedProblems(field, name),
  ...(name.includes('/')
    ? []
    : [invalid(field, name, 'a fully qualified name must be a domain and a name separated by a slash')]),
];

/** CEL selectors: at most 32, each of which compiles to a test of one device. */
export function selectorProblems(
  field: string,
  selectors: readonly resource_v1.DeviceSelector[] | undefined,
): FieldError[] {
  return eachOf(field, selectors, limits.selectors, ({ cel }, at) => {
    if (!cel) return [required(`${at}.cel`)];
    const { expression } = cel;
    if (typeof expression !== 'string') return [];
    const place = `${at}.cel.expression`;
    if (bytesOf(expression) > limits.expressionBytes) return [tooLong(place, limits.expressionBytes)];
    const { error } = compileDeviceSelector(expression);
    return error === undefined ? [] : [invalid(place, expression, error)];
  });
}

const effects = ['NoSchedule', 'NoExecute', 'None'];

export function taintProblems(
  field: string,
  taint: resource_v1.DeviceTaint | resource_v1beta2.DeviceTaint,
): FieldError[] {
  return [
    ...named(`${field}.key`, taint.key ?? '', qualifiedName),
    ...named(`${field}.value`, taint.value, labelValue),
    ...(taint.effect ? oneOf(`${field}.effect`, taint.effect, effects) : [required(`${field}.effect`)]),
  ];
}
export function tolerationProblems(
  field: string,
  tolerations: readonly resource_v1.DeviceToleration[] | undefined,
): FieldError[] {
  return eachOf(field, tolerations, limits.tolerations, ({ key, operator, value, effect }, at) => [
    ...(key ? named(`${at}.key`, key, qualifiedName) : []),
    ...(operator === 'Exists' && value
      ? [invalid(`${at}.value`, value, 'must be empty for operator `Exists`')]
      : []),
    ...(operator === 'Equal' ? named(`${at}.value`, value, labelValue) : []),
    ...oneOf(`${at}.operator`, operator, ['Equal', 'Exists']),
    ...(effect ? oneOf(`${at}.effect`, effect, effects) : []),
  ]);
}

/** Parameters that are the driver's own business: an object of at most 10 KiB. */
export function opaqueProblems(
  field: string,
  opaque: resource_v1.OpaqueDeviceConfiguration | undefined,
): FieldError[] {
  if (!opaque) return [required(`${field}.opaque`)];
  const { driver, parameters } = opaque;
  const at = `${field}.opaque.parameters`;
  const errors = driverProblems(`${field}.opaque.driver`, driver);
  if (parameters === undefined || parameters === null) errors.push(required(at));
  else if (!isObject(parameters)) errors.push(invalid(at, '<value omitted>', 'must be a valid JSON object'));
  else if (bytesOf(JSON.stringify(parameters)) > limits.opaqueBytes)
    errors.push(tooLong(at, limits.opaqueBytes));
  return errors;
}

/** Conditions that binding waits for, and those that end it: of each some, or none of either. */
export function bindingConditionProblems(
  field: string,
  wanted: readonly string[] = [],
  failures: readonly string[] = [],
): FieldError[] {
  const wantedAt = `${field}.bindingConditions`;
  const failuresAt = `${field}.bindingFailureConditions`;
  const label = (name: string, at: string): FieldError[] => named(at, name, qualifiedName);
  const self = (name: string): string => name;
  return [
    ...eachOf(wantedAt, wanted, limits.bindingConditions, label),
    ...eachOf(failuresAt, failures, limits.bindingConditions, label),
    ...repeated(wantedAt, wanted, self),
    ...repeated(failuresAt, failures, self),
    ...failures.flatMap((name, index) =>
      wanted.includes(name)
        ? [
            invalid(
              `${failuresAt}[${index}]`,
              name,
              'bindingFailureConditions must not overlap with bindingConditions',
            ),
          ]
        : [],
    ),
    ...(wanted.length === 0 && failures.length > 0
      ? [invalid(wantedAt, wanted, 'bindingConditions are required to use bindingFailureConditions')]
      : []),
    ...(failures.length === 0 && wanted.length > 0
      ? [invalid(failuresAt, failures, 'bindingFailureConditions are required to use bindingConditions')]
      : []),
  ];
}
