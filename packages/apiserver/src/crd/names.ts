/**
 * Which names a definition gets, and the conditions that say so. A name belongs to whoever had it first in its group; a
 * definition whose names are taken is stored but not served (`NamesAccepted: False`).
 */
import type { KindRegistry } from '@coracle/machinery';
import type { apiextensions_v1, Condition } from '@coracle/machinery/api';

export type Definition = apiextensions_v1.CustomResourceDefinition;
type Status = apiextensions_v1.CustomResourceDefinitionStatus;
type Names = apiextensions_v1.CustomResourceDefinitionNames;

/** Holds a definition until its objects are gone. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

interface Taken {
  resources: Set<string>;
  kinds: Set<string>;
}

/** Names in use in the definition's group, by built-in kinds and by other definitions that got theirs. */
function takenNames(definition: Definition, others: readonly Definition[], registry: KindRegistry): Taken {
  const taken: Taken = { resources: new Set(), kinds: new Set() };
  const add = (names: Partial<Names> | undefined): void => {
    for (const name of [names?.plural, names?.singular, ...(names?.shortNames ?? [])])
      if (name) taken.resources.add(name);
    for (const kind of [names?.kind, names?.listKind]) if (kind) taken.kinds.add(kind);
  };
  for (const other of others)
    if (other.metadata.name !== definition.metadata.name && other.spec?.group === definition.spec?.group)
      add(other.status?.acceptedNames);
  for (const kind of registry.kinds())
    if (kind.builtin && kind.group === definition.spec?.group)
      add({
        plural: kind.resource,
        singular: kind.singular,
        kind: kind.kind,
        listKind: kind.listKind,
        shortNames: [...kind.shortNames],
      });
  return taken;
}

const message = (name: string | undefined): string => `${JSON.stringify(name)} is already in use`;

/** The first conflict of the wanted names, with upstream's reason. */
function conflict(names: Names, taken: Taken): { reason: string; message: string } | undefined {
  const used = (name: string | undefined): boolean => name !== undefined && taken.resources.has(name);
  if (used(names.plural)) return { reason: 'PluralConflict', message: message(names.plural) };
  if (used(names.singular)) return { reason: 'SingularConflict', message: message(names.singular) };
  const short = names.shortNames?.find(used);
  if (short !== undefined) return { reason: 'ShortNamesConflict', message: message(short) };
  if (taken.kinds.has(names.kind)) return { reason: 'KindConflict', message: message(names.kind) };
  if (names.listKind !== undefined && taken.kinds.has(names.listKind))
    return { reason: 'ListKindConflict', message: message(names.listKind) };
  return undefined;
}

/** Sets a condition; its time moves only when its status does. */
export function withCondition(
  conditions: readonly Condition[],
  next: Omit<Condition, 'lastTransitionTime'>,
  now: string,
): Condition[] {
  const before = conditions.find((c) => c.type === next.type);
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : now;
  return [...conditions.filter((c) => c.type !== next.type), { lastTransitionTime, ...next }];
}

/** The status of a definition among the others. `now` is RFC 3339. */
export function statusFor(
  definition: Definition,
  others: readonly Definition[],
  registry: KindRegistry,
  now: string,
): Status {
  const { spec, status } = definition;
  const found = conflict(spec.names, takenNames(definition, others, registry));
  let conditions = (status?.conditions ?? []) as Condition[];
  if (found) {
    conditions = withCondition(conditions, { type: 'NamesAccepted', status: 'False', ...found }, now);
    const wasEstablished = conditions.some((c) => c.type === 'Established' && c.status === 'True');
    if (!wasEstablished)
      conditions = withCondition(
        conditions,
        {
          type: 'Established',
          status: 'False',
          reason: 'NotAccepted',
          message: 'not all names are accepted',
        },
        now,
      );
  } else {
    conditions = withCondition(
      conditions,
      { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' },
      now,
    );
    conditions = withCondition(
      conditions,
      {
        type: 'Established',
        status: 'True',
        reason: 'InitialNamesAccepted',
        message: 'the initial names have been accepted',
      },
      now,
    );
  }
  const storage = spec.versions.find((version) => version.storage)?.name;
  const storedVersions = [...(status?.storedVersions ?? [])];
  if (storage !== undefined && !storedVersions.includes(storage)) storedVersions.push(storage);
  return {
    ...status,
    conditions,
    ...(found ? {} : { acceptedNames: spec.names }),
    storedVersions,
  };
}

/** Is the definition served: accepted, and established? */
export function isServed(definition: Definition): boolean {
  return definition.status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True') ?? false;
}
