import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ApiError, decodeJson, deepEqual, jsonClone, plainJson } from '../src/index.ts';

describe('decodeJson', () => {
  test('gives the value, from bytes or text', () => {
    expect(decodeJson(new TextEncoder().encode('{"a":["ü",1]}'))).toEqual({
      value: { a: ['ü', 1] },
      duplicates: [],
    });
  });
  test('names keys that stand twice', () => {
    expect(decodeJson('{"a":1,"a":2,"b":{"c":[{"d":1,"d":1}]},"e":{"a":1}}').duplicates).toEqual([
      'a',
      'b.c[0].d',
    ]);
  });
  test.each([
    ['{"a":1,}', "invalid character '}' looking for beginning of object key string (at byte 7)"],
    ['{a:1}', "invalid character 'a' looking for beginning of object key string (at byte 1)"],
    ['[1 2]', "invalid character '2' after array element (at byte 3)"],
    ['{"a" 1}', "invalid character '1' after object key (at byte 5)"],
    ['{"a":1 "b"}', `invalid character '"' after object key:value pair (at byte 7)`],
    ['"a', 'unexpected end of JSON input (at byte 2)'],
    ['', 'unexpected end of JSON input (at byte 0)'],
    ['tru', 'unexpected end of JSON input (at byte 3)'],
    ['nul1', "invalid character '1' in literal null (expecting 'l') (at byte 3)"],
    ['{} x', "invalid character 'x' after top-level value (at byte 3)"],
    ['-', 'unexpected end of JSON input (at byte 1)'],
    ['1.x', "invalid character 'x' after decimal point in numeric literal (at byte 2)"],
    ['"\\x"', "invalid character 'x' in string escape code (at byte 2)"],
    ['"ü" ?', "invalid character '?' after top-level value (at byte 5)"],
  ])('%j is BadRequest: %s', (text, message) => {
    const decode = (): unknown => decodeJson(text);
    expect(decode).toThrow(ApiError);
    expect(decode).toThrow(message);
  });
  test('reads any JSON as JSON.parse does and sees no double keys in it', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const { value, duplicates } = decodeJson(text);
        expect(deepEqual(value, JSON.parse(text))).toBe(true);
        // fc.json() never writes a key twice.
        expect(duplicates).toEqual([]);
      }),
    );
  });
  test('refuses what JSON.parse refuses, with a place in the text', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), fc.constantFrom('', 'x', '"', '}', ',', '\\'), (text, at, junk) => {
        const i = at % (text.length + 1);
        const broken = text.slice(0, i) + junk + text.slice(i + 1);
        let fine = true;
        try {
          JSON.parse(broken);
        } catch {
          fine = false;
        }
        if (fine) expect(() => decodeJson(broken)).not.toThrow();
        else expect(() => decodeJson(broken)).toThrow(/ \(at byte \d+\)$/);
      }),
    );
  });
  test('refuses what is nested too deep, whole or broken', () => {
    for (const text of [
      '['.repeat(1e5) + ']'.repeat(1e5),
      '{"a":'.repeat(1e5) + '1' + '}'.repeat(1e5),
      '['.repeat(1e5),
    ]) {
      expect(() => decodeJson(text)).toThrow(ApiError);
    }
    expect(() => decodeJson('['.repeat(500) + ']'.repeat(500))).not.toThrow();
  });
  test('a key named __proto__ is an ordinary key', () => {
    const { value } = decodeJson('{"__proto__":{"polluted":true}}');
    const copy = jsonClone(value) as Record<string, unknown>;
    expect(Object.keys(copy)).toEqual(['__proto__']);
    expect(copy['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});

describe('plainJson', () => {
  test('copies what aliases share, as far as that is sane', () => {
    const shared = { a: [1] };
    const value = plainJson({ x: shared, y: shared, z: Number.NaN, u: undefined }) as Record<string, unknown>;
    expect(value).toEqual({ x: { a: [1] }, y: { a: [1] }, z: null });
    expect(value['x']).not.toBe(value['y']);
    let bomb: unknown = ['x'];
    for (let i = 0; i < 12; i++) bomb = Array.from({ length: 10 }, () => bomb);
    expect(() => plainJson(bomb)).toThrow('excessive aliasing');
    const loop: unknown[] = [];
    loop.push(loop);
    expect(() => plainJson(loop)).toThrow(ApiError);
  });
});

describe('deepEqual', () => {
  test('ignores the order of keys and undefined', () => {
    expect(deepEqual({ a: 1, b: undefined, c: [{}] }, { c: [{}], a: 1 })).toBe(true);
    expect(deepEqual({ a: 1 }, { b: 1 })).toBe(false);
    expect(deepEqual([1], { 0: 1 })).toBe(false);
    expect(deepEqual(null, {})).toBe(false);
  });
  test('a copy equals its original', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(deepEqual(jsonClone(value), value)).toBe(true);
      }),
    );
  });
});
