/** The CEL rules of custom resources (`x-kubernetes-validations`). */
import type { FieldError, Kind, Schema, Unstructured } from '@coracle/machinery';
import type { apiextensions_v1 } from '@coracle/machinery/api';
import { definitionRuleProblems, hasRules, ruleErrors } from '@coracle/machinery/cel';
import type { Definition } from './names.ts';

/** Errors after which a rule could not count on the shape of what it reads. */
const blocking = new Set([
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);

/** What a custom resource breaks of its definition's rules; `found` is what its schema has found already. */
export function customRuleErrors(
  kind: Kind,
  schema: Schema,
  found: readonly FieldError[],
  object: Unstructured,
  old?: Unstructured,
): FieldError[] {
  if (kind.builtin || !hasRules(schema)) return [];
  if (!found.some(({ type }) => blocking.has(type))) return ruleErrors(schema, object, old);
  return [
    {
      type: 'FieldValueInvalid',
      field: '<nil>',
      badValue: null,
      detail:
        'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
    },
  ];
}

const schemaOf = (
  version: apiextensions_v1.CustomResourceDefinitionVersion | undefined,
): Schema | undefined => version?.schema?.openAPIV3Schema as Schema | undefined;

/** What is wrong with the rules of a definition. Versions whose schema is as it was before are not compiled again. */
export function rulesOfDefinition(definition: Definition, before?: Definition): FieldError[] {
  const versions = definition.spec?.versions;
  if (!Array.isArray(versions)) return [];
  return versions.flatMap((version, index) => {
    const schema = schemaOf(version);
    const old = schemaOf(before?.spec?.versions?.find(({ name }) => name === version.name));
    if (!schema || (old && JSON.stringify(old) === JSON.stringify(schema))) return [];
    return definitionRuleProblems(schema, `spec.versions[${index}].schema.openAPIV3Schema`);
  });
}
