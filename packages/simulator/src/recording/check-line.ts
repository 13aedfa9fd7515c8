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
    },
  },
  podGone: { t: 'number', podGone: 'string' },
  listed: { t: 'number', listed: 'true' },
  note: { t: 'number', note: 'string' },
  end: { t: 'number', end: 'true' },
};

/** What is wrong with it; undefined: nothing. A line that says none of these things is of a later version, and is right. */
export function problemOf(line: unknown): string | undefined {
  if (!isObject(line)) return 'an object was expected';
  for (const [field, shape] of Object.entries(lines))
    if (Object.hasOwn(line, field)) return problem(line, shape, '');
  return undefined;
}

function problem(value: unknown, shape: Shape, path: string): string | undefined {
  if (typeof shape === 'string') return fits(value, shape) ? undefined : `${path} is not ${words[shape]}`;
  if (!isObject(value)) return `${path} is not an object`;
  for (const [field, inner] of Object.entries(shape)) {
    const optional = field.endsWith('?');
    const name = optional ? field.slice(0, -1) : field;
    if (!Object.hasOwn(value, name)) {
      if (!optional) return `${path === '' ? '' : `${path}.`}${name} is missing`;
      continue;
    }
    const found = problem(value[name], inner, path === '' ? name : `${path}.${name}`);
    if (found !== undefined) return found;
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
