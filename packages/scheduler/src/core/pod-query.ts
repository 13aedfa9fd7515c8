/**
 * Which pods a rule speaks of: a label selector and the namespaces it holds in. Equal rules (thousands of pods carry the
 * same) are one PodQuery, known by its key.
 */
import { nothing, selectorFrom, type Selector } from '@coracle/machinery';
import type { LabelSelector, Pod, PodAffinityTerm } from '@coracle/machinery/api';

export type Labels = Readonly<Record<string, string>>;

export interface PodQuery {
  readonly key: string;
  readonly namespaces: ReadonlySet<string>;
  /** Namespaces by their labels, besides those named. */
  readonly namespaceSelector: Selector | undefined;
  readonly selector: Selector;
  /** Pods on their way out do not count (topology spread). */
  readonly skipTerminating: boolean;
}

/** A (anti-)affinity term of a pod. Weight 0: required. */
export interface AffinityTerm {
  readonly key: string;
  readonly topologyKey: string;
  readonly query: PodQuery;
  readonly weight: number;
}

export interface AffinityTerms {
  readonly required: readonly AffinityTerm[];
  readonly requiredAnti: readonly AffinityTerm[];
  readonly preferred: readonly AffinityTerm[];
  readonly preferredAnti: readonly AffinityTerm[];
}

/** Makes queries, each once. */
export class PodQueries {
  readonly #known = new Map<string, PodQuery>();

  /** Pods of the pod's own namespace that the selector matches; `matchLabelKeys` add the pod's own values. */
  ofSpread(pod: Pod, selector: LabelSelector | undefined, matchLabelKeys: readonly string[] = []): PodQuery {
    return this.#make(
      [pod.metadata.namespace ?? ''],
      undefined,
      withKeys(pod, selector, matchLabelKeys, []),
      true,
    );
  }

  ofTerm(pod: Pod, term: PodAffinityTerm): PodQuery {
    const named = term.namespaces ?? [];
    const own = named.length === 0 && !term.namespaceSelector ? [pod.metadata.namespace ?? ''] : named;
    const selector = withKeys(
      pod,
      term.labelSelector,
      term.matchLabelKeys ?? [],
      term.mismatchLabelKeys ?? [],
    );
    return this.#make(own, term.namespaceSelector, selector, false);
  }

  #make(
    namespaces: readonly string[],
    namespaceSelector: LabelSelector | undefined,
    selector: LabelSelector | undefined,
    skipTerminating: boolean,
  ): PodQuery {
    const key = JSON.stringify([namespaces, namespaceSelector, selector, skipTerminating]);
    let query = this.#known.get(key);
    if (!query) {
      query = {
        key,
        namespaces: new Set(namespaces),
        namespaceSelector: namespaceSelector && parsed(namespaceSelector),
        selector: parsed(selector),
        skipTerminating,
      };
      if (this.#known.size >= 10_000) this.#known.clear();
      this.#known.set(key, query);
    }
    return query;
  }
}

/** True if the query speaks of the pod. */
export function queryMatches(query: PodQuery, pod: Pod, namespaceLabels: Labels | undefined): boolean {
  const { namespace = '', labels, deletionTimestamp } = pod.metadata;
  if (query.skipTerminating && deletionTimestamp !== undefined) return false;
  if (!query.namespaces.has(namespace) && !query.namespaceSelector?.matches(namespaceLabels)) return false;
  return query.selector.matches(labels);
}

/** All terms of a pod; undefined if it has none, as most. */
export function affinityTerms(pod: Pod, queries: PodQueries): AffinityTerms | undefined {
  const { podAffinity, podAntiAffinity } = pod.spec?.affinity ?? {};
  if (!podAffinity && !podAntiAffinity) return undefined;
  const term = (t: PodAffinityTerm, weight: number): AffinityTerm => {
    const query = queries.ofTerm(pod, t);
    return { key: `${weight} ${t.topologyKey} ${query.key}`, topologyKey: t.topologyKey, query, weight };
  };
  const required = (list: readonly PodAffinityTerm[] = []) => list.map((t) => term(t, 0));
  const preferred = (list: readonly { weight: number; podAffinityTerm: PodAffinityTerm }[] = []) =>
    list.map((t) => term(t.podAffinityTerm, t.weight));
  return {
    required: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    requiredAnti: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferred: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAnti: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  };
}

function withKeys(
  pod: Pod,
  selector: LabelSelector | undefined,
  match: readonly string[],
  mismatch: readonly string[],
): LabelSelector | undefined {
  if (!selector || match.length + mismatch.length === 0) return selector;
  const more = (keys: readonly string[], operator: string) =>
    keys.flatMap((key) => {
      const value = pod.metadata.labels?.[key];
      return value === undefined ? [] : [{ key, operator, values: [value] }];
    });
  const matchExpressions = [
    ...(selector.matchExpressions ?? []),
    ...more(match, 'In'),
    ...more(mismatch, 'NotIn'),
  ];
  return { ...selector, matchExpressions };
}

/** A broken selector (the API server lets none through) matches nothing. */
function parsed(selector: LabelSelector | undefined): Selector {
  try {
    return selectorFrom(selector);
  } catch {
    return nothing;
  }
}
