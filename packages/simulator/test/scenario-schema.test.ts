import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { scenarioJsonSchema } from '../src/scenario/json-schema.ts';

test('schema/scenario.schema.json is what the source says (coracle sim schema writes it)', () => {
  const file = new URL('../schema/scenario.schema.json', import.meta.url);
  const published = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  expect(published).toEqual(scenarioJsonSchema());
  expect(published).toHaveProperty('properties.spec.additionalProperties', false);
});
