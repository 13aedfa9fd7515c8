/**
 * `npm run imports`: the import-direction check. dependency-cruiser cannot read TypeScript 7 sources yet (it then passes over
 * everything in silence), so this reads imports by itself and fails when
 * - a file imports what a rule of import-rules.ts forbids (types too),
 * - an import of ours leads to no file, or past another package's `exports`,
 * - files import each other in a circle (type-only imports do not count),
 * - there is a package that the rules do not know.
 */
import { readdirSync, readFileSync, existsSync } from 'node:fs';
import path from 'node:path';
import { knownRooms, rules } from './import-rules.ts';

interface Edge {
  from: string;
  to: string;
  typeOnly: boolean;
}

const root = path.resolve(import.meta.dirname, '..');
const problems: string[] = [];

const skipped = new Set(['node_modules', 'dist', 'coverage', '.git', '.coracle']);
function* sources(folder: string): Iterable<string> {
  for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
    const file = path.posix.join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!skipped.has(entry.name)) yield* sources(file);
    } else if (/\.(ts|tsx|mts|mjs|js)$/.test(entry.name)) yield file;
  }
}

/**
 * Specifiers of a module's imports. Comments and template strings (generators write imports into them) are taken out first, by
 * patterns: imports stand at the top of a file, where these cannot be fooled.
 */
function imports(text: string): { specifier: string; typeOnly: boolean }[] {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/^\s*\/\/.*$/gm, '');
  const found: { specifier: string; typeOnly: boolean }[] = [];
  const plain = code.replaceAll(/`(?:[^`\\]|\\.)*`/g, '``');
  const statement = /(?:^|;)\s*(?:import|export)\s+(type\s+)?(?:[\w*{][^'"`;]*?\sfrom\s+)?['"]([^'"]+)['"]/gm;
  for (const [, type, specifier] of plain.matchAll(statement)) {
    if (specifier) found.push({ specifier, typeOnly: type !== undefined });
  }
  // A module loaded when it is needed makes no circle at load time; the direction counts all the same.
  for (const [, specifier] of code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g)) {
    if (specifier) found.push({ specifier, typeOnly: true });
  }
  return found;
}

/** Path of an import of ours, from the root; undefined for packages of others. */
function resolve(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.'))
    return path.posix.normalize(path.posix.join(path.posix.dirname(from), specifier));
  const own = /^@coracle\/([^/]+)(\/.+)?$/.exec(specifier);
  if (!own) return undefined;
  const manifest = `packages/${own[1]}/package.json`;
  if (!existsSync(path.join(root, manifest))) return manifest;
  const { exports } = JSON.parse(readFileSync(path.join(root, manifest), 'utf8')) as {
    exports: Record<string, string>;
  };
  const target = exports[`.${own[2] ?? ''}`];
  return target === undefined
    ? `${specifier} (not in the exports of ${manifest})`
    : path.posix.join(`packages/${own[1]}`, target);
}

const edges: Edge[] = [];
const folders = ['packages', 'scripts', 'examples', 'test', 'bench'].filter((name) =>
  existsSync(path.join(root, name)),
);
let files = 0;
for (const from of folders.flatMap((folder) => [...sources(folder)])) {
  files += 1;
  for (const { specifier, typeOnly } of imports(readFileSync(path.join(root, from), 'utf8'))) {
    const to = resolve(from, specifier);
    if (to === undefined) continue;
    if (!existsSync(path.join(root, to))) problems.push(`${from}: "${specifier}" leads nowhere: ${to}`);
    else edges.push({ from, to, typeOnly });
  }
}

for (const { why, from, to, unless } of rules) {
  for (const edge of edges) {
    if (from.test(edge.from) && to.test(edge.to) && !unless?.test(edge.to)) {
      problems.push(`${edge.from} imports ${edge.to}: ${why}`);
    }
  }
}
for (const name of readdirSync(path.join(root, 'packages'))) {
  if (!knownRooms.has(name)) problems.push(`packages/${name} has no line in scripts/import-rules.ts`);
}

/** Circles of value imports, each told once, from the file that sorts first. */
const graph = Map.groupBy(
  edges.filter(({ typeOnly }) => !typeOnly),
  ({ from }) => from,
);
const state = new Map<string, 'open' | 'done'>();
const trail: string[] = [];
function visit(file: string): void {
  if (state.get(file) === 'done') return;
  if (state.get(file) === 'open') {
    problems.push(`a circle of imports: ${[...trail.slice(trail.indexOf(file)), file].join(' -> ')}`);
    return;
  }
  state.set(file, 'open');
  trail.push(file);
  for (const { to } of graph.get(file) ?? []) visit(to);
  trail.pop();
  state.set(file, 'done');
}
for (const file of [...graph.keys()].toSorted()) visit(file);

if (files < 50 || edges.length < files)
  problems.push(`only ${files} files with ${edges.length} imports were found: the check is broken`);
for (const problem of problems) console.error(problem);
console.log(`${files} files, ${edges.length} imports of our own, ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
