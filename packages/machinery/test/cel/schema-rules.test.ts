import { describe, expect, test } from 'vitest';
import { definitionRuleProblems, ruleErrors } from '../../src/cel/index.ts';
import { fieldErrorBody, type FieldError, type Schema } from '../../src/index.ts';

const texts = (errors: readonly FieldError[]): string[] =>
  errors.map((error) => `${error.field}: ${fieldErrorBody(error)}`);
const rule = (text: string, more: object = {}) => ({ rule: text, ...more });
const text: Schema = { type: 'string' };
const whole: Schema = { type: 'integer' };

/** A schema whose `spec` has these properties and rules. */
const schemaOf = (properties: Record<string, Schema>, ...rules: object[]): Schema => ({
  type: 'object',
  properties: { spec: { type: 'object', properties, 'x-kubernetes-validations': rules } },
});
const broken = (schema: Schema, spec: unknown, old?: unknown): string[] =>
  texts(ruleErrors(schema, { spec }, old === undefined ? undefined : { spec: old }));
const problems = (schema: Schema): string[] => texts(definitionRuleProblems(schema, ''));

describe('rules of a schema', () => {
  test('tell what an object breaks, in their own words or the rule itself', () => {
    const schema = schemaOf(
      { min: whole, max: whole },
      rule('self.min <= self.max', { message: 'min must not be above max' }),
      rule('self.max < 100', { messageExpression: '"max is " + string(self.max)' }),
      rule('self.min >= 0'),
    );
    expect(problems(schema)).toEqual([]);
    expect(broken(schema, { min: 1, max: 2 })).toEqual([]);
    expect(broken(schema, { min: 3, max: 2 })).toEqual([
      'spec: Invalid value: "object": min must not be above max',
    ]);
    expect(broken(schema, { min: -1, max: 100 })).toEqual([
      'spec: Invalid value: "object": max is 100',
      'spec: Invalid value: "object": failed rule: self.min >= 0',
    ]);
    expect(broken(schema, { max: 2 })).toEqual([
      'spec: Invalid value: "object": no such key: min evaluating rule: min must not be above max',
      'spec: Invalid value: "object": no such key: min evaluating rule: self.min >= 0',
    ]);
  });

  test('name another reason and field if they say so', () => {
    const schema = schemaOf(
      { mode: text, size: whole, labels: { type: 'object', additionalProperties: text } },
      rule('self.mode != "fast" || has(self.size)', {
        reason: 'FieldValueRequired',
        fieldPath: '.size',
        message: 'size goes with mode fast',
      }),
      rule('self.mode != "never"', { reason: 'FieldValueForbidden', message: 'not that mode' }),
      rule('!has(self.labels) || self.labels["a.b"] != "x"', { fieldPath: ".labels['a.b']" }),
    );
    expect(problems(schema)).toEqual([]);
    expect(broken(schema, { mode: 'fast' })).toEqual(['spec.size: Required value: size goes with mode fast']);
    expect(broken(schema, { mode: 'never' })).toEqual(['spec: Forbidden: not that mode']);
    expect(broken(schema, { mode: 'a', labels: { 'a.b': 'x' } })).toEqual([
      'spec.labels[a.b]: Invalid value: "object": failed rule: !has(self.labels) || self.labels["a.b"] != "x"',
    ]);
  });

  test('hold for each item of lists and each value of maps', () => {
    const limited: Schema = { ...whole, 'x-kubernetes-validations': [rule('self < 10')] };
    const schema = schemaOf({
      list: { type: 'array', items: limited },
      map: { type: 'object', additionalProperties: limited },
    });
    expect(broken(schema, { list: [1, 20], map: { a: 5, b: 30 } })).toEqual([
      'spec.list[1]: Invalid value: "integer": failed rule: self < 10',
      'spec.map[b]: Invalid value: "integer": failed rule: self < 10',
    ]);
  });

  test('about changes are checked where there was something before', () => {
    const schema = schemaOf(
      {
        name: { ...text, 'x-kubernetes-validations': [rule('self == oldSelf', { message: 'is immutable' })] },
        items: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['id'],
          items: {
            type: 'object',
            properties: { id: text, size: whole },
            'x-kubernetes-validations': [rule('self.size >= oldSelf.size', { message: 'only grows' })],
          },
        },
      },
      rule('oldSelf.hasValue() || !has(self.name) || self.name != "late"', {
        optionalOldSelf: true,
        message: 'not at birth',
      }),
    );
    expect(problems(schema)).toEqual([]);
    expect(broken(schema, { name: 'a' })).toEqual([]);
    expect(broken(schema, { name: 'late' })).toEqual(['spec: Invalid value: "object": not at birth']);
    expect(broken(schema, { name: 'b' }, { name: 'a' })).toEqual([
      'spec.name: Invalid value: "string": is immutable',
    ]);
    expect(
      broken(
        schema,
        {
          items: [
            { id: 'b', size: 1 },
            { id: 'new', size: 0 },
            { id: 'a', size: 5 },
          ],
        },
        {
          items: [
            { id: 'a', size: 5 },
            { id: 'b', size: 2 },
          ],
        },
      ),
    ).toEqual(['spec.items[0]: Invalid value: "object": only grows']);
  });

  test('do not find fault with what an update leaves as it was', () => {
    const schema = schemaOf({
      size: { ...whole, 'x-kubernetes-validations': [rule('self < 10')] },
      name: text,
    });
    expect(broken(schema, { size: 20, name: 'b' }, { size: 20, name: 'a' })).toEqual([]);
    expect(broken(schema, { size: 30, name: 'b' }, { size: 20, name: 'a' })).toHaveLength(1);
  });

  test('see values by their schema: numbers, formats, escaped names, int or string, names of the object', () => {
    const schema: Schema = {
      type: 'object',
      'x-kubernetes-validations': [rule('self.metadata.name.startsWith("a") && self.kind == "K"')],
      properties: {
        spec: {
          type: 'object',
          properties: {
            ratio: { type: 'number' },
            wait: { type: 'string', format: 'duration' },
            'a-b.c/d__e': whole,
            namespace: text,
            port: { 'x-kubernetes-int-or-string': true },
            any: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          },
          'x-kubernetes-validations': [
            rule('self.ratio < 1.5 && self.wait > duration("1m")'),
            rule(
              'self.a__dash__b__dot__c__slash__d__underscores__e == 1 && self.__namespace__ == self.namespace',
            ),
            rule('type(self.port) == int ? self.port < 5 : self.port.endsWith("%")'),
          ],
        },
      },
    };
    expect(problems(schema)).toEqual([]);
    const object = {
      apiVersion: 'v1',
      kind: 'K',
      metadata: { name: 'abc' },
      spec: { ratio: 1, wait: '2m', 'a-b.c/d__e': 1, namespace: 'n', port: '5%', any: { x: 1 } },
    };
    expect(ruleErrors(schema, object)).toEqual([]);
    expect(texts(ruleErrors(schema, { ...object, metadata: { name: 'b' } }))[0]).toBe(
      '<nil>: Invalid value: "object": failed rule: self.metadata.name.startsWith("a") && self.kind == "K"',
    );
    expect(ruleErrors(schema, { ...object, spec: { ...object.spec, port: 7 } })).toHaveLength(1);
  });

  test('that cost too much end the checking', () => {
    const schema = schemaOf(
      { list: { type: 'array', items: whole } },
      rule('self.list.all(a, self.list.all(b, self.list.all(c, a + b + c >= 0)))'),
      rule('false'),
    );
    const list = Array.from({ length: 300 }, (_, index) => index);
    const [first, ...more] = broken(schema, { list });
    expect(first).toContain(
      'no further validation rules will be run due to call cost exceeds limit for rule',
    );
    expect(more).toEqual([]);
  });
});

