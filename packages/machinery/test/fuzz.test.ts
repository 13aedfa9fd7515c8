/** Nothing a client sends may make the engine throw anything but an ApiError. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  ApiError,
  applyDefaults,
  applyJsonPatch,
  applyMergePatch,
  applyStrategicMergePatch,
  crdProblems,
  jsonClone,
  kindFromCrd,
  type KubeObject,
  openApiDefinitions,
  parseFieldSelector,
  parseSelector,
  prune,
  type Schema,
  typeErrors,
  validate,
  validateObjectMeta,
} from '../src/index.ts';
import { pod, podSchema, schemaOf } from './objects.ts';

const odd = fc.oneof(
  { maxDepth: 3 },
  fc.constantFrom<unknown>(null, 0, -1, 1.5, '', 'x', true, [], {}, [null], [[]], { a: null }, [{}]),
  fc.jsonValue({ maxDepth: 3 }),
);

/** The object with the value at a random place replaced by something else. */
function spoilt(object: unknown, place: number, by: unknown): unknown {
  const copy = jsonClone(object);
  const places: [Record<string, unknown>, string][] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      places.push([value as Record<string, unknown>, key]);
      walk((value as Record<string, unknown>)[key]);
    }
  };
  walk(copy);
  const at = places[place % places.length];
  if (at) at[0][at[1]] = by;
  return copy;
}

/** All steps of a write; true if the object got through. */
function write(schema: Schema, object: unknown): boolean {
  if (typeErrors(schema, object).length > 0) return false;
  prune(schema, object);
  applyDefaults(schema, object);
  return validate(schema, object).length === 0;
}

const throwsOnlyApiErrors = (run: () => unknown): void => {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
};

test('a spoilt pod is refused or written, never a crash', () => {
  fc.assert(
    fc.property(fc.nat(), odd, (place, by) => {
      const object = spoilt(pod(), place, by) as KubeObject;
      write(podSchema, object);
      if (typeErrors(podSchema, object).length === 0 && object.metadata) {
        validateObjectMeta(object.metadata, { namespaced: true });
      }
    }),
    { numRuns: 500 },
  );
});

test('the schema of a pod takes any JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      write(podSchema, jsonClone(value));
    }),
  );
});

const crd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget', shortNames: ['w'], categories: ['all'] },
    conversion: { strategy: 'None' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' } },
        additionalPrinterColumns: [{ name: 'N', type: 'integer', jsonPath: '.spec.n' }],
        selectableFields: [{ jsonPath: '.spec.a' }],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            required: ['spec'],
            properties: {
              spec: {
                type: 'object',
                properties: {
                  a: { type: 'string', pattern: '^a', enum: ['a', 'b'], default: 'a' },
                  n: { type: 'integer', minimum: 1, nullable: true },
                  m: { type: 'object', additionalProperties: { type: 'boolean' } },
                  l: {
                    type: 'array',
                    'x-kubernetes-list-type': 'map',
                    'x-kubernetes-list-map-keys': ['k'],
                    items: { type: 'object', required: ['k'], properties: { k: { type: 'string' } } },
                  },
                  o: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
                },
                oneOf: [{ required: ['a'] }, { required: ['n'] }],
                not: { required: ['z'] },
              },
            },
          },
        },
      },
    ],
  },
};
const crdSchema = schemaOf('apiextensions.k8s.io', 'v1', 'CustomResourceDefinition');

test('a spoilt definition is refused, or its kind takes any object', () => {
  let accepted = 0;
  fc.assert(
    fc.property(fc.nat(), odd, odd, (place, by, spec) => {
      const object = spoilt(crd, place, by) as KubeObject;
      if (!write(crdSchema, object) || !object.metadata) return;
      if (crdProblems(object).length > 0) return;
      accepted++;
      for (const kind of kindFromCrd(object)) {
        write(kind.schema, { apiVersion: 'example.com/v1', kind: 'Widget', metadata: {}, spec });
        write(kind.schema, { metadata: { name: 'a' }, spec: { a: spec, l: [spec], m: { x: spec } } });
        openApiDefinitions([kind], 'v3');
        openApiDefinitions([kind], 'v2');
      }
    }),
    { numRuns: 1000 },
  );
  expect(accepted).toBeGreaterThan(0);
});

test('definitions are judged even when the schema has found them wanting', () => {
  fc.assert(
    fc.property(fc.nat(), odd, (place, by) => {
      const object = spoilt(crd, place, by) as KubeObject;
      if (typeErrors(crdSchema, object).length > 0) return;
      prune(crdSchema, object);
      applyDefaults(crdSchema, object);
      if (object.metadata) crdProblems(object);
    }),
    { numRuns: 1000 },
  );
});

test('any patch', () => {
  fc.assert(
    fc.property(odd, fc.nat(), (by, place) => {
      const patch = spoilt(pod(), place, by);
      throwsOnlyApiErrors(() => applyStrategicMergePatch(podSchema, pod(), patch));
      throwsOnlyApiErrors(() => applyStrategicMergePatch(podSchema, patch, pod()));
      throwsOnlyApiErrors(() => applyMergePatch(pod(), by));
      throwsOnlyApiErrors(() => applyJsonPatch(pod(), by));
      throwsOnlyApiErrors(() =>
        applyJsonPatch(pod(), [{ op: 'add', path: '/spec/containers/0', value: by }, by]),
      );
      const operation = spoilt({ op: 'move', from: '/spec', path: '/metadata/x', value: 1 }, place, by);
      throwsOnlyApiErrors(() => applyJsonPatch(pod(), [operation]));
    }),
    { numRuns: 500 },
  );
});

test('any selector', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[a-z=!,()<> ]*$/));
  fc.assert(
    fc.property(text, (source) => {
      throwsOnlyApiErrors(() => parseSelector(source).matches({ a: 'b' }));
      throwsOnlyApiErrors(() => parseFieldSelector(source).matches(() => ''));
    }),
    { numRuns: 500 },
  );
});
