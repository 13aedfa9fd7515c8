/**
 * Node selectors compiled against a snapshot: a term becomes tests on label columns. Requirements within a term are
 * ANDed, terms are ORed; a term without any requirement matches nothing.
 */
import type { NodeSelectorRequirement, NodeSelectorTerm } from '@coracle/machinery/api';
import type { Snapshot } from './snapshot.ts';

/** Sets `matches[i]` (1 or 0) for each row. */
export type RowTest = (rows: Int32Array, count: number, matches: Uint8Array) => void;

/** One term as a test of nodes. */
export function compileTerm(term: NodeSelectorTerm, snapshot: Snapshot): RowTest {
  const expressions = term.matchExpressions ?? [];
  const fields = term.matchFields ?? [];
  if (expressions.length + fields.length === 0) return (_rows, count, matches) => matches.fill(0, 0, count);
  const tests = [
    ...expressions.map((requirement) => labelTest(requirement, snapshot)),
    ...fields.map((requirement) => fieldTest(requirement, snapshot)),
  ];
  return (rows, count, matches) => {
    matches.fill(1, 0, count);
    for (const test of tests) test(rows, count, matches);
  };
}

/** Terms ORed. */
export function compileTerms(terms: readonly NodeSelectorTerm[], snapshot: Snapshot): RowTest {
  const tests = terms.map((term) => compileTerm(term, snapshot));
  if (tests.length === 1) return tests[0]!;
  let scratch = new Uint8Array(0);
  return (rows, count, matches) => {
    if (scratch.length < count) scratch = new Uint8Array(rows.length);
    matches.fill(0, 0, count);
    for (const test of tests) {
      test(rows, count, scratch);
      for (let i = 0; i < count; i++) matches[i]! |= scratch[i]!;
    }
  };
}

/** `nodeSelector`: every label with exactly this value. */
export function compileLabels(labels: Readonly<Record<string, string>>, snapshot: Snapshot): RowTest {
  const matchExpressions = Object.entries(labels).map(([key, value]) => ({
    key,
    operator: 'In',
    values: [value],
  }));
  return compileTerm({ matchExpressions }, snapshot);
}

/** Clears `matches[i]` where the requirement does not hold. */
type Narrow = (rows: Int32Array, count: number, matches: Uint8Array) => void;

function labelTest({ key, operator, values = [] }: NodeSelectorRequirement, snapshot: Snapshot): Narrow {
  const strings = snapshot.labels.values;
  const byValue = (holds: (value: number) => boolean): Narrow => {
    return (rows, count, matches) => {
      const column = snapshot.labelColumn(key);
      for (let i = 0; i < count; i++) if (!holds(column[rows[i]!]!)) matches[i] = 0;
    };
  };
  switch (operator) {
    case 'In': {
      const ids = new Set(values.map((value) => strings.id(value)));
      if (ids.size === 1) {
        const only = strings.id(values[0]!);
        return byValue((value) => value === only);
      }
      return byValue((value) => ids.has(value));
    }
    case 'NotIn': {
      const ids = new Set(values.map((value) => strings.id(value)));
      return byValue((value) => !ids.has(value));
    }
    case 'Exists':
      return byValue((value) => value !== 0);
    case 'DoesNotExist':
      return byValue((value) => value === 0);
    case 'Gt':
    case 'Lt': {
      const bound = strings.integer(strings.id(values[0] ?? ''));
      // Absent or no integer: NaN, which every comparison fails.
      return operator === 'Gt'
        ? byValue((value) => strings.integer(value) > bound)
        : byValue((value) => strings.integer(value) < bound);
    }
    default:
      return (_rows, count, matches) => matches.fill(0, 0, count);
  }
}

/** The only field is `metadata.name`, with In and NotIn. */
function fieldTest({ key, operator, values = [] }: NodeSelectorRequirement, snapshot: Snapshot): Narrow {
  const names = new Set(values);
  const known = key === 'metadata.name' && (operator === 'In' || operator === 'NotIn');
  return (rows, count, matches) => {
    for (let i = 0; i < count; i++) {
      if (!known || names.has(snapshot.nameOf(rows[i]!)) !== (operator === 'In')) matches[i] = 0;
    }
  };
}
