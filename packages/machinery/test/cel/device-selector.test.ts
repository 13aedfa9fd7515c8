import { describe, expect, test } from 'vitest';
import { CelError, compileDeviceSelector, type SelectableDevice } from '../../src/cel/index.ts';

const device: SelectableDevice = {
  driver: 'gpu.example.com',
  attributes: {
    model: { string: 'A100' },
    'other.example.com/index': { int: 3 },
    driverVersion: { version: '1.2.3' },
    links: { ints: [1, 2] },
    healthy: { bool: true },
  },
  capacity: { memory: { value: '40Gi' } },
};

function matches(expression: string, on = device): boolean {
  const { program, error } = compileDeviceSelector(expression);
  if (!program) throw new Error(error);
  return program.matches(on);
}

describe('a device selector', () => {
  test.each([
    ['device.driver == "gpu.example.com"', true],
    ['device.attributes["gpu.example.com"].model == "A100"', true],
    ['device.attributes["gpu.example.com"].model in ["H100", "B200"]', false],
    ['device.attributes["other.example.com"].index < 4', true],
    ['device.attributes["gpu.example.com"].driverVersion.isGreaterThan(semver("1.2.0"))', true],
    ['device.attributes["gpu.example.com"].driverVersion.compareTo(semver("2.0.0")) < 0', true],
    ['device.attributes["gpu.example.com"].links.exists(x, x == 2)', true],
    ['device.attributes["gpu.example.com"].healthy', true],
    ['device.attributes["gpu.example.com"].links.includes(2)', true],
    ['device.attributes["gpu.example.com"].model.includes("A100")', true],
    ['device.attributes["gpu.example.com"].model.includes("A1")', false],
    ['device.capacity["gpu.example.com"].memory.compareTo(quantity("20Gi")) >= 0', true],
    ['device.capacity["gpu.example.com"].memory == quantity("40960Mi")', true],
    ['cel.bind(a, device.attributes["gpu.example.com"], a.model.startsWith("A") && a.healthy)', true],
    ['device.allowMultipleAllocations', false],
  ])('reads what the device says: %s is %s', (expression, result) => {
    expect(matches(expression)).toBe(result);
  });

  test('takes a domain that the device does not name for an empty map', () => {
    expect(matches('has(device.attributes["nowhere.example.com"].model)')).toBe(false);
    expect(matches('"memory" in device.capacity["nowhere.example.com"]')).toBe(false);
    expect(matches('device.attributes["nowhere.example.com"].?model.orValue("none") == "none"')).toBe(true);
  });

  test('fails, and is not false, where a name is missing in its domain', () => {
    expect(() => matches('device.attributes["gpu.example.com"].color == "red"')).toThrow(CelError);
    expect(() => matches('device.attributes["gpu.example.com"].color == "red"')).toThrow(
      'no such key: color',
    );
    expect(() => matches('device.attributes["gpu.example.com"].model')).toThrow(
      'could not be converted to bool',
    );
  });

  test('that can not be evaluated is refused, with the place of what is wrong', () => {
    const error = (expression: string): string | undefined => compileDeviceSelector(expression).error;
    expect(error('device.color')).toBe(
      "compilation failed: ERROR: <input>:1:7: undefined field 'color'\n | device.color\n | ......^",
    );
    expect(error('device.driver == 1')).toContain(
      "found no matching overload for '_==_' applied to '(string, int)'",
    );
    expect(error('card.model == 1')).toContain("undeclared reference to 'card' (in container '')");
    expect(error('nothing(device)')).toContain("undeclared reference to 'nothing'");
    expect(error('device.driver')).toBe('must evaluate to bool or the unknown type, not string');
    expect(error('device.driver ==')).toContain('ERROR: <input>:1:17: Syntax error');
  });

  test('that would run too long is stopped', () => {
    const list = `[${Array.from({ length: 200 }, (_, index) => index).join(',')}]`;
    const expression = `${list}.all(a, ${list}.all(b, ${list}.all(c, a + b + c >= 0)))`;
    expect(() => matches(expression)).toThrow('cost limit exceeded');
  });
});
