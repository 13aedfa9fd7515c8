import type { NodeAffinity, NodeSelectorTerm } from '@coracle/machinery/api';
import { compileLabels, compileTerm, compileTerms, type RowTest } from '../node-selector.ts';
import { normalizeToMax, type FilterPlugin, type ScorePlugin } from '../plugin.ts';

const noMatch = "node(s) didn't match Pod's node affinity/selector";
const noAddedMatch = "node(s) didn't match scheduler-enforced node affinity";

export interface NodeAffinityArgs {
  /** Affinity that every pod of the profile gets besides its own (NodeAffinityArgs.addedAffinity). */
  readonly addedAffinity?: NodeAffinity;
}

/** `nodeSelector` and node affinity: required terms filter, preferred terms add their weights. */
export function nodeAffinity(args: NodeAffinityArgs = {}): FilterPlugin & ScorePlugin {
  const added = args.addedAffinity;
  return {
    name: 'NodeAffinity',
    prepareFilter(pod, snapshot) {
      const selector = pod.pod.spec?.nodeSelector;
      const required =
        pod.pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
          ?.nodeSelectorTerms;
      const addedTerms = added?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
      const tests: { test: RowTest; code: number }[] = [];
      if (addedTerms) tests.push({ test: compileTerms(addedTerms, snapshot), code: 2 });
      if (selector && Object.keys(selector).length > 0) {
        tests.push({ test: compileLabels(selector, snapshot), code: 1 });
      }
      if (required) tests.push({ test: compileTerms(required, snapshot), code: 1 });
      if (tests.length === 0) return undefined;
      const names = required && nodeNames(required);
      let matches = new Uint8Array(0);
      return {
        ...(names ? { onlyNodes: names } : {}),
        ...(names?.size === 0 ? { rejection: 'pod affinity terms conflict' } : {}),
        ofNode: true,
        filter(rows, count, codes) {
          if (matches.length < count) matches = new Uint8Array(rows.length);
          codes.fill(0, 0, count);
          for (const { test, code } of tests) {
            test(rows, count, matches);
            for (let i = 0; i < count; i++) if (matches[i] === 0 && codes[i] === 0) codes[i] = code;
          }
        },
        reasons: (code) => [code === 2 ? noAddedMatch : noMatch],
        resolvable: () => false,
      };
    },
    prepareScore(pod, snapshot) {
      const own = pod.pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
      const more = added?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
      const terms = [...own, ...more].filter((term) => term.weight !== 0);
      if (terms.length === 0) return undefined;
      const tests = terms.map(({ weight, preference }) => ({
        weight,
        test: compileTerm(preference, snapshot),
      }));
      let matches = new Uint8Array(0);
      return {
        score(rows, count, scores) {
          if (matches.length < count) matches = new Uint8Array(rows.length);
          scores.fill(0, 0, count);
          for (const { weight, test } of tests) {
            test(rows, count, matches);
            for (let i = 0; i < count; i++) scores[i]! += weight * matches[i]!;
          }
        },
        normalize: (scores, count) => normalizeToMax(scores, count, false),
      };
    },
  };
}

/**
 * The nodes that required terms name, if every term names some by `metadata.name In [...]` (what DaemonSet pods do):
 * then only those need to be looked at. Several such fields in one term: their intersection.
 */
function nodeNames(terms: readonly NodeSelectorTerm[]): ReadonlySet<string> | undefined {
  const all = new Set<string>();
  for (const term of terms) {
    let names: Set<string> | undefined;
    for (const field of term.matchFields ?? []) {
      if (field.key !== 'metadata.name' || field.operator !== 'In') continue;
      const before: Set<string> | undefined = names;
      names = new Set(field.values?.filter((name) => before?.has(name) ?? true));
    }
    if (!names) return undefined;
    for (const name of names) all.add(name);
  }
  return terms.length === 0 ? undefined : all;
}
