import { describe, expect, test } from 'vitest';
import {
  CelError,
  type CelValue,
  compileCel,
  environment,
  formatIssues,
  kubernetesLibraries,
  TextMap,
  types,
} from '../../src/cel/index.ts';

const env = environment({
  variables: {
    x: types.int,
    name: types.string,
    any: types.dyn,
    items: types.list(types.string),
    labels: types.map(types.string, types.string),
  },
  libraries: kubernetesLibraries,
});
const bindings: Record<string, CelValue> = {
  x: 3,
  name: 'pod',
  items: ['a', 'b'],
  labels: new TextMap(new Map([['app', 'web']])),
};

function evaluate(source: string, more: Record<string, CelValue> = {}): CelValue {
  const compiled = compileCel(source, env);
  if (!compiled.ok) throw new Error(formatIssues(source, compiled.issues));
  return compiled.program.evaluate({ ...bindings, ...more });
}
const holds = (source: string): void => expect([source, evaluate(source)]).toEqual([source, true]);

describe('an expression', () => {
  test.each([
    // Precedence and associativity.
    '1 + 2 * 3 == 7 && 10 - 2 - 3 == 5',
    'true || false && false',
    '!(1 > 2) == true',
    'x > 2 ? name == "pod" : false',
    '2 - -2 == 4 && - - 1 == 1',
    // Literals.
    '0x10 == 16 && 1e3 == 1000.0 && 5u == 2u + 3u',
    'r"\\n" == "\\\\n" && "\\x41\\u00e9\\101" == "AéA"',
    "'''a\nb''' == \"a\\nb\"",
    'b"\\xff".size() == 1 && bytes("é").size() == 2',
    '"😀".size() == 1 && "a😀b".substring(1, 2) == "😀" && "a😀b".indexOf("b") == 2',
    // Containers.
    '[1, 2] + [3] == [1, 2, 3] && 2 in [1, 2] && !(3 in [1, 2])',
    '{"a": 1}.a == 1 && {"a": 1}["a"] == 1 && "a" in {"a": 1}',
    '{1: "a"}[dyn(1u)] == "a" && {1: "a"}[dyn(1.0)] == "a"',
    'labels.app == "web" && has(labels.app) && !has(labels.tier)',
    'items[1] == "b" && size(items) == 2 && items.size() == 2',
    // Macros.
    'items.all(i, i.size() == 1) && items.exists(i, i == "b") && items.exists_one(i, i == "a")',
    'items.map(i, i + "!") == ["a!", "b!"] && [1, 2, 3].filter(i, i > 1) == [2, 3]',
    '[1, 2, 3].map(i, i > 1, i * i) == [4, 9]',
    '{"a": 1, "b": 2}.all(k, k in ["a", "b"]) && labels.exists(k, v, k == "app" && v == "web")',
    '[1, 2].all(i, v, i < v) && [3, 4].transformList(i, v, i + v) == [3, 5]',
    '{"a": 1}.transformMap(k, v, v + 1) == {"a": 2} && ["a"].transformMapEntry(i, v, {v: i}) == {"a": 0}',
    'cel.bind(y, x * 2, y + y == 12)',
    '[[1], [2, 3]].map(l, l.map(i, i + x)) == [[4], [5, 6]]',
    // Optionals.
    'labels[?"tier"].orValue("none") == "none" && labels.?app.value() == "web"',
    'optional.of(1).optMap(v, v + 1).value() == 2 && !optional.none().hasValue()',
    '[?optional.none(), 1] == [1] && {?"a": optional.of(1), ?"b": optional.none()} == {"a": 1}',
    // Times.
    'timestamp("2026-01-02T03:04:05Z") + duration("1h") == timestamp("2026-01-02T04:04:05Z")',
    'timestamp("2026-03-01T00:00:00Z").getDayOfYear() == 59',
    'timestamp("2026-01-01T00:00:00Z").getHours("America/New_York") == 19',
    'timestamp("2026-01-01T00:00:00.5Z") > timestamp("2026-01-01T00:00:00Z") && string(duration("1.5h")) == "5400s"',
    // Conversions.
    'int("42") == 42 && int(3.9) == 3 && double(2) == 2.0 && string(1.5) == "1.5" && bool("true")',
    'type(1) == int && type([]) == list && type(type(1)) == type',
    // Kubernetes.
    'quantity("1Gi") == quantity("1024Mi") && quantity("500m").add(quantity("0.5")).asInteger() == 1',
    '!isQuantity("1Q") && quantity("2k").isGreaterThan(quantity("1.9k"))',
    'semver("1.10.0").compareTo(semver("1.9.0")) == 1 && semver("v1.2", true).minor() == 2 && !isSemver("1.2")',
    'ip("::1").isLoopback() && cidr("10.0.0.0/8").containsIP("10.1.2.3") && string(ip("2001:DB8::1")) == "2001:db8::1"',
    'cidr("10.1.2.3/16").masked() == cidr("10.1.0.0/16") && cidr("10.0.0.0/8").containsCIDR("10.2.0.0/16")',
    'url("https://a.example:8080/p?q=1&q=2").getPort() == "8080" && url("https://a/b?q=1").getQuery()["q"] == ["1"]',
    '[3, 1, 2].max() == 3 && [1.5, 2.5].sum() == 4.0 && ["a", "b"].isSorted() && [1, 2, 1].lastIndexOf(1) == 2',
    '"a1b22".findAll("[0-9]+") == ["1", "22"] && "abc".matches("^a.c$") && "xyz".find("y") == "y"',
    'sets.contains([1, 2, 3], [2]) && sets.equivalent([1, 2], [2, 1, 1]) && !sets.intersects([1], [2])',
    '!format.dns1123Label().validate("ok").hasValue() && format.dns1123Label().validate("No").value().size() == 1',
    '"%s is %d, %.2f, %x".format(["a", 1, 1.5, 255]) == "a is 1, 1.50, ff"',
    '"a-b-c".split("-", 2) == ["a", "b-c"] && ["a", "b"].join("/") == "a/b" && "  a ".trim() == "a"',
  ])('is what the language says: %s', (source) => holds(source));

  test.each([
    ['1 / 0', 'division by zero'],
    ['1 % 0', 'modulus by zero'],
    ['9223372036854775807 + 1', 'integer overflow'],
    ['-(-9223372036854775808)', 'integer overflow'],
    ['0u - 1u', 'unsigned integer overflow'],
    ['int(1e19)', 'integer overflow'],
    ['uint(-1)', 'unsigned integer overflow'],
    ['labels.tier', 'no such key: tier'],
    ['items[5]', 'index out of bounds: 5'],
    ['dyn(1) + dyn("a")', 'no such overload'],
    ['quantity("x")', 'quantities must match'],
    ['name.matches(name + "(")', 'error parsing regexp'],
    ['timestamp("2026-02-30T00:00:00Z")', 'type conversion error'],
    ['{"a": 1, "a": 2}', 'key a already exists'],
    ['[].min()', 'min called on empty list'],
    ['optional.none().value()', 'optional.none() dereference'],
  ])('fails where it has no value: %s', (source, message) => {
    expect(() => evaluate(source)).toThrow(CelError);
    expect(() => evaluate(source)).toThrow(message);
  });

  test('takes an error for nothing where the other side decides', () => {
    holds('1 / 0 > 0 || true');
    holds('!(1 / 0 > 0 && false)');
    holds('[0, 1].exists(i, 1 / i > 0)');
    holds('![0, 5].all(i, 10 / i > 5)');
    expect(() => evaluate('1 / 0 > 0 || false')).toThrow('division by zero');
    expect(() => evaluate('[0, 1].all(i, 1 / i > 0)')).toThrow('division by zero');
    expect(() => evaluate('[0, 1].exists_one(i, 1 / i > 0)')).toThrow('division by zero');
  });

  test.each([
    ['', 1, 1, "Syntax error: unexpected input '<EOF>'"],
    ['x +\n  * 2', 2, 3, "Syntax error: unexpected input '*'"],
    ['"open', 1, 1, 'Syntax error: token recognition error'],
    ['missing.field', 1, 1, "undeclared reference to 'missing' (in container '')"],
    ['x.field', 1, 2, "type 'int' does not support field selection"],
    ['x + name', 1, 3, "found no matching overload for '_+_' applied to '(int, string)'"],
    ['name.startsWith(1)', 1, 16, "found no matching overload for 'startsWith' applied to 'string.(int)'"],
    ['items.all(i, i)', 1, 14, "expected type 'bool' but found 'string'"],
    ['x.all(i, true)', 1, 1, "expression of type 'int' cannot be range of a comprehension"],
    ['has(x)', 1, 5, 'invalid argument to has() macro'],
    ['items.map(i.j, i)', 1, 12, 'argument must be a simple name'],
    ['name.matches("(")', 1, 13, 'error parsing regexp: missing closing )'],
    ['if', 1, 1, 'reserved identifier: if'],
    ['99999999999999999999', 1, 1, 'invalid int literal'],
    ['Pod{name: "a"}', 1, 4, "undeclared reference to 'Pod' (in container '')"],
  ])('that is none is refused with its place: %s', (source, line, column, message) => {
    const compiled = compileCel(source, env);
    if (compiled.ok) throw new Error('compiled');
    expect(compiled.issues[0]).toMatchObject({ line, column });
    expect(compiled.issues[0]?.message).toContain(message);
  });

  test('has a static type', () => {
    const typeOf = (source: string) => {
      const compiled = compileCel(source, env);
      return compiled.ok ? compiled.program.type : undefined;
    };
    expect(typeOf('items.map(i, i.size())')).toEqual(types.list(types.int));
    expect(typeOf('[]')).toEqual(types.list(types.dyn));
    expect(typeOf('any.field + 1')).toEqual(types.int);
    expect(typeOf('labels[?"a"]')).toEqual(types.optional(types.string));
    expect(typeOf('{"a": [1]}.a[0]')).toEqual(types.int);
  });

  test('reads only the variables that it names, and misses those that are not given', () => {
    const compiled = compileCel('x > 1 && name != ""', env);
    if (!compiled.ok) throw new Error('no');
    expect(compiled.program.variables).toEqual(['x', 'name']);
    expect(() => compiled.program.evaluate({ x: 2 })).toThrow('no such attribute(s): name');
  });

  test('is stopped at its cost limit, which nothing passes over', () => {
    const list = `[${Array.from({ length: 100 }, (_, at) => at).join(',')}]`;
    const compiled = compileCel(`true || ${list}.all(a, a >= 0)`, env);
    const endless = compileCel(`${list}.all(a, ${list}.all(b, a + b + x >= 0)) || true`, env);
    if (!compiled.ok || !endless.ok) throw new Error('no');
    expect(compiled.program.evaluate(bindings, 10)).toBe(true);
    expect(endless.program.evaluate(bindings)).toBe(true);
    expect(() => endless.program.evaluate(bindings, 1000)).toThrow('cost limit exceeded');
  });

  test('nests as deep as cel-go allows, and no deeper', () => {
    holds(`${'('.repeat(200)}1${')'.repeat(200)} == 1`);
    expect(compileCel(`${'('.repeat(300)}1${')'.repeat(300)}`, env).ok).toBe(false);
    holds(Array.from({ length: 2000 }, () => 'true').join(' && '));
  });
});
