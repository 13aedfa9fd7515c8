/** The tables of docs/simulator.md are what the code says. `vitest run packages/simulator/test/docs.test.ts --update=true` writes them. */
import type { Schema } from '@coracle/machinery';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { orderingPolicies } from '../src/ordering/policies.ts';
import { metrics } from '../src/scenario/metrics.ts';
import { placements } from '../src/scenario/placements.ts';
import { readScenario } from '../src/scenario/read.ts';
import { specSchema } from '../src/scenario/schema.ts';

const file = fileURLToPath(new URL('../../../docs/simulator.md', import.meta.url));
const text = readFileSync(file, 'utf8');

const cell = (words: string): string => words.replaceAll('|', '\\|');
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n');
}

/** A row a field: `variants[].add[].shape`. */
function fields(schema: Schema, at = ''): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = at === '' ? name : `${at}.${name}`;
    const { additionalProperties } = field;
    const named = typeof additionalProperties === 'object' ? additionalProperties : undefined;
    const inner = field.items ?? named ?? field;
    const suffix = field.items ? '[]' : named ? '.NAME' : '';
    const values = field.enum ? `: ${field.enum.map((value) => `\`${String(value)}\``).join(', ')}` : '';
    const must = schema.required?.includes(name) ? ' (must be there)' : '';
    return [
      [
        `\`${path}${suffix}\``,
        `${(field.description ?? '').replace(', such as 30d, 4h or 1h30m', '')}${must}${values}`,
      ],
      ...(inner.properties ? fields(inner, `${path}${suffix}`) : []),
    ];
  });
}

const tables: Readonly<Record<string, string>> = {
  fields: table(['field of `spec`', 'what it says'], fields(specSchema)),
  placements: table(
    ['name', 'prefers'],
    placements.map(({ name, about }) => [`\`${name}\``, about]),
  ),
  orderings: table(
    ['name', 'order', 'from'],
    orderingPolicies.map(({ name, about, source }) => [`\`${name}\``, about, source]),
  ),
  metrics: table(
    ['name', 'what it says'],
    metrics.map(({ name, about }) => [`\`${name}\``, about]),
  ),
};

describe('docs/simulator.md', () => {
  test('has the fields, policies and metrics that there are', async () => {
    let written = text;
    for (const [name, content] of Object.entries(tables)) {
      const section = new RegExp(`(<!-- ${name}: [^>]*-->\n)[\\s\\S]*?(<!-- /${name} -->)`);
      expect(written).toMatch(section);
      written = written.replace(section, (_, start: string, end: string) => `${start}${content}\n${end}`);
    }
    await expect(written).toMatchFileSnapshot(file);
  });

  test('has scenarios that can be read', () => {
    const scenarios = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml]) => yaml!);
    expect(scenarios.length).toBeGreaterThan(0);
    for (const yaml of scenarios) expect(readScenario(yaml, 'docs.yaml').spec.workload).toBeDefined();
  });
});
