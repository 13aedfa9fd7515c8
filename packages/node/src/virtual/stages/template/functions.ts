/**
 * What templates may call: text/template's own, those kwok adds, and of sprig those that are about values and texts. An argument list
 * is as in Go: a piped value comes last.
 */
import { formatTime } from '@coracle/machinery';
import { formatted } from './printf.ts';
import { TemplateError } from './template-error.ts';
import { absent, before, indexed, isObject, numberOf, print, same, truth } from './values.ts';
import { yamlText } from './yaml-text.ts';

/** What a template learns of its surroundings. */
export interface Surroundings {
  /** Milliseconds since 1970. */
  now: number;
  startedAt: number;
  random: () => number;
  nodeName: string;
  /** The port kubelets are said to listen on; 0: none. */
  nodePort: number;
  nodeIP(nodeName: string): string;
  /** Of the object the template is about. */
  podIP(): string;
}

export interface TemplateFunction {
  least: number;
  /** Absent: any number. */
  most?: number;
  run(args: readonly unknown[], about: Surroundings): unknown;
}

const of = (least: number, most: number | undefined, run: TemplateFunction['run']): TemplateFunction => ({
  least,
  ...(most === undefined ? {} : { most }),
  run,
});
const text = (value: unknown): string => (absent(value) ? '' : print(value));
const textual = (run: (value: string) => unknown): TemplateFunction => of(1, 1, ([a]) => run(text(a)));
const textual2 = (run: (a: string, b: string) => unknown): TemplateFunction =>
  of(2, 2, ([a, b]) => run(text(a), text(b)));
const sum = (run: (a: number, b: number) => number): TemplateFunction =>
  of(2, undefined, (args) => args.map(numberOf).reduce(run));
const hostOr = (own: string, hostNetwork: unknown, node: unknown, about: Surroundings): string =>
  truth(hostNetwork) ? about.nodeIP(text(node)) : own;
const quote = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value) : JSON.stringify(JSON.stringify(value ?? null));
const present = (value: string): string[] => (value === '' ? [] : [value]);
const lines = (prefix: string, value: string): string => prefix + value.replaceAll('\n', `\n${prefix}`);

const nodeConditions = [
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['NetworkUnavailable', 'False', 'RouteCreated', 'RouteController created a route'],
].map(([type, status, reason, message]) => ({ type, status, reason, message }));

