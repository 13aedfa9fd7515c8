/** Validation of CustomResourceDefinitions, in the API server's words. */
import type { apiextensions_v1, CustomResourceDefinition } from '../api/index.ts';
import { parseSteps } from '../jsonpath/parse.ts';
import type { Schema } from '../kind.ts';
import type { KubeObject } from '../object.ts';
import { dns1035Label, dns1123Subdomain } from '../names.ts';
import type { CauseReason, FieldError } from '../status.ts';
import { structuralProblems } from './structural.ts';

type Version = apiextensions_v1.CustomResourceDefinitionVersion;
type Add = (type: CauseReason, field: string, detail?: string, badValue?: unknown) => void;

/**
 * Everything wrong with a definition: names, versions (exactly one is stored), structural schemas, columns and
 * subresources. Defaults that the server sets (singular, listKind, conversion) need not be there yet.
 */
export function crdProblems(crd: KubeObject): FieldError[] {
  const problems: FieldError[] = [];
  const add: Add = (type, field, detail, badValue) => {
    problems.push({
      type,
      field,
      ...(detail === undefined ? {} : { detail }),
      ...(badValue === undefined ? {} : { badValue }),
    });
  };
  const spec = (crd as CustomResourceDefinition).spec as
    | Partial<CustomResourceDefinition['spec']>
    | undefined;
  if (!spec) {
    add('FieldValueRequired', 'spec');
    return problems;
  }
  const { group = '', names, scope, versions = [] } = spec;
  if (crd.metadata.name !== `${names?.plural ?? ''}.${group}`) {
    const detail = 'must be spec.names.plural+"."+spec.group';
    add('FieldValueInvalid', 'metadata.name', detail, crd.metadata.name ?? '');
  }
  if (group === '') add('FieldValueRequired', 'spec.group');
  else {
    const bad = dns1123Subdomain(group);
    if (bad) add('FieldValueInvalid', 'spec.group', bad, group);
    else if (!group.includes('.')) {
      add('FieldValueInvalid', 'spec.group', 'should be a domain with at least one dot', group);
    }
  }
  if (!scope) add('FieldValueRequired', 'spec.scope');
  else if (scope !== 'Cluster' && scope !== 'Namespaced') {
    add('FieldValueNotSupported', 'spec.scope', 'supported values: "Cluster", "Namespaced"', scope);
  }
  nameProblems(names, add);
  if (versions.filter((v) => v.storage).length !== 1) {
    const detail = 'must have exactly one version marked as storage version';
    add(
      'FieldValueInvalid',
      'spec.versions',
      detail,
      versions.map((v) => v.name),
    );
  }
  if (new Set(versions.map((v) => v.name)).size < versions.length) {
    const detail = 'must contain unique version names';
    add(
      'FieldValueInvalid',
      'spec.versions',
      detail,
      versions.map((v) => v.name),
    );
  }
  if (spec.preserveUnknownFields === true) {
    const detail =
      'cannot set to true, set x-preserve-unknown-fields to true in spec.versions[*].schema instead';
    add('FieldValueInvalid', 'spec.preserveUnknownFields', detail, true);
  }
  const strategy = spec.conversion?.strategy;
  if (strategy !== undefined && strategy !== 'None' && strategy !== 'Webhook') {
    add(
      'FieldValueNotSupported',
      'spec.conversion.strategy',
      'supported values: "None", "Webhook"',
      strategy,
    );
  }
  for (const [i, version] of versions.entries()) {
    versionProblems(version, `spec.versions[${i}]`, add, problems);
  }
  return problems;
}

function nameProblems(
  names: Partial<apiextensions_v1.CustomResourceDefinitionNames> | undefined,
  add: Add,
): void {
  const at = 'spec.names';
  if (!names?.plural) add('FieldValueRequired', `${at}.plural`);
  if (!names?.kind) add('FieldValueRequired', `${at}.kind`);
  const label = (field: string, value: string | undefined, mixedCase = false): void => {
    if (!value) return;
    const bad = dns1035Label(mixedCase ? value.toLowerCase() : value);
    if (!bad) return;
    const detail = mixedCase ? `may have mixed case, but should otherwise match: ${bad}` : bad;
    add('FieldValueInvalid', `${at}.${field}`, detail, value);
  };
  label('plural', names?.plural);
  label('singular', names?.singular);
  label('kind', names?.kind, true);
  label('listKind', names?.listKind, true);
  for (const [i, name] of (names?.shortNames ?? []).entries()) label(`shortNames[${i}]`, name);
  for (const [i, name] of (names?.categories ?? []).entries()) label(`categories[${i}]`, name);
  if (names?.kind && names.kind === names.listKind) {
    add('FieldValueInvalid', `${at}.listKind`, 'kind and listKind may not be the same', names.listKind);
  }
}

