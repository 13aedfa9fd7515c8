/** The conditions of a Namespace that is being deleted (core/v1 NamespaceConditionType). */
import { formatTime } from '@coracle/machinery';
import type { core_v1 } from '@coracle/machinery/api';

type Condition = core_v1.NamespaceCondition;

/** What one pass over the content of a namespace has found. */
export interface ContentReport {
  /** Groups that could not be asked for their resources. */
  discoveryFailures: string[];
  /** Deletions that failed, as text. */
  contentFailures: string[];
  /** Objects left: `pods.` or `deployments.apps` -> how many. */
  remaining: Map<string, number>;
  /** Finalizers of the objects left -> on how many. */
  finalizers: Map<string, number>;
}

const verdicts = {
  NamespaceDeletionDiscoveryFailure: {
    bad: 'DiscoveryFailed',
    good: ['ResourcesDiscovered', 'All resources successfully discovered'],
  },
  NamespaceDeletionGroupVersionParsingFailure: {
    bad: 'GroupVersionParsingFailed',
    good: ['ParsedGroupVersions', 'All legacy kube types successfully parsed'],
  },
  NamespaceDeletionContentFailure: {
    bad: 'ContentDeletionFailed',
    good: ['ContentDeleted', 'All content successfully deleted, may be waiting on finalization'],
  },
  NamespaceContentRemaining: {
    bad: 'SomeResourcesRemain',
    good: ['ContentRemoved', 'All content successfully removed'],
  },
  NamespaceFinalizersRemaining: {
    bad: 'SomeFinalizersRemain',
    good: ['ContentHasNoFinalizers', 'All content-preserving finalizers finished'],
  },
} as const;
type ConditionType = keyof typeof verdicts;

function counts(map: ReadonlyMap<string, number>, word: string): string | undefined {
  if (map.size === 0) return undefined;
  return [...map]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${word} ${count} resource instances`)
    .join(', ');
}

/** The conditions after a pass; those of other types are kept, times change only with the status. */
export function namespaceConditions(
  before: readonly Condition[] | undefined,
  report: ContentReport,
  now: number,
): Condition[] {
  const discovery = report.discoveryFailures;
  const content = report.contentFailures;
  const remaining = counts(report.remaining, 'has');
  const finalizers = counts(report.finalizers, 'in');
  const problems: Record<ConditionType, string | undefined> = {
    NamespaceDeletionDiscoveryFailure: discovery.length
      ? `Discovery failed for some groups, ${discovery.length} failing: ${discovery.join(', ')}`
      : undefined,
    NamespaceDeletionGroupVersionParsingFailure: undefined,
    NamespaceDeletionContentFailure: content.length
      ? `Failed to delete all resource types, ${content.length} remaining: ${content.join(', ')}`
      : undefined,
    NamespaceContentRemaining: remaining && `Some resources are remaining: ${remaining}`,
    NamespaceFinalizersRemaining:
      finalizers && `Some content in the namespace has finalizers remaining: ${finalizers}`,
  };
  const result = [...(before ?? [])];
  for (const type of Object.keys(verdicts) as ConditionType[]) {
    const problem = problems[type];
    const { bad, good } = verdicts[type];
    const wanted = {
      type,
      status: problem ? 'True' : 'False',
      reason: problem ? bad : good[0],
      message: problem ?? good[1],
    };
    const at = result.findIndex((condition) => condition.type === type);
    const found = result[at];
    const lastTransitionTime =
      found?.status === wanted.status && found.lastTransitionTime
        ? found.lastTransitionTime
        : formatTime(now);
    result.splice(at === -1 ? result.length : at, 1, { ...wanted, lastTransitionTime });
  }
  return result;
}
