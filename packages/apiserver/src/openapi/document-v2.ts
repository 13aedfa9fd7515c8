/**
 * The v2 document of all kinds, put together from one of each group version: the whole takes some 300 ms of work, and others
 * get their turn after every part of it.
 */
import { type KindRegistry, openApiV2, type OpenApiInfo } from '@coracle/machinery';
import { kindsOf } from '../discovery/documents.ts';
import { pacer } from '../pipeline/pace.ts';
import { encodeDocument } from './protobuf.ts';

type Json = Record<string, unknown>;
const kindsExtension = 'x-kubernetes-group-version-kind';

const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Definitions that belong to every group version (DeleteOptions, WatchEvent) name all of them. */
function addDefinition(all: Json, name: string, definition: Json): void {
  const known = all[name] as Json | undefined;
  const more = definition[kindsExtension] as unknown[] | undefined;
  if (!known) all[name] = definition;
  else if (more && more.length > 0) {
    const before = (known[kindsExtension] ?? []) as unknown[];
    const seen = new Set(before.map((kind) => JSON.stringify(kind)));
    const added = more.filter((kind) => !seen.has(JSON.stringify(kind)));
    if (added.length > 0) all[name] = { ...known, [kindsExtension]: [...before, ...added] };
  }
}

async function wholeDocument(registry: KindRegistry, info: OpenApiInfo): Promise<Json> {
  const definitions: Json = {};
  const paths: Json = {};
  let shell: Json = {};
  for (const { group, versions } of registry.groups())
    for (const version of versions) {
      const kinds = kindsOf(registry, group, version);
      for (let at = 0; at < kinds.length; at += 8) {
        shell = openApiV2(kinds.slice(at, at + 8), info);
        for (const [name, value] of Object.entries(shell['definitions'] as Json))
          addDefinition(definitions, name, value as Json);
        Object.assign(paths, shell['paths']);
        await breathe();
      }
    }
  return { ...shell, paths: sorted(paths), definitions: sorted(definitions) };
}

function sorted(map: Json): Json {
  return Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** JSON text of a map, entry by entry. */
async function encodeMap(map: Json): Promise<string> {
  const pace = pacer();
  const parts: string[] = [];
  for (const [name, value] of Object.entries(map)) {
    parts.push(`${JSON.stringify(name)}:${JSON.stringify(value)}`);
    const turn = pace();
    if (turn) await turn;
  }
  return `{${parts.join(',')}}`;
}

/** The document's bytes, as JSON or in gnostic's protobuf form. */
export async function documentV2(
  registry: KindRegistry,
  info: OpenApiInfo,
  form: 'json' | 'protobuf',
): Promise<Uint8Array> {
  const document = await wholeDocument(registry, info);
  if (form === 'protobuf') return encodeDocument(document, pacer());
  const { paths, definitions, ...rest } = document;
  const head = JSON.stringify(rest).slice(0, -1);
  const text = `${head},"paths":${await encodeMap(paths as Json)},"definitions":${await encodeMap(definitions as Json)}}`;
  return new TextEncoder().encode(text);
}
