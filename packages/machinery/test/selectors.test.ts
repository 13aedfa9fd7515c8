import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ApiError,
  escapeFieldValue,
  FieldSelector,
  labelSelectorProblems,
  parseFieldSelector,
  parseSelector,
  Selector,
  selectorFrom,
  type SelectorOperator,
} from '../src/index.ts';

describe('parseSelector', () => {
  test.each([
    ['', {}, true],
    ['a', { a: '' }, true],
    ['a', {}, false],
    ['!a', {}, true],
    ['!a', { a: 'x' }, false],
    ['a=b', { a: 'b' }, true],
    ['a==b', { a: 'c' }, false],
    ['a=', { a: '' }, true],
    ['a!=b', {}, true],
    ['a!=b', { a: 'b' }, false],
    ['a in (b, c)', { a: 'c' }, true],
    ['a in (b,)', { a: '' }, true],
    ['a notin (b,c)', {}, true],
    ['a notin (b,c)', { a: 'c' }, false],
    ['a>3', { a: '10' }, true],
    ['a>3', { a: 'x' }, false],
    ['a<3,b', { a: '2', b: '' }, true],
    [' a = b , c ', { a: 'b', c: 'd' }, true],
    ['in=notin', { in: 'notin' }, true],
    ['example.com/role in (db)', { 'example.com/role': 'db' }, true],
    ['toString', {}, false],
  ])('%j on %j is %s', (text, labels, expected) => {
    expect(parseSelector(text).matches(labels as Record<string, string>)).toBe(expected);
  });

  test.each([
    ['a b', "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ['=b', "found '=', expected: !, identifier, or 'end of string'"],
    ['a,', "found '', expected: identifier after ','"],
    ['a,,b', "found ',', expected: identifier after ','"],
    ['a=b=c', "found '=', expected: ',' or 'end of string'"],
    ['a in b', "unable to parse requirement: found 'b' expected: '('"],
    ['a in (b', "unable to parse requirement: found '', expected: ',' or ')'"],
    ['-a=b', 'unable to parse requirement: <nil>: Invalid value: "-a": name part must consist of'],
    ['a=$', 'unable to parse requirement: values[0][a]: Invalid value: "$": a valid label must be'],
    ['a>b', "for 'Gt', 'Lt' operators, the value must be an integer"],
  ])('%j is BadRequest: %s', (text, message) => {
    const parse = (): unknown => parseSelector(text);
    expect(parse).toThrow(ApiError);
    expect(parse).toThrow(message);
    try {
      parse();
    } catch (error) {
      expect((error as ApiError).code).toBe(400);
    }
  });

  test('exactValue names the one value a key must have', () => {
    expect(parseSelector('a=b,c in (d)').exactValue('c')).toBe('d');
    expect(parseSelector('a!=b').exactValue('a')).toBeUndefined();
  });

  const key = fc.stringMatching(/^[a-z][a-z0-9]{0,5}$/);
  const value = fc.stringMatching(/^[a-z0-9]{0,4}$/);
  const requirement = fc.oneof(
    fc
      .tuple(key, fc.constantFrom<SelectorOperator>('exists', '!'))
      .map(([k, operator]) => ({ key: k, operator, values: [] })),
    fc
      .tuple(key, fc.constantFrom<SelectorOperator>('=', '==', '!='), value)
      .map(([k, operator, v]) => ({ key: k, operator, values: [v] })),
    fc
      .tuple(
        key,
        fc.constantFrom<SelectorOperator>('in', 'notin'),
        fc.uniqueArray(value, { minLength: 1, maxLength: 3 }),
      )
      .map(([k, operator, values]) => ({ key: k, operator, values })),
  );
  test('the string form reads back to a selector that decides the same', () => {
    fc.assert(
      fc.property(
        fc.array(requirement, { maxLength: 4 }),
        fc.dictionary(key, value),
        (requirements, labels) => {
          const selector = new Selector(requirements);
          const again = parseSelector(selector.toString());
          expect(again.toString()).toBe(selector.toString());
          expect(again.matches(labels)).toBe(selector.matches(labels));
        },
      ),
    );
  });
});

describe('selectorFrom', () => {
  test('absent selects nothing, empty everything', () => {
    expect(selectorFrom(undefined).matches({})).toBe(false);
    expect(selectorFrom(null).nothing).toBe(true);
    expect(selectorFrom({}).matches({ a: 'b' })).toBe(true);
    expect(selectorFrom({}).empty).toBe(true);
  });
  test('all of labels and expressions must hold', () => {
    const selector = selectorFrom({
      matchLabels: { app: 'web' },
      matchExpressions: [
        { key: 'tier', operator: 'In', values: ['a', 'b'] },
        { key: 'old', operator: 'DoesNotExist' },
      ],
    });
    expect(selector.toString()).toBe('app=web,!old,tier in (a,b)');
    expect(selector.matches({ app: 'web', tier: 'a' })).toBe(true);
    expect(selector.matches({ app: 'web', tier: 'a', old: '' })).toBe(false);
  });
  test('problems carry their paths', () => {
    const problems = labelSelectorProblems(
      {
        matchLabels: { 'a b': 'c' },
        matchExpressions: [
          { key: 'k', operator: 'In' },
          { key: 'k', operator: 'Like' },
        ],
      },
      'spec.selector',
    );
    expect(problems.map((p) => [p.type, p.field])).toEqual([
      ['FieldValueInvalid', 'spec.selector.matchLabels'],
      ['FieldValueRequired', 'spec.selector.matchExpressions[0].values'],
      ['FieldValueInvalid', 'spec.selector.matchExpressions[1].operator'],
    ]);
  });
});

describe('parseFieldSelector', () => {
  test('terms, both equals signs, and escapes', () => {
    expect(parseFieldSelector('spec.nodeName=a,status.phase!=Running,x==y\\,z').terms).toEqual([
      { field: 'spec.nodeName', operator: '=', value: 'a' },
      { field: 'status.phase', operator: '!=', value: 'Running' },
      { field: 'x', operator: '=', value: 'y,z' },
    ]);
    expect(parseFieldSelector('').empty).toBe(true);
  });
  test.each(['x', 'a=b\\', 'a=b\\x', 'a=b=c'])('%j is BadRequest', (text) => {
    expect(() => parseFieldSelector(text)).toThrow(ApiError);
  });
  test('matches asks for the fields', () => {
    const fields: Record<string, string> = { a: '1', b: '' };
    const get = (f: string): string => fields[f] ?? '';
    expect(parseFieldSelector('a=1,b!=2').matches(get)).toBe(true);
    expect(parseFieldSelector('a!=1').matches(get)).toBe(false);
  });
  test('any value can be written and read back', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        expect(parseFieldSelector(`f=${escapeFieldValue(value)}`).terms).toEqual([
          { field: 'f', operator: '=', value },
        ]);
        const selector = new FieldSelector([{ field: 'f', operator: '!=', value }]);
        expect(parseFieldSelector(selector.toString()).terms).toEqual(selector.terms);
      }),
    );
  });
});
