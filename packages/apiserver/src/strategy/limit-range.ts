/** LimitRanges: limits that fill each other, and must not contradict each other. */
import { type FieldError, parseQuantity, type Quantity, type Unstructured } from '@coracle/machinery';
import type { core_v1, LimitRangeItem } from '@coracle/machinery/api';
import type { Strategy } from '../contracts.ts';
import { duplicate, forbidden, invalid, isPart, objects, required, specOf, validSpec } from './fields.ts';

/** Limits of containers fill each other: no default means max, no default request means the default or the min. */
function fillDefaults(item: LimitRangeItem): void {
  if (item.type !== 'Container') return;
  item.default = { ...item.max, ...item.default };
  item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest };
  for (const key of ['default', 'defaultRequest'] as const)
    if (Object.keys(item[key] ?? {}).length === 0) delete (item as unknown as Record<string, unknown>)[key];
}

type Part = 'min' | 'max' | 'default' | 'defaultRequest';
/** What must not be greater than what: the field that is wrong then, and how both are called. */
const order: readonly (readonly [
  small: Part,
  large: Part,
  field: Part,
  text: (a: string, b: string) => string,
])[] = [
  ['min', 'max', 'min', (a, b) => `min value ${a} is greater than max value ${b}`],
  [
    'min',
    'defaultRequest',
    'defaultRequest',
    (a, b) => `min value ${a} is greater than default request value ${b}`,
  ],
  [
    'defaultRequest',
    'max',
    'defaultRequest',
    (a, b) => `default request value ${a} is greater than max value ${b}`,
  ],
  [
    'defaultRequest',
    'default',
    'defaultRequest',
    (a, b) => `default request value ${a} is greater than default limit value ${b}`,
  ],
  ['min', 'default', 'default', (a, b) => `min value ${a} is greater than default value ${b}`],
  ['default', 'max', 'default', (a, b) => `default value ${a} is greater than max value ${b}`],
];

function amount(text: string | undefined): Quantity | undefined {
  try {
    return text === undefined ? undefined : parseQuantity(text);
  } catch {
    return undefined; // The schema has said so already.
  }
}

function itemProblems(item: LimitRangeItem, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!item.type) errors.push(required(`${at}.type`));
  if (item.type === 'Pod') {
    if (Object.keys(item.default ?? {}).length > 0)
      errors.push(forbidden(`${at}.default`, "may not be specified when `type` is 'Pod'"));
    if (Object.keys(item.defaultRequest ?? {}).length > 0)
      errors.push(forbidden(`${at}.defaultRequest`, "may not be specified when `type` is 'Pod'"));
  }
  if (
    item.type === 'PersistentVolumeClaim' &&
    item.min?.['storage'] === undefined &&
    item.max?.['storage'] === undefined
  )
    errors.push(
      required(
        `${at}.limits`,
        'either minimum or maximum storage value is required, but neither was provided',
      ),
    );
  const parts = [item.min, item.max, item.default, item.defaultRequest, item.maxLimitRequestRatio];
  const names = new Set(parts.flatMap((part) => Object.keys(part ?? {})));
  for (const name of [...names].toSorted()) {
    const of = (part: Part): Quantity | undefined => amount(item[part]?.[name]);
    for (const [small, large, field, text] of order) {
      const [a, b] = [of(small), of(large)];
      if (a && b && a.cmp(b) > 0)
        errors.push(
          invalid(
            `${at}.${field}[${name}]`,
            (field === large ? b : a).toString(),
            text(a.toString(), b.toString()),
          ),
        );
    }
    const ratio = amount(item.maxLimitRequestRatio?.[name]);
    if (!ratio) continue;
    const field = `${at}.maxLimitRequestRatio[${name}]`;
    if (ratio.nanos < 1_000_000_000n)
      errors.push(invalid(field, ratio.toString(), `ratio ${ratio.toString()} is less than 1`));
    const [min, max] = [of('min'), of('max')];
    if (min && max && min.nanos > 0n && ratio.nanos * min.nanos > max.nanos * 1_000_000_000n)
      errors.push(
        invalid(
          field,
          ratio.toString(),
          `ratio ${ratio.toString()} is greater than max/min = ${(Number(max.nanos) / Number(min.nanos)).toFixed(6)}`,
        ),
      );
  }
  return errors;
}

function problems(object: Unstructured): FieldError[] {
  const errors: FieldError[] = [];
  const types = new Set<string>();
  objects(validSpec<core_v1.LimitRangeSpec>(object).limits).forEach((item, index) => {
    const at = `spec.limits[${index}]`;
    if (types.has(item.type)) errors.push(duplicate(`${at}.type`, item.type));
    types.add(item.type);
    errors.push(...itemProblems(item, at));
  });
  return errors;
}

export const limitRanges: Strategy = {
  defaults(object) {
    const spec = specOf<core_v1.LimitRangeSpec>(object);
    if (isPart(spec)) for (const item of objects(spec.limits)) fillDefaults(item);
  },
  validate: problems,
  validateUpdate: problems,
};
