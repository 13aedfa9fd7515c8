import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { kindsTable } from '../../../scripts/generate/kinds.ts';

const published = '../shared/data/kubernetes';
test.skipIf(!existsSync(published))('the table of kinds is what the generator makes', () => {
  const table = readFileSync(new URL('../src/generated/kinds.json', import.meta.url), 'utf8');
  expect(kindsTable(published) === table).toBe(true);
});
