/**
 * How names must look. Each function returns undefined for a good name, else the problem in the API server's words
 * (apimachinery util/validation), so that it can stand in a field error.
 */
const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const dns1123LabelPattern = new RegExp(`^${label}$`);
const dns1123SubdomainPattern = new RegExp(`^${label}(\\.${label})*$`);
const dns1035Pattern = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const qualifiedPattern = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValuePattern = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const cIdentifierPattern = /^[A-Za-z_][A-Za-z0-9_]*$/;
const configMapKeyPattern = /^[-._a-zA-Z0-9]+$/;

const tooLong = (max: number): string => `must be no more than ${max} bytes`;
const empty = 'must be non-empty';
function shape(message: string, pattern: string, ...examples: string[]): string {
  const quoted = examples.map((e) => `'${e}'`).join(' or ');
  return `${message} (${examples.length > 0 ? `e.g. ${quoted}, ` : ''}regex used for validation is '${pattern}')`;
}
const bytes = (text: string): number => (text.length < 16 ? text.length : Buffer.byteLength(text));

const label1123Shape = shape(
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
  '[a-z0-9]([-a-z0-9]*[a-z0-9])?',
  'my-name',
  '123-abc',
);
const subdomainShape = shape(
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
  '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*',
  'example.com',
);
const label1035Shape = shape(
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
  '[a-z]([-a-z0-9]*[a-z0-9])?',
  'my-name',
  'abc-123',
);
const qualifiedShape = shape(
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]',
  'MyName',
  'my.name',
  '123-abc',
);
const labelValueShape = shape(
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
  '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?',
  'MyValue',
  'my_value',
  '12345',
);

/**
 * Good names that were seen before, for the names of things that come up again and again: keys of labels, resources, fields.
 * Bounded, as callers send what they like.
 */
const goodNames = new Set<string>();
const remembered = 2_000;

const join = (problems: string[]): string | undefined =>
  problems.length === 0 ? undefined : problems.join('; ');
function check(text: string, max: number, pattern: RegExp, message: string): string | undefined {
  // What matches is ASCII: as many bytes as characters.
  if (text.length <= max && pattern.test(text)) return undefined;
  const problems: string[] = [];
  if (bytes(text) > max) problems.push(tooLong(max));
  if (!pattern.test(text)) problems.push(message);
  return join(problems);
}

/** Container, namespace and port names: 63 bytes, lower case letters, digits and `-`. */
export const dns1123Label = (name: string): string | undefined =>
  check(name, 63, dns1123LabelPattern, label1123Shape);
/** Names of most objects: 253 bytes, dotted DNS labels. */
export const dns1123Subdomain = (name: string): string | undefined =>
  check(name, 253, dns1123SubdomainPattern, subdomainShape);
/** Service names: a DNS label that starts with a letter. */
export const dns1035Label = (name: string): string | undefined =>
  check(name, 63, dns1035Pattern, label1035Shape);

/** Label and annotation keys, resource names, finalizers: `name` or `prefix.example/name`. */
export function qualifiedName(name: string): string | undefined {
  if (goodNames.has(name)) return undefined;
  const problem = qualifiedNameProblem(name);
  if (problem === undefined) {
    if (goodNames.size >= remembered) goodNames.clear();
    goodNames.add(name);
  }
  return problem;
}

function qualifiedNameProblem(name: string): string | undefined {
  const parts = name.split('/');
  const problems: string[] = [];
  let last = parts[0] ?? '';
  if (parts.length === 2) {
    const prefix = parts[0] ?? '';
    last = parts[1] ?? '';
    if (prefix === '') problems.push(`prefix part ${empty}`);
    else {
      if (prefix.length > 84 && bytes(prefix) > 253) problems.push(`prefix part ${tooLong(253)}`);
      if (!dns1123SubdomainPattern.test(prefix)) problems.push(`prefix part ${subdomainShape}`);
    }
  } else if (parts.length !== 1) {
    return `a qualified name ${qualifiedShape} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`;
  }
  if (last === '') problems.push(`name part ${empty}`);
  else if (last.length > 21 && bytes(last) > 63) problems.push(`name part ${tooLong(63)}`);
  if (!qualifiedPattern.test(last)) problems.push(`name part ${qualifiedShape}`);
  return join(problems);
}

/** Values of labels: up to 63 bytes, may be empty. */
export const labelValue = (value: string): string | undefined =>
  check(value, 63, labelValuePattern, labelValueShape);

/** Names that only have to fit into a path (RBAC roles and bindings): not `.`, not `..`, no `/`, no `%`. */
export function pathSegmentName(name: string): string | undefined {
  if (name === '.' || name === '..') return `may not be '${name}'`;
  const problems = ['/', '%'].filter((c) => name.includes(c)).map((c) => `may not contain '${c}'`);
  return join(problems);
}

/** Names of environment variables: any printable ASCII but `=`. */
export function envVarName(name: string): string | undefined {
  if (name.length === 0) return `environment variable name ${empty}`;
  if (/^[ -<>-~]+$/.test(name)) return undefined;
  return "a valid environment variable name must consist only of printable ASCII characters other than '='";
}

/** Names of container ports (IANA service names): up to 15, letters, digits and `-`, at least one letter. */
export function portName(name: string): string | undefined {
  const problems: string[] = [];
  if (name.length > 15) problems.push(tooLong(15));
  if (!/^[-a-z0-9]+$/.test(name)) {
    problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)');
  }
  if (!/[a-z]/.test(name)) problems.push('must contain at least one letter (a-z)');
  if (name.includes('--')) problems.push('must not contain consecutive hyphens');
  if (/^-|-$/.test(name)) problems.push('must not begin or end with a hyphen');
  return join(problems);
}

/** Numbers of ports: 1 to 65535. */
export const portNumber = (port: number): string | undefined =>
  Number.isInteger(port) && port >= 1 && port <= 65535 ? undefined : 'must be between 1 and 65535, inclusive';

export const cIdentifier = (name: string): string | undefined =>
  cIdentifierPattern.test(name)
    ? undefined
    : shape(
        "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
        '[A-Za-z_][A-Za-z0-9_]*',
        'my_name',
        'MY_NAME',
        'MyName',
      );

/** Keys of config maps and secrets: 253 bytes, file-name like. */
export function configMapKey(key: string): string | undefined {
  const problems: string[] = [];
  if (bytes(key) > 253) problems.push(tooLong(253));
  if (!configMapKeyPattern.test(key)) {
    problems.push(
      shape(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        '[-._a-zA-Z0-9]+',
        'key.name',
        'KEY_NAME',
        'key-name',
      ),
    );
  }
  if (key === '.') problems.push("must not be '.'");
  else if (key === '..') problems.push("must not be '..'");
  else if (key.startsWith('..')) problems.push("must not start with '..'");
  return join(problems);
}

/** Letters of generated suffixes: no vowels and no look-alikes, as upstream. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';
/** A name for `metadata.generateName`: the prefix (cut to 58 characters) and five random letters. `random` gives [0, 1). */
export function generateName(prefix: string, random: () => number): string {
  let suffix = '';
  for (let i = 0; i < 5; i++) suffix += alphabet[Math.floor(random() * alphabet.length)] ?? 'x';
  return prefix.slice(0, 58) + suffix;
}