export const functions: Readonly<Record<string, TemplateFunction>> = {
  // text/template
  and: of(1, undefined, (args) => args.find((value) => !truth(value)) ?? args.at(-1)),
  or: of(1, undefined, (args) => args.find(truth) ?? args.at(-1)),
  not: of(1, 1, ([value]) => !truth(value)),
  eq: of(2, undefined, ([first, ...rest]) => rest.some((each) => same(first, each))),
  ne: of(2, 2, ([a, b]) => !same(a, b)),
  lt: of(2, 2, ([a, b]) => before(a, b)),
  le: of(2, 2, ([a, b]) => !before(b, a)),
  gt: of(2, 2, ([a, b]) => before(b, a)),
  ge: of(2, 2, ([a, b]) => !before(a, b)),
  index: of(1, undefined, ([value, ...keys]) => indexed(value, keys)),
  len: of(1, 1, ([value]) => {
    if (typeof value === 'string') return Buffer.byteLength(value);
    if (Array.isArray(value)) return value.length;
    if (isObject(value)) return Object.keys(value).length;
    throw new TemplateError(`len of ${print(value)}`);
  }),
  print: of(0, undefined, (args) =>
    args
      .map((value, i) => {
        const spaced = i > 0 && typeof value !== 'string' && typeof args[i - 1] !== 'string';
        return (spaced ? ' ' : '') + print(value, true);
      })
      .join(''),
  ),
  println: of(0, undefined, (args) => `${args.map((value) => print(value, true)).join(' ')}\n`),
  printf: of(1, undefined, ([format, ...args]) => formatted(text(format), args)),
  // kwok
  Quote: of(1, 1, ([value]) => quote(value)),
  Now: of(0, 0, (_, about) => formatTime(about.now)),
  StartTime: of(0, 0, (_, about) => formatTime(about.startedAt)),
  YAML: of(1, 2, ([value, indent]) => {
    const depth = numberOf(indent);
    const found = yamlText(value);
    return depth > 0 ? `\n${lines('  '.repeat(depth), found)}` : found;
  }),
  Version: of(0, 0, () => 'coracle'),
  NodeConditions: of(0, 0, () => nodeConditions),
  NodeName: of(0, 0, (_, about) => about.nodeName),
  NodePort: of(0, 0, (_, about) => about.nodePort),
  NodeIP: of(0, 0, (_, about) => about.nodeIP(about.nodeName)),
  NodeIPs: of(0, 0, (_, about) => present(about.nodeIP(about.nodeName))),
  PodIP: of(0, 0, (_, about) => about.podIP()),
  NodeIPWith: of(1, 1, ([node], about) => about.nodeIP(text(node))),
  NodeIPsWith: of(1, 1, ([node], about) => present(about.nodeIP(text(node)))),
  PodIPWith: of(5, 5, ([node, host], about) => hostOr(about.podIP(), host, node, about)),
  PodIPsWith: of(5, 5, ([node, host], about) => present(hostOr(about.podIP(), host, node, about))),
  // sprig
  dict: of(0, undefined, (args) => {
    const made: Record<string, unknown> = {};
    for (let i = 0; i < args.length; i += 2) made[text(args[i])] = args[i + 1] ?? '';
    return made;
  }),
  list: of(0, undefined, (args) => [...args]),
  get: of(2, 2, ([map, key]) => (isObject(map) ? (map[text(key)] ?? '') : '')),
  hasKey: of(2, 2, ([map, key]) => isObject(map) && Object.hasOwn(map, text(key))),
  keys: of(1, 1, ([map]) => (isObject(map) ? Object.keys(map).toSorted() : [])),
  default: of(2, 2, ([other, value]) => (truth(value) ? value : other)),
  empty: of(1, 1, ([value]) => !truth(value)),
  coalesce: of(0, undefined, (args) => args.find(truth)),
  ternary: of(3, 3, ([yes, no, test]) => (test === true ? yes : no)),
  quote: of(0, undefined, (args) =>
    args
      .filter((value) => !absent(value))
      .map((value) => JSON.stringify(print(value)))
      .join(' '),
  ),
  squote: of(0, undefined, (args) =>
    args
      .filter((value) => !absent(value))
      .map((value) => `'${print(value)}'`)
      .join(' '),
  ),
  upper: textual((value) => value.toUpperCase()),
  lower: textual((value) => value.toLowerCase()),
  trim: textual((value) => value.trim()),
  toString: textual((value) => value),
  trimPrefix: textual2((prefix, value) => (value.startsWith(prefix) ? value.slice(prefix.length) : value)),
  trimSuffix: textual2((suffix, value) =>
    suffix !== '' && value.endsWith(suffix) ? value.slice(0, -suffix.length) : value,
  ),
  contains: textual2((part, value) => value.includes(part)),
  hasPrefix: textual2((prefix, value) => value.startsWith(prefix)),
  hasSuffix: textual2((suffix, value) => value.endsWith(suffix)),
  splitList: textual2((separator, value) => value.split(separator)),
  replace: of(3, 3, ([from, to, value]) => text(value).replaceAll(text(from), () => text(to))),
  join: of(2, 2, ([separator, value]) =>
    (Array.isArray(value) ? value : [value]).map((each) => text(each)).join(text(separator)),
  ),
  indent: of(2, 2, ([spaces, value]) => lines(' '.repeat(numberOf(spaces)), text(value))),
  nindent: of(2, 2, ([spaces, value]) => `\n${lines(' '.repeat(numberOf(spaces)), text(value))}`),
  toJson: of(1, 1, ([value]) => JSON.stringify(value ?? null)),
  first: of(1, 1, ([value]) => (Array.isArray(value) ? value[0] : undefined)),
  last: of(1, 1, ([value]) => (Array.isArray(value) ? value.at(-1) : undefined)),
  until: of(1, 1, ([count]) => Array.from({ length: Math.min(10_000, numberOf(count)) }, (_, i) => i)),
  int: of(1, 1, ([value]) => Math.trunc(numberOf(value))),
  int64: of(1, 1, ([value]) => Math.trunc(numberOf(value))),
  add: sum((a, b) => a + b),
  sub: of(2, 2, ([a, b]) => numberOf(a) - numberOf(b)),
  mul: sum((a, b) => a * b),
  div: of(2, 2, ([a, b]) => divided(numberOf(a), numberOf(b), Math.trunc(numberOf(a) / numberOf(b)))),
  mod: of(2, 2, ([a, b]) => divided(numberOf(a), numberOf(b), numberOf(a) % numberOf(b))),
  max: sum((a, b) => Math.max(a, b)),
  min: sum((a, b) => Math.min(a, b)),
  randInt: of(2, 2, ([least, end], about) => {
    const [low, high] = [numberOf(least), numberOf(end)];
    return low + Math.floor(about.random() * Math.max(0, high - low));
  }),
};

function divided(a: number, b: number, value: number): number {
  if (b === 0) throw new TemplateError(`${a} divided by zero`);
  return value;
}

/** What is wrong with so many arguments; undefined: nothing. */
export function wantedArguments(name: string, count: number): string | undefined {
  const wanted = functions[name];
  if (wanted === undefined) return undefined;
  const { least, most } = wanted;
  if (count >= least && (most === undefined || count <= most)) return undefined;
  const range =
    most === undefined ? `at least ${least}` : least === most ? `${least}` : `${least} to ${most}`;
  return `${name} takes ${range} argument${range === '1' || range === 'at least 1' ? '' : 's'}, not ${count}`;
}