const columnTypes = ['boolean', 'date', 'integer', 'number', 'string'];
const columnFormats = [
  'binary',
  'byte',
  'date',
  'date-time',
  'double',
  'float',
  'int32',
  'int64',
  'password',
];
const quoted = (list: readonly string[]): string => list.map((v) => `"${v}"`).join(', ');

function versionProblems(version: Version, path: string, add: Add, problems: FieldError[]): void {
  const badName = version.name ? dns1035Label(version.name) : 'must be non-empty';
  if (badName) add('FieldValueInvalid', `${path}.name`, badName, version.name ?? '');
  const schema = version.schema?.openAPIV3Schema as Schema | undefined;
  if (!schema) add('FieldValueRequired', `${path}.schema.openAPIV3Schema`, 'schemas are required');
  else problems.push(...structuralProblems(schema, `${path}.schema.openAPIV3Schema`));
  for (const [i, column] of (version.additionalPrinterColumns ?? []).entries()) {
    const at = `${path}.additionalPrinterColumns[${i}]`;
    if (!column.name) add('FieldValueRequired', `${at}.name`);
    if (!column.type) add('FieldValueRequired', `${at}.type`, `must be one of ${columnTypes.join(',')}`);
    else if (!columnTypes.includes(column.type)) {
      add('FieldValueInvalid', `${at}.type`, `must be one of ${columnTypes.join(',')}`, column.type);
    }
    if (column.format && !columnFormats.includes(column.format)) {
      add('FieldValueInvalid', `${at}.format`, `must be one of ${columnFormats.join(',')}`, column.format);
    }
    if (!column.jsonPath) add('FieldValueRequired', `${at}.jsonPath`);
    else pathProblem(column.jsonPath, `${at}.jsonPath`, add);
  }
  const scale = version.subresources?.scale;
  if (scale) {
    const at = `${path}.subresources.scale`;
    under(scale.specReplicasPath, ['.spec'], `${at}.specReplicasPath`, add, true);
    under(scale.statusReplicasPath, ['.status'], `${at}.statusReplicasPath`, add, true);
    under(scale.labelSelectorPath, ['.spec', '.status'], `${at}.labelSelectorPath`, add, false);
  }
  for (const [i, field] of (version.selectableFields ?? []).entries()) {
    const at = `${path}.selectableFields[${i}].jsonPath`;
    if (!field.jsonPath) add('FieldValueRequired', at);
    else if (!selectable(schema, field.jsonPath)) {
      const types = quoted(['string', 'boolean', 'integer']);
      add('FieldValueInvalid', at, `must point to a field of type ${types} in the schema`, field.jsonPath);
    }
  }
}

function pathProblem(jsonPath: string, at: string, add: Add): void {
  try {
    if (!jsonPath.startsWith('.')) throw new Error('must be a json path starting with .');
    parseSteps(jsonPath);
  } catch (error) {
    add('FieldValueInvalid', at, (error as Error).message, jsonPath);
  }
}

function under(
  jsonPath: string | undefined,
  roots: readonly string[],
  at: string,
  add: Add,
  required: boolean,
): void {
  if (!jsonPath) {
    if (required) add('FieldValueRequired', at);
    return;
  }
  if (/[[\]*]/.test(jsonPath)) {
    add('FieldValueInvalid', at, 'must be a simple json path without array notation', jsonPath);
  } else if (!roots.some((root) => jsonPath.startsWith(`${root}.`))) {
    const where = roots.length === 1 ? `under ${roots[0] ?? ''}` : `under either ${roots.join(' or ')}`;
    add('FieldValueInvalid', at, `should be a json path ${where}`, jsonPath);
  }
}

function selectable(schema: Schema | undefined, jsonPath: string): boolean {
  let at = schema;
  try {
    for (const step of parseSteps(jsonPath)) {
      if (step.kind !== 'field') return false;
      at = at?.properties?.[step.name];
    }
  } catch {
    return false;
  }
  return at?.type === 'string' || at?.type === 'boolean' || at?.type === 'integer';
}
