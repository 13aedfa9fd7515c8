import { describe, expect, test } from 'vitest';
import {
  cIdentifier,
  configMapKey,
  dns1035Label,
  dns1123Label,
  dns1123Subdomain,
  envVarName,
  generateName,
  labelValue,
  pathSegmentName,
  portName,
  qualifiedName,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from '../src/index.ts';

const long = (n: number): string => 'a'.repeat(n);

describe('names', () => {
  test.each([
    ['dns1123Label', dns1123Label, ['a', '0', 'my-name', long(63)], ['', 'A', '-a', 'a-', 'a.b', long(64)]],
    ['dns1123Subdomain', dns1123Subdomain, ['a.b', 'a', long(253)], ['', 'a..b', 'A.b', '.a', long(254)]],
    ['dns1035Label', dns1035Label, ['a', 'a-1'], ['1a', '', 'A']],
    [
      'qualifiedName',
      qualifiedName,
      ['a', 'A_b.c', 'x.y/z', long(63)],
      ['', '/a', 'a/', 'a/b/c', 'X/y', long(64)],
    ],
    ['labelValue', labelValue, ['', 'a', 'A_b'], ['-', 'a b', long(64)]],
    ['pathSegmentName', pathSegmentName, ['a', 'system:node', 'A B'], ['.', '..', 'a/b', 'a%b']],
    ['envVarName', envVarName, ['A', 'a.b', '1', 'my-name'], ['', 'A=B', 'ä']],
    ['portName', portName, ['http', 'a1', '1a'], ['', '1', 'HTTP', '-a', 'a--b', long(16)]],
    ['cIdentifier', cIdentifier, ['_a', 'A1'], ['', '1a', 'a-b']],
    ['configMapKey', configMapKey, ['a', 'A.b_c-d', '.a'], ['', 'a/b', '.', '..', '..a']],
  ])('%s accepts and refuses', (_name, check, good, bad) => {
    for (const name of good) expect(check(name), name).toBeUndefined();
    for (const name of bad) expect(check(name), name).toBeTypeOf('string');
  });

  test("messages are the API server's", () => {
    expect(dns1123Label('A')).toBe(
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name' or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    );
  });

  test('generateName keeps the prefix within 63 and adds five letters without vowels', () => {
    let n = 0;
    const name = generateName(long(80), () => (n++ % 27) / 27);
    expect(name).toMatch(/^a{58}[b-df-hj-np-tv-z2-9]{5}$/);
  });
});

describe('validateObjectMeta', () => {
  const fields = (meta: object, namespaced = true): string[] =>
    validateObjectMeta(meta, { namespaced }).map((p) => `${p.field} ${p.type}`);
  test('accepts good metadata', () => {
    expect(fields({ name: 'a', namespace: 'b', labels: { 'x/y': 'z' }, annotations: { A: 'any' } })).toEqual(
      [],
    );
    expect(fields({ name: 'a' }, false)).toEqual([]);
  });
  test('names the fields at fault', () => {
    expect(
      fields({
        generateName: 'A-',
        namespace: 'B',
        labels: { '': 'a', b: ' ' },
        finalizers: ['x'],
        ownerReferences: [{ apiVersion: '', kind: 'a', name: 'b', uid: '' }],
      }),
    ).toEqual([
      'metadata.generateName FieldValueInvalid',
      'metadata.name FieldValueRequired',
      'metadata.namespace FieldValueInvalid',
      'metadata.labels FieldValueInvalid',
      'metadata.labels FieldValueInvalid',
      'metadata.ownerReferences[0].apiVersion FieldValueInvalid',
      'metadata.ownerReferences[0].uid FieldValueInvalid',
      'metadata.finalizers[0] FieldValueInvalid',
    ]);
    expect(fields({ name: 'a', namespace: 'b' }, false)).toEqual(['metadata.namespace FieldValueForbidden']);
    expect(fields({ name: 'a', namespace: 'b', annotations: { a: long(256 * 1024) } })).toEqual([
      'metadata.annotations FieldValueTooLong',
    ]);
  });
  test('only one owner may be the controller', () => {
    const owner = (name: string): object => ({
      apiVersion: 'v1',
      kind: 'K',
      name,
      uid: name,
      controller: true,
    });
    expect(fields({ name: 'a', namespace: 'b', ownerReferences: [owner('x'), owner('y')] })).toEqual([
      'metadata.ownerReferences FieldValueInvalid',
    ]);
  });
  test('updates keep name, uid and creation time, and add no finalizers to what is being deleted', () => {
    const old = {
      name: 'a',
      namespace: 'b',
      uid: 'u',
      creationTimestamp: 't',
      deletionTimestamp: 'd',
      generation: 2,
    };
    const changed = { ...old, name: 'c', uid: 'v', generation: 1, finalizers: ['x/y'], resourceVersion: '1' };
    expect(validateObjectMetaUpdate(changed, old).map((p) => p.field)).toEqual([
      'metadata.name',
      'metadata.uid',
      'metadata.finalizers',
      'metadata.generation',
    ]);
    expect(validateObjectMetaUpdate({ ...old, resourceVersion: '1' }, old)).toEqual([]);
  });
});
