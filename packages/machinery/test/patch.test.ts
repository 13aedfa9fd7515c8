import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ApiError,
  applyJsonPatch,
  applyMergePatch,
  createJsonMergePatch,
  createThreeWayMergePatch,
  deepEqual,
  deepFreeze,
  jsonClone,
} from '../src/index.ts';

describe('applyJsonPatch (RFC 6902, appendix A)', () => {
  test.each<[string, unknown, unknown, unknown]>([
    [
      'A.1 add a member',
      { foo: 'bar' },
      [{ op: 'add', path: '/baz', value: 'qux' }],
      { baz: 'qux', foo: 'bar' },
    ],
    [
      'A.2 add an element',
      { foo: ['a', 'c'] },
      [{ op: 'add', path: '/foo/1', value: 'b' }],
      { foo: ['a', 'b', 'c'] },
    ],
    ['A.3 remove a member', { baz: 1, foo: 2 }, [{ op: 'remove', path: '/baz' }], { foo: 2 }],
    ['A.4 remove an element', { foo: ['a', 'b'] }, [{ op: 'remove', path: '/foo/0' }], { foo: ['b'] }],
    ['A.5 replace', { baz: 1 }, [{ op: 'replace', path: '/baz', value: null }], { baz: null }],
    [
      'A.6 move a value',
      { foo: { a: 1, b: 2 }, qux: {} },
      [{ op: 'move', from: '/foo/a', path: '/qux/c' }],
      { foo: { b: 2 }, qux: { c: 1 } },
    ],
    [
      'A.7 move an element',
      { foo: ['all', 'grass', 'cows', 'eat'] },
      [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
      { foo: ['all', 'cows', 'eat', 'grass'] },
    ],
    ['A.8 test', { baz: { x: [1] } }, [{ op: 'test', path: '/baz', value: { x: [1] } }], { baz: { x: [1] } }],
    [
      'A.10 add a nested object',
      { a: 1 },
      [{ op: 'add', path: '/b', value: { c: {} } }],
      { a: 1, b: { c: {} } },
    ],
    ['A.11 unknown elements are ignored', {}, [{ op: 'add', path: '/a', value: 1, xyz: 1 }], { a: 1 }],
    ['A.14 escapes', { '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
    ['A.16 append a list', { a: [1] }, [{ op: 'add', path: '/a/-', value: [2] }], { a: [1, [2]] }],
    ['copy', { a: { b: 1 } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: 1 }, c: { b: 1 } }],
    ['replace adds a key, as upstream', {}, [{ op: 'replace', path: '/a', value: 1 }], { a: 1 }],
    ['the whole document', { a: 1 }, [{ op: 'replace', path: '', value: [] }], []],
  ])('%s', (_name, document, operations, expected) => {
    const frozen = deepFreeze(jsonClone(document));
    expect(applyJsonPatch(frozen, deepFreeze(operations))).toEqual(expected);
  });

  test.each<[string, unknown, unknown]>([
    ['A.9 a failing test', { a: 1 }, [{ op: 'test', path: '/a', value: 2 }]],
    ['A.12 a missing parent', {}, [{ op: 'add', path: '/a/b', value: 1 }]],
    ['A.15 text is no number', { a: 10 }, [{ op: 'test', path: '/a', value: '10' }]],
    ['an index out of range', { a: [] }, [{ op: 'add', path: '/a/1', value: 1 }]],
    ['an index with a leading zero', { a: [1, 2] }, [{ op: 'remove', path: '/a/01' }]],
    ['removal of nothing', {}, [{ op: 'remove', path: '/a' }]],
    ['replacement of no element', { a: [] }, [{ op: 'replace', path: '/a/0', value: 1 }]],
    ['an unknown operation', {}, [{ op: 'merge', path: '/a' }]],
    ['a move into itself', { a: {} }, [{ op: 'move', from: '/a', path: '/a/b' }]],
  ])('%s is Invalid with a cause', (_name, document, operations) => {
    try {
      applyJsonPatch(document, operations);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ApiError);
      expect((error as ApiError).code).toBe(422);
      expect((error as ApiError).status.details?.causes?.[0]?.reason).toBe('UnexpectedServerResponse');
    }
  });

  test('what is no patch is BadRequest, too many operations too large', () => {
    expect(() => applyJsonPatch({}, { op: 'add' })).toThrow(
      'cannot unmarshal object into Go value of type jsonpatch.Patch',
    );
    const many = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '', value: {} }));
    expect(() => applyJsonPatch({}, many)).toThrow('maximum operations in a JSON patch is 10000');
  });
  test('an index in the prototype is not found', () => {
    expect(() => applyJsonPatch({}, [{ op: 'add', path: '/constructor/x', value: 1 }])).toThrow(ApiError);
    expect(() => applyJsonPatch({}, [{ op: 'add', path: '/__proto__/x', value: 1 }])).toThrow(ApiError);
  });
});

describe('applyMergePatch (RFC 7386, appendix A)', () => {
  test.each<[unknown, unknown, unknown]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j with %j is %j', (document, patch, expected) => {
    expect(applyMergePatch(deepFreeze(jsonClone(document)), patch)).toEqual(expected);
  });
});

/** JSON without nulls, with few keys so that they meet. */
const value = fc.letrec<{ node: unknown }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom<unknown>(1, 2, 'x', true),
    fc.array(fc.constantFrom(1, 2, 3), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), tie('node'), { maxKeys: 3 }),
  ),
})).node;
const object = fc.dictionary(fc.constantFrom('a', 'b', 'c'), value, { maxKeys: 3 });

describe('merge patch laws', () => {
  test('the difference, applied, gives the target', () => {
    fc.assert(
      fc.property(object, object, (before, after) => {
        const patch = createJsonMergePatch(before, after);
        expect(deepEqual(applyMergePatch(before, patch), after)).toBe(true);
      }),
    );
  });
  test('no difference is an empty patch, and an empty patch changes nothing', () => {
    fc.assert(
      fc.property(object, (before) => {
        expect(createJsonMergePatch(before, jsonClone(before))).toEqual({});
        expect(deepEqual(applyMergePatch(before, {}), before)).toBe(true);
      }),
    );
  });
  test('applying twice is applying once', () => {
    fc.assert(
      fc.property(object, object, object, (before, one, two) => {
        const patch = createJsonMergePatch(one, two);
        const once = applyMergePatch(before, patch);
        expect(deepEqual(applyMergePatch(once, patch), once)).toBe(true);
      }),
    );
  });
  test('that shares with the document has the same result, and leaves the document as it is', () => {
    fc.assert(
      fc.property(object, object, (before, patch) => {
        const frozen = deepFreeze(jsonClone(before));
        const result = applyMergePatch(frozen, patch, true) as Record<string, unknown>;
        expect(deepEqual(result, applyMergePatch(before, patch))).toBe(true);
        expect(Object.isFrozen(result)).toBe(false);
        for (const key of Object.keys(frozen))
          if (!Object.hasOwn(patch, key)) expect(result[key]).toBe(frozen[key]);
      }),
    );
  });

  test('three ways: afterwards nothing is left to do, and what others added stays', () => {
    fc.assert(
      fc.property(object, object, object, (original, modified, current) => {
        const patch = createThreeWayMergePatch(original, modified, current);
        const result = applyMergePatch(current, patch) as Record<string, unknown>;
        expect(createThreeWayMergePatch(modified, modified, result)).toEqual({});
        for (const key of Object.keys(current)) {
          if (!(key in original) && !(key in modified)) expect(result[key]).toEqual(current[key]);
        }
      }),
    );
  });
});
