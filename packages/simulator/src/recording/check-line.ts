/** Whether a line of a recording is one: a file may have been changed by hand, or be something else. */

/** Of an object: its fields; one whose name ends with `?` may be missing. */
type Shape = keyof typeof words | { readonly [field: string]: Shape };

const ref = { apiVersion: 'string', kind: 'string', name: 'string', uid: 'string' } as const;

/** By the field that tells what the line is; checked in this order. */
const lines: Readonly<Record<string, Shape>> = {
  coracleRecording: { coracleRecording: 'number', t: 'number' },
  template: { template: 'number', value: 'template' },
  node: {
    t: 'number',
    node: {
      name: 'string',
      'labels?': 'texts',
      'annotations?': 'texts',
      'taints?': 'list',
      'unschedulable?': 'boolean',
      'capacity?': 'texts',
      'allocatable?': 'texts',
      'ready?': 'boolean',
    },
  },
  nodeGone: { t: 'number', nodeGone: 'string' },
  owner: {
    t: 'number',
    owner: {
      ...ref,
      'ns?': 'string',
      created: 'number',
      'parent?': ref,
      'together?': 'boolean',
      'deadline?': 'number',
    },
  },
  pod: {
    t: 'number',
    pod: {
      uid: 'string',
      'ns?': 'string',
      'name?': 'string',
      'created?': 'number',
      'template?': 'number',
      'owner?': ref,
      'group?': 'string',
      'role?': 'string',
      'priority?': 'number',
      'node?': 'string',
      'phase?': 'string',
      'started?': 'number',
      'ended?': 'number',
      'deadline?': 'number',
      'pinned?': 'boolean',
      'claims?': 'number',
      'volumes?': 'number',
    },
  },
  podGone: { t: 'number', podGone: 'string' },
  listed: { t: 'number', listed: 'true' },
  note: { t: 'number', note: 'string' },
  end: { t: 'number', end: 'true' },
};

interface Check {
  readonly name: string;
  readonly optional: boolean;
  readonly shape: keyof typeof words | readonly Check[];
}

const checks = Object.entries(lines).map(([field, shape]) => ({ field, fields: checksOf(shape) }));

function checksOf(shape: Shape): readonly Check[] {
  return Object.entries(shape).map(([field, inner]: [string, Shape]) => ({
    name: field.replace('?', ''),
    optional: field.endsWith('?'),
    shape: typeof inner === 'string' ? inner : checksOf(inner),
  }));
}

/** What is wrong with it; undefined: nothing. A line that says none of these things is of a later version, and is right. */
export function problemOf(line: unknown): string | undefined {
  if (!isObject(line)) return 'an object was expected';
  for (const { field, fields } of checks) if (line[field] !== undefined) return problem(line, fields, '');
  return undefined;
}

function problem(
  of: Readonly<Record<string, unknown>>,
  fields: readonly Check[],
  path: string,
): string | undefined {
  for (const { name, optional, shape } of fields) {
    const value = of[name];
    if (value === undefined) {
      if (optional) continue;
      return `${path}${name} is missing`;
    }
    if (typeof shape === 'string') {
      if (!fits(value, shape)) return `${path}${name} is not ${words[shape]}`;
    } else {
      if (!isObject(value)) return `${path}${name} is not an object`;
      const found = problem(value, shape, `${path}${name}.`);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

const words = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  list: 'a list of objects',
  texts: 'a set of texts by name',
  template: 'a pod template',
  true: 'true',
} as const;

function fits(value: unknown, shape: keyof typeof words): boolean {
  switch (shape) {
    case 'true':
      return value === true;
    case 'list':
      return Array.isArray(value) && value.every(isObject);
    case 'texts':
      return isObject(value) && Object.values(value).every((one) => typeof one === 'string');
    case 'template': {
      if (!isObject(value) || !isObject(value['spec'])) return false;
      const metadata = value['metadata'];
      return (metadata === undefined || isObject(metadata)) && fits(value['spec']['containers'], 'list');
    }
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    default:
      return typeof value === shape;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
