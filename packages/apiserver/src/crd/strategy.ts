/** CustomResourceDefinitions as a kind: what a definition must be, and its status at birth. */
import {
  crdProblems,
  deepEqual,
  type FieldError,
  formatTime,
  type KindRegistry,
  type Unstructured,
} from '@coracle/machinery';
import type { apiextensions_v1, Condition } from '@coracle/machinery/api';
import type { Lookup, Strategy } from '../contracts.ts';
import { rulesOfDefinition } from './rules.ts';
import { cleanupFinalizer, type Definition, statusFor, withCondition } from './names.ts';

type Names = apiextensions_v1.CustomResourceDefinitionNames;

/** Fills in what names and versions may leave out. */
function defaults(object: Unstructured): void {
  const { spec } = object as unknown as Definition;
  if (!spec) return;
  const { names } = spec;
  if (names) {
    if (!names.singular && typeof names.kind === 'string') names.singular = names.kind.toLowerCase();
    if (!names.listKind && names.kind) names.listKind = `${names.kind}List`;
  }
  spec.conversion ??= { strategy: 'None' };
}

function immutable(field: string, now: unknown, before: unknown): FieldError[] {
  return deepEqual(now, before)
    ? []
    : [{ type: 'FieldValueInvalid', field, badValue: now, detail: 'field is immutable' }];
}

const isEstablished = (definition: Definition): boolean =>
  definition.status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True') ?? false;

export function definitionStrategy(registry: KindRegistry, lookup: Lookup): Strategy {
  const others = (): Definition[] =>
    lookup.list('apiextensions.k8s.io', 'customresourcedefinitions') as unknown as Definition[];
  const setStatus = (object: Unstructured, now: Date): void => {
    const definition = object as unknown as Definition;
    definition.status = statusFor(definition, others(), registry, formatTime(now));
  };
  return {
    defaults,
    prepareForCreate(object, { now }) {
      const { metadata, spec } = object as unknown as Definition;
      if (!spec?.names || !Array.isArray(spec.versions)) return;
      metadata.finalizers = [...new Set([...(metadata.finalizers ?? []), cleanupFinalizer])];
      setStatus(object, now);
    },
    prepareForUpdate(object, _old, { now }) {
      const { spec } = object as unknown as Definition;
      if (spec?.names && Array.isArray(spec.versions)) setStatus(object, now);
    },
    prepareForDelete(object, { now }) {
      const definition = object as unknown as Definition;
      const conditions = withCondition(
        (definition.status?.conditions ?? []) as Condition[],
        {
          type: 'Terminating',
          status: 'True',
          reason: 'InstanceDeletionPending',
          message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
        },
        formatTime(now),
      );
      definition.status = { ...definition.status, conditions };
    },
    validate: (object) => {
      const problems = crdProblems(object as unknown as Definition);
      // Rules are compiled against the schema, which has to be one for that.
      return problems.length > 0 ? problems : rulesOfDefinition(object as unknown as Definition);
    },
    validateUpdate(object, old) {
      const after = object as unknown as Definition;
      const before = old as unknown as Definition;
      const problems = crdProblems(object as unknown as Definition);
      if (problems.length === 0) problems.push(...rulesOfDefinition(after, before));
      problems.push(...immutable('spec.group', after.spec?.group, before.spec?.group));
      problems.push(...immutable('spec.names.plural', after.spec?.names?.plural, before.spec?.names?.plural));
      if (isEstablished(before)) {
        const kindOf = (names: Names | undefined): string | undefined => names?.kind;
        problems.push(...immutable('spec.scope', after.spec?.scope, before.spec?.scope));
        problems.push(...immutable('spec.names.kind', kindOf(after.spec?.names), kindOf(before.spec?.names)));
      }
      return problems;
    },
  };
}
