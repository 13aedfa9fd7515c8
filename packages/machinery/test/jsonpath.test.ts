import { describe, expect, test } from 'vitest';
import { compileJsonPath, renderJsonPath } from '../src/index.ts';

const list = {
  kind: 'List',
  items: [
    {
      metadata: { name: 'a', labels: { 'x.y/z': '1' } },
      status: {
        n: 1,
        ok: true,
        conditions: [
          { type: 'Ready', status: 'True' },
          { type: 'Old', status: 'False' },
        ],
      },
    },
    { metadata: { name: 'b' }, status: { n: 5, conditions: [] } },
  ],
};

describe('renderJsonPath', () => {
  test.each([
    ['{.kind}', 'List'],
    ['{$.kind}', 'List'],
    ['{@.kind}', 'List'],
    ['kind is {.kind}.', 'kind is List.'],
    ['{.items[*].metadata.name}', 'a b'],
    ['{.items..name}', 'a b'],
    ['{..name}', 'a b'],
    ['{.items[0].metadata.name}{"\\t"}{.items[-1].metadata.name}{"\\n"}', 'a\tb\n'],
    ['{.items[0:1].metadata.name}', 'a'],
    ['{.items[-1:].metadata.name}', 'b'],
    ['{.items[0,1].metadata.name}', 'a b'],
    ["{.items[*]['metadata.name', 'status.n']}", 'a b 1 5'],
    ["{.items[0].metadata.labels['x\\.y/z']}", '1'],
    ['{.items[0].metadata.labels.x\\.y/z}', '1'],
    ['{.items[?(@.metadata.name=="b")].status.n}', '5'],
    ["{.items[?(@.metadata.name!='b')].status.n}", '1'],
    ['{.items[?(@.status.n>2)].metadata.name}', 'b'],
    ['{.items[?(@.status.n<=1)].metadata.name}', 'a'],
    ['{.items[?(@.status.ok)].metadata.name}', 'a'],
    ['{.items[?(@.status.ok==true)].metadata.name}', 'a'],
    ['{.items[0].status.conditions[?(@.type=="Ready")].status}', 'True'],
    ['{range .items[*]}{.metadata.name}={.status.n};{end}!', 'a=1;b=5;!'],
    ['{range .items[*]}{range .status.conditions[*]}{.type} {end}|{end}', 'Ready Old ||'],
    ['{.items[0].status.conditions[0]}', '{"type":"Ready","status":"True"}'],
    ['{range .items[*]}{.metadata.name}', 'ab'],
    ['{5}{true}', '5true'],
    ['{.missing.field}', ''],
    ['{.items[*].metadata.labels.none}', ''],
    ['', ''],
  ])('%s -> %j', (template, expected) => {
    expect(renderJsonPath(template, list)).toBe(expected);
  });

  test.each([
    ['{.items[2]}', 'array index out of bounds: index 2, length 2'],
    ['{.items', 'unclosed action'],
    ['{kind}', 'unrecognized identifier kind'],
    ['{.items[a]}', 'invalid array index a'],
    ['{.items[0:5]}', 'array index out of bounds: index 4, length 2'],
    ['{.items[?(@.a=="b" && @.c=="d")]}', 'unrecognized character'],
    ['{end}', 'nothing to end'],
    ['{.items[}', ''],
    ['{.items[?(@.a==]}', ''],
    ['{.a["b}', 'unterminated quoted string'],
  ])('%s fails: %s', (template, message) => {
    expect(() => renderJsonPath(template, list)).toThrow(message);
  });
});

describe('compileJsonPath', () => {
  test('takes paths of printer columns, gives values, and passes over what is missing', () => {
    expect(compileJsonPath('.items[*].status.n')(list)).toEqual([1, 5]);
    expect(compileJsonPath('.items[7].status.n')(list)).toEqual([]);
    expect(compileJsonPath('.spec.replicas')({})).toEqual([]);
    expect(compileJsonPath('.metadata.creationTimestamp')({ metadata: { creationTimestamp: 't' } })).toEqual([
      't',
    ]);
    expect(compileJsonPath('{.kind}')(list)).toEqual(['List']);
    expect(
      compileJsonPath(String.raw`.metadata.annotations.a\.b/c`)({
        metadata: { annotations: { 'a.b/c': 1 } },
      }),
    ).toEqual([1]);
  });
  test('does not reach the prototype', () => {
    expect(compileJsonPath('.constructor.name')({})).toEqual([]);
  });
});
