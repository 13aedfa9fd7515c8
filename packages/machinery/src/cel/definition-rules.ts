/** What is wrong with the rules of a definition's schema, in the API server's words. */
import type { Schema } from '../kind.ts';
import type { FieldError } from '../status.ts';
import {
  type CompiledRule,
  pathSteps,
  ruleNode,
  type RuleNode,
  type ValidationRule,
} from './schema-rules.ts';

const reasons = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

/** Problems of the rules of the schema at `path`. */
export function definitionRuleProblems(schema: Schema, path: string): FieldError[] {
  const node = ruleNode(schema, 'selfType', true);
  const errors: FieldError[] = [];
  if (node) visit(node, path, undefined, errors);
  return errors;
}

/** `loose`: the place from which on no old value is known, if there is one above. */
function visit(node: RuleNode, path: string, loose: string | undefined, errors: FieldError[]): void {
  const { schema } = node;
  node.rules.forEach((compiled, index) =>
    errors.push(...ruleProblems(compiled, schema, `${path}.x-kubernetes-validations[${index}]`, loose)),
  );
  for (const [name, child] of node.properties) visit(child, `${path}.properties[${name}]`, loose, errors);
  if (node.items) {
    const keyed = schema['x-kubernetes-list-type'] === 'map';
    visit(node.items, `${path}.items`, loose ?? (keyed ? undefined : path), errors);
  }
  if (node.values) {
    const atomic = schema['x-kubernetes-map-type'] === 'atomic';
    visit(node.values, `${path}.additionalProperties`, loose ?? (atomic ? path : undefined), errors);
  }
}

const invalid = (field: string, badValue: unknown, detail: string): FieldError => ({
  type: 'FieldValueInvalid',
  field,
  badValue,
  detail,
});

function ruleProblems(
  compiled: CompiledRule,
  schema: Schema,
  path: string,
  loose: string | undefined,
): FieldError[] {
  const { rule, problem, messageProblem, usesOldSelf } = compiled;
  if (rule.rule.trim() === '')
    return [{ type: 'FieldValueRequired', field: `${path}.rule`, detail: 'rule is not specified' }];
  const errors = wordProblems(rule, path);
  if (problem !== undefined) errors.push(invalid(`${path}.rule`, rule.rule, problem));
  if (messageProblem !== undefined)
    errors.push(invalid(`${path}.messageExpression`, rule.messageExpression, messageProblem));
  if (usesOldSelf && loose !== undefined)
    errors.push(
      invalid(
        `${path}.rule`,
        rule.rule,
        `oldSelf cannot be used on the uncorrelatable portion of the schema within ${loose}`,
      ),
    );
  if (rule.optionalOldSelf && problem === undefined && !usesOldSelf)
    errors.push(invalid(`${path}.optionalOldSelf`, true, 'may not be set if oldSelf is not used in rule'));
  if (rule.fieldPath && !isField(rule.fieldPath, schema))
    errors.push(invalid(`${path}.fieldPath`, rule.fieldPath, 'fieldPath must be a valid path'));
  return errors;
}

function wordProblems({ rule, message, reason }: ValidationRule, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (message !== undefined && message !== '' && message.trim() === '')
    errors.push(invalid(`${path}.message`, message, 'message must be non-empty if specified'));
  else if (message?.trim().includes('\n'))
    errors.push(invalid(`${path}.message`, message, 'message must not contain line breaks'));
  if (rule.trim().includes('\n') && !message?.trim())
    errors.push({
      type: 'FieldValueRequired',
      field: `${path}.message`,
      detail: 'message must be specified if rule contains line breaks',
    });
  if (reason && !reasons.includes(reason))
    errors.push({
      type: 'FieldValueNotSupported',
      field: `${path}.reason`,
      badValue: reason,
      detail: `supported values: ${reasons.map((one) => JSON.stringify(one)).join(', ')}`,
    });
  return errors;
}

/** Whether a path leads along fields and map keys that the schema has. */
function isField(path: string, schema: Schema): boolean {
  let place: Schema | undefined = schema;
  for (const { name, key } of pathSteps(path) ?? [{ name: '', key: false }]) {
    const values: Schema | boolean | undefined = place.additionalProperties;
    place = key && typeof values === 'object' ? values : place.properties?.[name];
    if (!place) return false;
  }
  return true;
}
