import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { expand } from '../src/pod/expand.ts';

describe('expand', () => {
  test.each([
    ['$(A)', 'a'],
    ['x$(A)y$(B)', 'xaybb'],
    ['$(NOPE)', '$(NOPE)'],
    ['$$(A)', '$(A)'],
    ['$$$(A)', '$a'],
    ['$A', '$A'],
    ['$(A', '$(A'],
    ['a$', 'a$'],
    ['$()', '$()'],
    ['$(toString)', '$(toString)'],
  ])('%s becomes %s', (text, expected) => {
    expect(expand(text, { A: 'a', B: 'bb' })).toBe(expected);
  });

  test('leaves text without a dollar as it is', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const plain = text.replaceAll('$', '');
        expect(expand(plain, { A: 'a' })).toBe(plain);
      }),
    );
  });

  test('undoes doubling of dollars', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(expand(text.replaceAll('$', '$$$$'), {})).toBe(text);
      }),
    );
  });
});
