import * as fc from 'fast-check';
import {
  ApiError,
  applyDefaults,
  createRegistry,
  deepFreeze,
  jsonClone,
  type Kind,
  prune,
  type Schema,
  typeErrors,
  type Unstructured,
  validate,
} from '@coracle/machinery';
import { describe, expect, test } from 'vitest';
import { defaultPrinter, printerFor } from '../../src/printers/index.ts';
import { strategyFor } from '../../src/strategy/index.ts';
import { context } from '../auth/fakes.ts';

/** Values of a schema: mostly of the right type, often odd; nulls where Go reads them as absent. */
function valuesOf(schema: Schema, depth: number): fc.Arbitrary<unknown> {
  if (schema['x-kubernetes-int-or-string'])
    return fc.oneof(fc.integer({ min: -2, max: 70000 }), fc.constantFrom('25%', 'http', '', '150%', '1'));
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'string':
      if (schema.format === 'quantity')
        return fc.constantFrom('1', '500m', '1Gi', '0', '-1', '0.5', '1024Mi');
      if (schema.format === 'date-time')
        return fc.constantFrom('2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z');
      return fc.constantFrom(
        '',
        'a',
        'b',
        'x-1',
        'Bad_Name',
        'Always',
        'Never',
        'TCP',
        'Indexed',
        'cpu',
        '1',
        '10.0.0.1',
        'None',
        'a/b',
        '*',
      );
    case 'integer':
      return fc.integer({ min: -2, max: 5 });
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true, min: -2, max: 5 });
    case 'boolean':
      return fc.boolean();
    case 'array':
      return depth <= 0
        ? fc.constant([])
        : fc.array(orNull(valuesOf(schema.items ?? {}, depth - 1)), { maxLength: 2 });
    default:
      break;
  }
  if (schema.properties) {
    if (depth <= 0) return fc.constant({});
    const names = Object.keys(schema.properties);
    return fc.subarray(names, { maxLength: Math.min(7, names.length) }).chain((chosen) => {
      const wanted = new Set([...chosen, ...(depth > 2 ? (schema.required ?? []) : [])]);
      return fc.record(
        Object.fromEntries(
          [...wanted].map((name) => [name, orNull(valuesOf(schema.properties?.[name] ?? {}, depth - 1))]),
        ),
      );
    });
  }
  if (typeof schema.additionalProperties === 'object')
    return depth <= 0
      ? fc.constant({})
      : fc.dictionary(
          fc.constantFrom('cpu', 'memory', 'a', 'nvidia.com/gpu', 'x/y/z'),
          valuesOf(schema.additionalProperties, depth - 1),
          { maxKeys: 2 },
        );
  return fc.constantFrom<unknown>({}, { a: 1 });
}
const orNull = (values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 20, arbitrary: values }, { weight: 1, arbitrary: fc.constant(null) });

const registry = createRegistry();
const kinds = [...registry.kinds()].filter(
  (kind) => kind.verbs.includes('create') && kind.version === kind.storageVersion,
);

const unexpected = (step: string, run: () => unknown): void => {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ApiError)) throw new Error(`${step}: ${(error as Error).stack}`, { cause: error });
  }
};

/** As the write path hands it to a strategy; undefined if the decoder would have refused it. */
function decoded(kind: Kind, body: unknown): Unstructured | undefined {
  const object = body as Unstructured;
  object.apiVersion = kind.group ? `${kind.group}/${kind.version}` : kind.version;
  object.kind = kind.kind;
  object.metadata = { name: 'x', namespace: 'default', uid: 'u', labels: {} } as Unstructured['metadata'];
  if (typeErrors(kind.schema, object).length > 0) return undefined;
  prune(kind.schema, object);
  return applyDefaults(kind.schema, object);
}

function checkUpdate(kind: Kind, object: Unstructured, old: Unstructured): void {
  const strategy = strategyFor(kind.group, kind.resource);
  const ctx = context();
  unexpected('defaults of an update', () => strategy.defaults?.(object));
  unexpected('prepareForUpdate', () => strategy.prepareForUpdate?.(object, old, ctx));
  unexpected('prepareForStatusUpdate', () => strategy.prepareForStatusUpdate?.(object, old, ctx));
  unexpected('validateUpdate', () => strategy.validateUpdate?.(object, old, ctx));
  unexpected('validateStatusUpdate', () => strategy.validateStatusUpdate?.(object, old, ctx));
}

function check(kind: Kind, body: unknown, next: unknown): void {
  const object = decoded(kind, body);
  if (!object) return;
  const strategy = strategyFor(kind.group, kind.resource);
  const ctx = context();
  unexpected('defaults', () => strategy.defaults?.(object));
  const once = jsonClone(object);
  unexpected('defaults again', () => strategy.defaults?.(object));
  expect(object).toEqual(once);
  unexpected('prepareForCreate', () => strategy.prepareForCreate?.(object, ctx));
  const bad = validate(kind.schema, object).length > 0;
  unexpected('validate', () => strategy.validate?.(object, ctx));
  if (!bad) {
    checkUpdate(kind, jsonClone(object), deepFreeze(jsonClone(object)));
    const changed = decoded(kind, next);
    if (changed) checkUpdate(kind, changed, deepFreeze(jsonClone(object)));
    const printer = printerFor(kind.group, kind.resource, kind.version) ?? defaultPrinter;
    const cells = printer.cells(object, ctx.now);
    expect(cells).toHaveLength(printer.columns.length);
    for (const cell of cells) expect(cell).not.toBeUndefined();
  }
  for (const read of Object.values(strategy.fields ?? {})) unexpected('fields', () => read(object));
  unexpected('afterDelete', () => strategy.afterDelete?.(object, ctx));
}

describe('a strategy, given any objects of its kind that have the right types', () => {
  test.each(kinds.map((kind) => [`${kind.resource}.${kind.group}`, kind] as const))(
    '%s never throws, and its defaults are idempotent',
    (_name, kind) => {
      const values = valuesOf(kind.schema, kind.resource === 'pods' ? 7 : 8);
      fc.assert(
        fc.property(values, values, (body, next) => check(kind, body, next)),
        { numRuns: 30 },
      );
    },
  );
});
