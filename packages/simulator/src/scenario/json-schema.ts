import type { Schema } from '@coracle/machinery';
import { scenarioSchema } from './schema.ts';

/**
 * The scenario's schema as JSON Schema (draft 2020-12), for editors: fields that are not there are errors. What
 * `coracle sim schema` prints and schema/scenario.schema.json holds.
 */
export function scenarioJsonSchema(): Record<string, unknown> {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Coracle simulation scenario',
    ...convert(scenarioSchema),
  };
}

function convert(schema: Schema): Record<string, unknown> {
  const { properties, items, additionalProperties, exclusiveMinimum, minimum, ...rest } = schema;
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) if (!key.startsWith('x-kubernetes-')) out[key] = value;
  if (schema['x-kubernetes-int-or-string']) out['type'] = ['integer', 'string'];
  if (minimum !== undefined) out[exclusiveMinimum ? 'exclusiveMinimum' : 'minimum'] = minimum;
  if (properties) {
    out['properties'] = Object.fromEntries(
      Object.entries(properties).map(([name, property]) => [name, convert(property)]),
    );
    out['additionalProperties'] = false;
  } else if (typeof additionalProperties === 'object') {
    out['additionalProperties'] = convert(additionalProperties);
  }
  if (items) out['items'] = convert(items);
  return out;
}
