import { errors, type Unstructured } from '@coracle/machinery';

type Test = (object: Unstructured) => boolean;

/** A label selector's test: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`. */
export function labelTest(selector: string | null): Test {
  const terms = splitTerms(selector ?? '').map(labelTerm);
  return (object) => terms.every((term) => term(object.metadata.labels ?? {}));
}

function labelTerm(text: string): (labels: Record<string, string>) => boolean {
  const set = /^([^\s!=]+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(text);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    return (labels) => (key in labels && values.has(labels[key] ?? '')) === (operator === 'in');
  }
  const equality = /^([^\s!=]+)\s*(==|=|!=)\s*(\S*)$/.exec(text);
  if (equality) {
    const [, key = '', operator, value] = equality;
    return (labels) => (labels[key] === value) === (operator !== '!=');
  }
  const exists = /^(!?)\s*([^\s!=()]+)$/.exec(text);
  if (!exists) throw errors.badRequest(`unable to parse requirement: ${text}`);
  const [, not, key = ''] = exists;
  return (labels) => key in labels === (not === '');
}

/** A field selector's test: `path=value` and `path!=value`, with any path of the object. */
export function fieldTest(selector: string | null): Test {
  const terms = splitTerms(selector ?? '').map((text): Test => {
    const match = /^([^!=]+?)\s*(==|=|!=)\s*(.*)$/.exec(text);
    if (!match) throw errors.badRequest(`invalid field selector: ${text}`);
    const [, path = '', operator, value] = match;
    return (object) => (fieldOf(object, path) === value) === (operator !== '!=');
  });
  return (object) => terms.every((term) => term(object));
}

function fieldOf(object: Unstructured, path: string): string {
  let value: unknown = object;
  for (const step of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[step];
  return value === undefined || value === null ? '' : String(value);
}

/** Splits at commas outside parentheses. */
function splitTerms(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((term) => term.trim())
    .filter((term) => term !== '');
}
