/** A mapping of a table's columns as `--mapping` takes it: a file (YAML), or `submit=submitted:date,run=minutes:min`. */
import { unknownFields, validate } from '@coracle/machinery';
import { load, YAMLException } from 'js-yaml';
import { cardUnits, coreUnits, memoryUnits, timeUnits } from '../inputs/mapped-field.ts';
import { mappingSchema } from './mapping-schema.ts';
import { didYouMean } from './nearest.ts';
import { ScenarioError } from './scenario-error.ts';

type Mapping = Readonly<Record<string, unknown>>;

const times = [...Object.keys(timeUnits), 'date'];
/** Units of the fields that have some. */
const units: Readonly<Record<string, readonly string[]>> = {
  submit: times,
  run: times,
  start: times,
  end: times,
  estimate: times,
  cpu: Object.keys(coreUnits),
  gpus: Object.keys(cardUnits),
  memory: Object.keys(memoryUnits),
};
/** Fields that may be a constant. */
const numbers: ReadonlySet<string> = new Set([...Object.keys(units), 'priority', 'pods']);
/** Fields that a file is needed for. */
const objects: ReadonlySet<string> = new Set(['status', 'about']);

/** It is one in short, and no file's name. */
export function isShortMapping(text: string): boolean {
  return /^\s*[a-z]+=/.test(text);
}

/** `FIELD=COLUMN` or `FIELD=COLUMN:UNIT` by commas. Throws ScenarioError. */
export function shortMapping(text: string): Mapping {
  const known = Object.keys(mappingSchema.properties ?? {}).filter((name) => !objects.has(name));
  const mapping: Record<string, unknown> = {};
  for (const part of text.split(',')) {
    const [, field = '', value = ''] = /^\s*([a-z]+)=(.*?)\s*$/.exec(part) ?? [];
    if (value === '')
      throw new ScenarioError(`--mapping: "${part}" is not what is in which column: write submit=created`);
    if (objects.has(field)) throw new ScenarioError(`--mapping: ${field} needs a file of a mapping`);
    if (!known.includes(field)) {
      throw new ScenarioError(
        `--mapping: there is no field "${field}"${didYouMean(field, known) || `; there are ${known.join(', ')}`}`,
      );
    }
    mapping[field] = fieldOf(field, value);
  }
  return mapping;
}

function fieldOf(field: string, value: string): unknown {
  const colon = value.lastIndexOf(':');
  const unit = colon < 0 ? undefined : value.slice(colon + 1);
  // A column's name may have colons, too.
  if (unit !== undefined && units[field]?.includes(unit)) return { column: value.slice(0, colon), unit };
  return numbers.has(field) && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
}

/** Of a file: the mapping alone, or a scenario that has one. Throws ScenarioError. */
export function fileMapping(text: string, file: string): Mapping {
  let value: unknown;
  try {
    value = load(text, { filename: file });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    throw new ScenarioError(`${file}: it is no YAML: ${error.message.split('\n')[0]}`, { cause: error });
  }
  const whole = value as
    | { spec?: { workload?: { mapping?: unknown } }; mapping?: unknown }
    | null
    | undefined;
  const mapping = whole?.spec?.workload?.mapping ?? whole?.mapping ?? value;
  if (typeof mapping !== 'object' || mapping === null || Array.isArray(mapping)) {
    throw new ScenarioError(`${file}: a mapping is an object such as { submit: created, run: seconds }`);
  }
  const known = Object.keys(mappingSchema.properties ?? {});
  const [unknown] = unknownFields(mappingSchema, mapping);
  if (unknown !== undefined) {
    const name = unknown.split('.').at(-1)!;
    throw new ScenarioError(
      `${file}: ${unknown}: there is no such field${didYouMean(name, known) || `; there are ${known.join(', ')}`}`,
    );
  }
  const [wrong] = validate(mappingSchema, mapping);
  if (wrong)
    throw new ScenarioError(
      `${file}: ${wrong.field}: ${wrong.type === 'FieldValueRequired' ? 'this field is missing' : (wrong.detail ?? 'it is wrong')}`,
    );
  return mapping as Mapping;
}
