import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { query } from '../src/virtual/stages/jq.ts';
import { NotUnderstood } from '../src/virtual/stages/not-understood.ts';

const pod = {
  metadata: {
    name: 'a',
    annotations: { 'example.org/delay': '3s', plain: 'x' },
    ownerReferences: [{ kind: 'Job' }, { kind: 'Other' }],
  },
  spec: { containers: [{ name: 'one' }, { name: 'two', ports: [1, 2] }], priority: 7 },
  status: {
    phase: 'Running',
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Initialized', status: 'False' },
    ],
  },
};

describe('a jq expression', () => {
  test.each<[string, unknown[] | undefined]>([
    ['.status.phase', ['Running']],
    ['.metadata.deletionTimestamp', []],
    ['.status.conditions.[] | select( .type == "Ready" ) | .status', ['True']],
    ['.status.conditions[] | select(.type == "Ready" and .status != "True") | .type', []],
    ['.metadata.annotations["example.org/delay"]', ['3s']],
    ['.metadata.annotations."example.org/delay"', ['3s']],
    ['.metadata.labels["none"]', []],
    ['.metadata.ownerReferences.[].kind', ['Job', 'Other']],
    ['.status.initContainerStatuses.[].state.running.startedAt', undefined],
    ['.status.initContainerStatuses[]?.state', []],
    ['.spec.containers[1].ports[0]', [1]],
    ['.spec.containers[-1].name', ['two']],
    ['.spec.containers | length', [2]],
    ['.spec.containers | map(.name)', [['one', 'two']]],
    ['.spec.priority > 5', [true]],
    ['.spec.priority >= 8 or false', [false]],
    ['.spec.missing // "other"', ['other']],
    ['.metadata.annotations | has("plain") | not', [false]],
    ['.metadata.name, .status.phase', ['a', 'Running']],
    ['.metadata.name.deeper', undefined],
    ['"7" | tonumber', [7]],
    ['.', [pod]],
  ])('%s', (text, values) => {
    expect(query(text).run(pod)).toEqual(values);
  });

  test.each([
    '',
    '.a +',
    '.a | test("x")',
    'reduce .[] as $x (0; .)',
    '.a = 1',
    '.[',
    '"\\q"',
    '.a ]',
    '$x',
    '[1]',
  ])('that is not understood is refused with what is: %s', (text) => {
    expect(() => query(text)).toThrow(text === '' ? /empty/ : /supported are/);
  });

  test('finds at any path what JavaScript finds there', () => {
    const key = fc.string({ minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(key, { minLength: 1, maxLength: 4 }), fc.jsonValue(), (path, leaf) => {
        let object: unknown = leaf;
        for (const name of path.toReversed()) object = { [name]: object };
        const text = `.${path.map((name) => `[${JSON.stringify(name)}]`).join('')}`;
        expect(query(text).run(JSON.parse(JSON.stringify(object)))).toEqual(
          leaf === null ? [] : [JSON.parse(JSON.stringify(leaf))],
        );
      }),
    );
  });

  test('refuses or answers any text, and does nothing else', () => {
    const word = fc.constantFrom(
      '.',
      '.a',
      '[',
      ']',
      '(',
      ')',
      '|',
      '"x"',
      '1',
      '==',
      'select',
      'not',
      'and',
      ',',
      '?',
      '//',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(word).map((words) => words.join(' ')),
        ),
        (text) => {
          try {
            query(text).run({ a: [{ a: 1 }] });
          } catch (error) {
            expect(error).toBeInstanceOf(NotUnderstood);
          }
        },
      ),
    );
  });
});
