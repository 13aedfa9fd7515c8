import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { testServer, type TestServer } from '../src/testing.ts';

type Value = string | number | boolean | Buffer | Fields;
type Fields = [number: number, value: Value][];

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 127n) | (rest > 127n ? 128 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** A message, written as Go's generated code writes it: fields in order, zeros included where given. */
function message(fields: Fields): Buffer {
  return Buffer.concat(
    fields.map(([number, value]) => {
      if (typeof value === 'number' || typeof value === 'boolean')
        return Buffer.concat([varint(number * 8), varint(Number(value))]);
      const bytes = Buffer.isBuffer(value)
        ? value
        : typeof value === 'string'
          ? Buffer.from(value)
          : message(value);
      return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
    }),
  );
}

/** A body: the prefix and a runtime.Unknown around the object. */
const body = (apiVersion: string, kind: string, object: Fields): Buffer =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    message([
      [
        1,
        [
          [1, apiVersion],
          [2, kind],
        ],
      ],
      [2, object],
      [3, ''],
      [4, ''],
    ]),
  ]);

const emptyMeta: Fields = [
  [2, ''],
  [3, ''],
  [4, ''],
  [5, ''],
  [6, ''],
  [7, 0],
  [8, []],
];
describe('a protobuf body', () => {
  let t: TestServer;
  beforeAll(async () => {
    t = await testServer();
  });
  afterAll(() => t.close());
  const headers = { 'content-type': 'application/vnd.kubernetes.protobuf' };
  const path = '/api/v1/namespaces/default/configmaps';
  test('creates from protobuf and answers JSON', async () => {
    const bytes = body('v1', 'ConfigMap', [
      [1, [[1, 'pb'], ...emptyMeta]],
      [
        2,
        [
          [1, 'a'],
          [2, 'b'],
        ],
      ],
    ]);
    const made = await t.request('POST', `${path}?fieldValidation=Strict`, { bytes, headers });
    expect(made).toMatchObject({
      code: 201,
      body: { kind: 'ConfigMap', metadata: { name: 'pb' }, data: { a: 'b' } },
    });
  });
  test('deletes with protobuf options', async () => {
    const bytes = body('v1', 'DeleteOptions', [[2, [[1, 'another-uid']]]]);
    const { body: status } = await t.request('DELETE', `${path}/pb`, { bytes, headers });
    expect(status).toMatchObject({ code: 409, reason: 'Conflict' });
  });
  test.each([
    ['another kind', body('v1', 'Secret', []), 400, 'BadRequest'],
    ['an unknown kind', body('example.com/v1', 'Thing', []), 400, 'BadRequest'],
    ['no prefix', Buffer.from('{}'), 400, 'BadRequest'],
    ['half a message', body('v1', 'ConfigMap', [[1, [[1, 'pb']]]]).subarray(0, 20), 400, 'BadRequest'],
  ])('refuses %s', async (_name, bytes, code, reason) => {
    const { body: status } = await t.request('POST', path, { bytes, headers });
    expect(status).toMatchObject({ code, reason });
  });
});
