/** Reads Kubernetes objects from YAML or JSON files, folders and standard input, and says exactly where one is wrong. */
import type { Unstructured } from '@coracle/machinery';
import { loadAll, YAMLException } from 'js-yaml';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import { CliError } from './context.ts';

export interface Manifest {
  object: Unstructured;
  /** `train.yaml`, `train.yaml, document 2`, for messages. */
  source: string;
  /** Absolute folder of the file; the current one for standard input. */
  directory: string;
}
export interface ManifestSource {
  cwd: string;
  stdin: Readable;
}

const extensions = new Set(['.yaml', '.yml', '.json']);
const largest = 16 * 1024 * 1024;

/**
 * All objects of the files named: a folder means its .yaml, .yml and .json files, `-` standard input; a `List` is taken apart.
 * Throws CliError with file, document and line.
 */
export async function readManifests(
  paths: readonly string[],
  from: ManifestSource,
  options: { recursive?: boolean } = {},
): Promise<Manifest[]> {
  const found: Manifest[] = [];
  for (const path of paths) {
    if (path === '-') {
      found.push(...parseManifests(await readAll(from.stdin), 'standard input', from.cwd));
      continue;
    }
    const absolute = resolve(from.cwd, path);
    const info = await stat(absolute).catch((cause: NodeJS.ErrnoException) => {
      throw new CliError(
        cause.code === 'ENOENT' ? `there is no file ${path}` : `cannot read ${path}: ${cause.message}`,
        { cause },
      );
    });
    if (info.isDirectory()) {
      const names = (await readdir(absolute, { recursive: options.recursive ?? false }))
        .filter((name) => extensions.has(extname(name)))
        .toSorted();
      if (names.length === 0) throw new CliError(`${path} holds no .yaml, .yml or .json file`);
      for (const name of names) found.push(...(await readOne(join(absolute, name), join(path, name))));
    } else {
      if (info.size > largest) throw new CliError(`${path} has more than 16 MiB: not a manifest`);
      found.push(...(await readOne(absolute, path)));
    }
  }
  return found;
}

async function readOne(absolute: string, shown: string): Promise<Manifest[]> {
  return parseManifests(await readFile(absolute, 'utf8'), shown, dirname(absolute));
}

/** The objects in one text. */
export function parseManifests(text: string, source: string, directory: string): Manifest[] {
  let documents: unknown[];
  try {
    documents = loadAll(text, { filename: source }) as unknown[];
  } catch (cause) {
    if (cause instanceof YAMLException) {
      const line = cause.mark ? `, line ${cause.mark.line + 1}` : '';
      throw new CliError(`${source}${line}: not valid YAML: ${cause.reason}`, { cause });
    }
    throw cause;
  }
  const found: Manifest[] = [];
  const many = documents.length > 1;
  for (const [i, document] of documents.entries()) {
    if (document === null || document === undefined) continue;
    const where = many ? `${source}, document ${i + 1}` : source;
    for (const object of flatten(document, where)) found.push({ object, source: where, directory });
  }
  return found;
}

function* flatten(document: unknown, where: string): Iterable<Unstructured> {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    throw new CliError(`${where}: an object is needed (apiVersion, kind, metadata, ...)`);
  }
  const object = document as Partial<Unstructured>;
  for (const field of ['apiVersion', 'kind'] as const) {
    if (typeof object[field] !== 'string' || object[field] === '') {
      throw new CliError(`${where}: ${field} is missing`);
    }
  }
  if (object.kind === 'List' || (object.kind?.endsWith('List') && Array.isArray(object['items']))) {
    for (const item of (object['items'] as unknown[] | undefined) ?? []) yield* flatten(item, where);
    return;
  }
  if (typeof object.metadata !== 'object' || object.metadata === null) {
    throw new CliError(`${where}: metadata is missing`);
  }
  if (!object.metadata.name && !object.metadata.generateName) {
    throw new CliError(`${where}: metadata.name is missing`);
  }
  yield object as Unstructured;
}
