import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testServer, type TestServer } from '../src/testing.ts';

let t: TestServer;
beforeAll(async () => {
  t = await testServer();
});
afterAll(() => t.close());

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const queues = '/apis/example.com/v1/namespaces/default/queues';
const merge = { 'content-type': 'application/merge-patch+json' };

function definition(plural: string, rule: string): object {
  return {
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, kind: plural === 'queues' ? 'Queue' : 'Other' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: {
                  type: 'object',
                  required: ['size'],
                  'x-kubernetes-validations': [{ rule, message: 'size must not shrink' }],
                  properties: {
                    size: {
                      type: 'integer',
                      'x-kubernetes-validations': [{ rule: 'self % 2 == 0', message: 'must be even' }],
                    },
                    note: { type: 'string' },
                  },
                },
                status: { type: 'object', properties: { used: { type: 'integer' } } },
              },
            },
          },
        },
      ],
    },
  };
}

describe('a custom resource with rules in its definition', () => {
  const make = (name: string, spec: object) =>
    t.request('POST', queues, {
      body: { apiVersion: 'example.com/v1', kind: 'Queue', metadata: { name }, spec },
    });

  beforeAll(async () => {
    const made = await t.request('POST', crds, { body: definition('queues', 'self.size >= oldSelf.size') });
    expect(made.code).toBe(201);
  });

  test('is refused when it breaks one', async () => {
    expect(await make('odd', { size: 3 })).toMatchObject({
      code: 422,
      body: {
        reason: 'Invalid',
        message: 'Queue.example.com "odd" is invalid: spec.size: Invalid value: "integer": must be even',
        details: { causes: [{ field: 'spec.size', reason: 'FieldValueInvalid' }] },
      },
    });
    expect((await make('even', { size: 4 })).code).toBe(201);
  });

  test('is held to its rules about changes, by update and by patch', async () => {
    await make('grows', { size: 4 });
    const patch = (spec: object) => t.request('PATCH', `${queues}/grows`, { body: { spec }, headers: merge });
    expect(await patch({ size: 2 })).toMatchObject({
      code: 422,
      body: {
        message: 'Queue.example.com "grows" is invalid: spec: Invalid value: "object": size must not shrink',
      },
    });
    expect((await patch({ size: 6 })).code).toBe(200);
  });

  test('is told that rules were not looked at where its shape is wrong', async () => {
    const answer = await make('shapeless', {});
    expect(answer.code).toBe(422);
    expect(JSON.stringify(answer.body)).toContain('some validation rules were not checked');
  });

  test('keeps what it had when its definition becomes stricter', async () => {
    await make('kept', { size: 8 });
    const stricter = await t.request('GET', `${crds}/queues.example.com`);
    const text = JSON.stringify(stricter.body).replace('self % 2 == 0', 'self % 3 == 0');
    expect((await t.request('PUT', `${crds}/queues.example.com`, { body: JSON.parse(text) })).code).toBe(200);
    const patch = (spec: object) => t.request('PATCH', `${queues}/kept`, { body: { spec }, headers: merge });
    expect((await patch({ note: 'still 8' })).code).toBe(200);
    expect((await patch({ size: 10 })).code).toBe(422);
    expect((await patch({ size: 12 })).code).toBe(200);
  });
});

test('a definition with a rule that does not compile is refused', async () => {
  expect(await t.request('POST', crds, { body: definition('others', 'self.nope > 1') })).toMatchObject({
    code: 422,
    body: {
      details: {
        causes: [
          {
            field:
              'spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule',
            message: expect.stringContaining(
              "compilation failed: ERROR: <input>:1:5: undefined field 'nope'",
            ),
          },
        ],
      },
    },
  });
});