describe('rules of a definition', () => {
  const at = '.properties[spec].x-kubernetes-validations[0]';
  test.each([
    [
      rule('self.nope > 1'),
      `${at}.rule: Invalid value: "self.nope > 1": compilation failed: ERROR: <input>:1:5: undefined field 'nope'`,
    ],
    [rule('self.size'), `${at}.rule: Invalid value: "self.size": cel expression must evaluate to a bool`],
    [rule(' '), `${at}.rule: Required value: rule is not specified`],
    [
      rule('true', { messageExpression: 'self.size' }),
      `${at}.messageExpression: Invalid value: "self.size": messageExpression must evaluate to a string`,
    ],
    [
      rule('true', { message: 'a\nb' }),
      `${at}.message: Invalid value: "a\\nb": message must not contain line breaks`,
    ],
    [
      rule('true ||\nfalse'),
      `${at}.message: Required value: message must be specified if rule contains line breaks`,
    ],
    [
      rule('true', { fieldPath: '.nope' }),
      `${at}.fieldPath: Invalid value: ".nope": fieldPath must be a valid path`,
    ],
    [rule('true', { reason: 'Sad' }), `${at}.reason: Unsupported value: "Sad"`],
    [
      rule('true', { optionalOldSelf: true }),
      `${at}.optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule`,
    ],
  ])('are refused if they are none: %o', (wrong, message) => {
    const [problem] = problems(schemaOf({ size: whole }, wrong));
    expect(problem).toContain(message);
  });

  test('may not be about changes where no old value is known', () => {
    const item: Schema = { ...whole, 'x-kubernetes-validations': [rule('self >= oldSelf')] };
    expect(problems(schemaOf({ list: { type: 'array', items: item } }))).toEqual([
      '.properties[spec].properties[list].items.x-kubernetes-validations[0].rule: Invalid value: "self >= oldSelf": oldSelf cannot be used on the uncorrelatable portion of the schema within .properties[spec].properties[list]',
    ]);
  });
});
