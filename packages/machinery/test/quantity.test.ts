import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { milliOf, parseQuantity, Quantity, quantityProblem, valueOf_ } from '../src/index.ts';

describe('parseQuantity', () => {
  test.each([
    ['0', '0'],
    ['1', '1'],
    ['1000m', '1'],
    ['0.5', '500m'],
    ['100m', '100m'],
    ['1500m', '1500m'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    ['1Ki', '1Ki'],
    ['1000Ki', '1000Ki'],
    ['0.5Ki', '512'],
    ['0.1Ki', '102400m'],
    ['1e3', '1e3'],
    ['1E3', '1e3'],
    ['100e-3', '100e-3'],
    ['12E', '12E'],
    ['2000k', '2M'],
    ['-1.5', '-1500m'],
    ['+5', '5'],
    ['.5', '500m'],
    ['5.', '5'],
    ['1n', '1n'],
    ['1000u', '1m'],
    ['0.0000000001', '1n'],
    ['-0.0000000001', '-1n'],
    ['9223372036854775807', '9223372036854775807'],
    ['100Ei', '9223372036854775807'],
    ['123456789012345678901', '123456789012345678901'],
    ['1000', '1k'],
    ['4000000000000000000000m', '4E'],
  ])('reads %s as %s', (text, canonical) => {
    expect(parseQuantity(text).toString()).toBe(canonical);
  });

  test.each([
    ['', /must match the regular expression/],
    ['abc', /must match the regular expression/],
    ['1 Gi', /must match the regular expression/],
    ['1Gi ', /must match the regular expression/],
    ['1..5', /numeric part/],
    ['1GB', /regular expression|suffix/],
    ['1ki', /suffix/],
    ['1K', /suffix/],
    ['1mm', /suffix/],
    ['1e', /suffix/],
  ])('refuses %j', (text, message) => {
    expect(() => parseQuantity(text)).toThrow(message);
    expect(quantityProblem(text)).toMatch(message);
  });

  test('arithmetic is exact where doubles are not', () => {
    expect(parseQuantity('0.1').add(parseQuantity('0.2')).cmp(parseQuantity('0.3'))).toBe(0);
    expect(parseQuantity('1Gi').sub(parseQuantity('1Mi')).toString()).toBe('1023Mi');
    expect(parseQuantity('1').neg().toString()).toBe('-1');
    expect(parseQuantity('0').add(parseQuantity('1Gi')).toString()).toBe('1Gi');
  });

  test('milli and value round up', () => {
    expect(parseQuantity('1n').milli()).toBe(1);
    expect(parseQuantity('1.0001').value()).toBe(2);
    expect(milliOf('250m')).toBe(250);
    expect(milliOf(undefined)).toBe(0);
    expect(milliOf(2)).toBe(2000);
    expect(valueOf_('2Gi')).toBe(2 * 1024 ** 3);
    expect(valueOf_('1500m')).toBe(2);
  });
});

const suffix = fc.constantFrom(
  '',
  'n',
  'u',
  'm',
  'k',
  'M',
  'G',
  'T',
  'Ki',
  'Mi',
  'Gi',
  'Ti',
  'e3',
  'e-2',
  'E6',
);
const quantityText = fc
  .tuple(fc.constantFrom('', '-', '+'), fc.nat(999_999), fc.option(fc.nat(999), { nil: undefined }), suffix)
  .map(([sign, whole, fraction, s]) => `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${s}`);

describe('Quantity laws', () => {
  test('the canonical form means the same and is its own canonical form', () => {
    fc.assert(
      fc.property(quantityText, (text) => {
        const quantity = parseQuantity(text);
        const again = parseQuantity(quantity.toString());
        expect(again.nanos).toBe(quantity.nanos);
        expect(again.toString()).toBe(quantity.toString());
      }),
    );
  });
  test('the fast ways agree with the exact one', () => {
    fc.assert(
      fc.property(quantityText, (text) => {
        expect(milliOf(text)).toBe(parseQuantity(text).milli());
        expect(valueOf_(text)).toBe(parseQuantity(text).value());
      }),
    );
  });
  test('cmp orders as the numbers do, and add keeps the order', () => {
    fc.assert(
      fc.property(quantityText, quantityText, quantityText, (a, b, c) => {
        const [x, y, z] = [parseQuantity(a), parseQuantity(b), parseQuantity(c)];
        expect(x.cmp(y)).toBe(-y.cmp(x));
        expect(x.add(z).cmp(y.add(z))).toBe(x.cmp(y));
        expect(x.add(z).sub(z).cmp(x)).toBe(0);
        if (x.toNumber() < y.toNumber()) expect(x.cmp(y)).toBe(-1);
      }),
    );
  });
  test('whole numbers come back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), (n) => {
        expect(parseQuantity(Quantity.of(n).toString()).cmp(Quantity.of(n))).toBe(0);
      }),
    );
  });
});
