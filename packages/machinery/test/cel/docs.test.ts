/** docs/expressions.md: its selectors compile and choose, its rules are accepted and hold. */
import { readFile } from 'node:fs/promises';
import { load } from 'js-yaml';
import { expect, test } from 'vitest';
import { compileDeviceSelector, definitionRuleProblems, ruleErrors } from '../../src/cel/index.ts';
import { fieldErrorBody, type Schema } from '../../src/index.ts';

const page = await readFile(new URL('../../../../docs/expressions.md', import.meta.url), 'utf8');
const block = (language: string): string =>
  new RegExp(`^\`\`\`${language}\n([^]*?)^\`\`\``, 'm').exec(page)?.[1] ?? '';

test('every selector in the page compiles, and wants the device that the page has in mind', () => {
  const device = {
    driver: 'gpu.example.com',
    attributes: {
      model: { string: 'H100' },
      driverVersion: { version: '550.1.0' },
      healthy: { bool: true },
      numa: { int: 0 },
    },
    capacity: { memory: { value: '80Gi' } },
  };
  const selectors = block('cel').trim().split('\n');
  expect(selectors.length).toBeGreaterThan(4);
  for (const expression of selectors) {
    const { program, error } = compileDeviceSelector(expression);
    expect([expression, error]).toEqual([expression, undefined]);
    expect([expression, program?.matches(device)]).toEqual([expression, true]);
  }
});

test('the rules in the page hold, and say what the page says', () => {
  const schema = { type: 'object', properties: load(block('yaml')) } as Schema;
  expect(definitionRuleProblems(schema, '')).toEqual([]);
  const spec = { replicas: 4, maxReplicas: 3, mode: 'a' };
  const [first, ...more] = ruleErrors(schema, { spec });
  expect(more).toEqual([]);
  expect(page).toContain(`${first?.field}: ${fieldErrorBody(first as never)}`);
  expect(ruleErrors(schema, { spec: { ...spec, replicas: 1, mode: 'b' } }, { spec })).toMatchObject([
    { detail: 'mode is immutable' },
  ]);
});
