import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { machineOf, run } from '../../src/re2/machine.ts';
import { Regex, RegexSyntaxError } from '../../src/re2/regex.ts';
import { parseRegex } from '../../src/re2/syntax.ts';

/** The match of the machine alone, which the class uses for what could backtrack without end. */
function byMachine(pattern: string, text: string): string | undefined {
  const match = run(machineOf(parseRegex(pattern)), text, 0, false);
  return match && text.slice(match.start, match.end);
}
function byClass(pattern: string, text: string): string | undefined {
  const match = new Regex(pattern).find(text);
  return match && text.slice(match.start, match.end);
}

describe('a regular expression', () => {
  test.each([
    ['abc', 'xabcx', 'abc'],
    ['a.c', 'a\nc', undefined],
    ['(?s)a.c', 'a\nc', 'a\nc'],
    ['^b', 'a\nb', undefined],
    ['(?m)^b$', 'a\nb\nc', 'b'],
    ['\\Ab|b\\z', 'ab', 'b'],
    ['a|ab', 'ab', 'a'],
    ['(?:a|ab)(?:c|bcd)', 'abcd', 'abcd'],
    ['a*?b', 'aab', 'aab'],
    ['a{2,3}', 'aaaa', 'aaa'],
    ['a{2,3}?', 'aaaa', 'aa'],
    ['x{,2}', 'x{,2}', 'x{,2}'],
    ['[^a-c]+', 'abcxyz', 'xyz'],
    ['[]a]+', 'x]a', ']a'],
    ['[[:alpha:]_-]+', '1ab-c_2', 'ab-c_'],
    ['[[:^digit:]]+', '12ab', 'ab'],
    ['\\d+\\.\\d+', 'v1.25', '1.25'],
    ['\\bfoo\\b', 'a foo b', 'foo'],
    ['(?i)GPU-[a-f]+', 'gpu-AbC', 'gpu-AbC'],
    ['(?i:a)b', 'AB', undefined],
    ['\\x41\\x{1F600}\\101', 'A😀A', 'A😀A'],
    ['\\Qa.b\\E+', 'a.bb', 'a.bb'],
    ['\\pL+', '12äß3', 'äß'],
    ['\\p{Greek}+\\P{Greek}', 'xαβy', 'αβy'],
    ['(?P<name>a)(?<other>b)', 'ab', 'ab'],
    ['(?U)a+', 'aaa', 'a'],
    ['', 'abc', ''],
    ['(a*)*b', 'aaab', 'aaab'],
    ['(?:a?){3}a{3}', 'aaa', 'aaa'],
    ['.', '😀', '😀'],
    ['\\s', '\u00a0', undefined],
    ['k', '\u212a', undefined],
    ['(?i)k', '\u212a', '\u212a'],
  ])('%s in %j finds %j', (pattern, text, match) => {
    expect(byClass(pattern, text)).toBe(match);
    expect(byMachine(pattern, text)).toBe(match);
    expect(new Regex(pattern).test(text)).toBe(match !== undefined);
  });

  test.each([
    '(',
    ')',
    'a)',
    '[a',
    '*',
    'a**',
    'a{2}{3}',
    'a{1001}',
    'a{3,2}',
    '(?=a)',
    '(?<!a)',
    '\\1',
    '\\8',
    '\\p{Nope}',
    '[z-a]',
    '(?x)',
    '\\',
    'a\\',
    '[[:nope:]]',
    '(?P<a',
    '\\x{110000}',
    '((a{500}){500})',
  ])('that RE2 does not know is refused: %s', (pattern) => {
    expect(() => new Regex(pattern)).toThrow(RegexSyntaxError);
  });

  test('finds all its matches, empty ones where none has just ended', () => {
    expect(new Regex('[0-9]+').findAll('a1b22c')).toEqual(['1', '22']);
    expect(new Regex('a*').findAll('baac')).toEqual(['', 'aa', '']);
    expect(new Regex('').findAll('😀a')).toEqual(['', '', '']);
  });

  test('reads its text once, whatever the pattern', () => {
    const text = 'a'.repeat(5_000);
    expect(new Regex('^(a+)+$').test(`${text}b`)).toBe(false);
    expect(new Regex('(?:a|a|ab)*c').test(text)).toBe(false);
    expect(new Regex('a*a*a*a*a*b').test(text)).toBe(false);
  });
});

test('the machine finds what JavaScript finds', () => {
  const atoms = ['a', 'b', 'c', '.', '[ab]', '[^b]', '\\d', '(?:a|bc)', '(?:ab|b)', '^', '$', '\\b'];
  const atom = fc.constantFrom(...atoms);
  const piece = fc
    .tuple(atom, fc.constantFrom('', '', '*', '+', '?', '*?', '+?', '??', '{1,2}'))
    .map(([one, count]) => (/^[$^]|^\\b/.test(one) ? one : one + count));
  const pattern = fc.array(piece, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
  const text = fc
    .array(fc.constantFrom('a', 'b', 'c', '1', ' '), { maxLength: 8 })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(pattern, pattern, text, (one, two, subject) => {
      for (const whole of [one, `(?:${one})|${two}`, `(?:${one})*${two}`]) {
        const wanted = new RegExp(whole, 'u').exec(subject)?.[0];
        // Loops over nothing end at different points in the two languages; whether there is a match does not differ.
        if (whole.endsWith(`*${two}`))
          expect(byMachine(whole, subject) !== undefined).toBe(wanted !== undefined);
        else expect([whole, subject, byMachine(whole, subject)]).toEqual([whole, subject, wanted]);
        expect(new Regex(whole).test(subject)).toBe(wanted !== undefined);
      }
    }),
    { numRuns: 400 },
  );
});
