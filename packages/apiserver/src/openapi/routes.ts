/** OpenAPI documents: `/openapi/v2`, `/openapi/v3` (an index with hashes) and one v3 document a group version. */
import { createHash } from 'node:crypto';
import {
  type ApiRequest,
  type ApiResponse,
  type Kind,
  type KindRegistry,
  openApiV3,
} from '@coracle/machinery';
import type { ServerContext } from '../context.ts';
import { kindsOf } from '../discovery/documents.ts';
import { documentV2 } from './document-v2.ts';

/** What clients ask for; an @ may not stand in a media type, and Go refuses to read it in an answer. */
const protobufAsked = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
const protobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf';

interface Cached {
  bytes: Uint8Array;
  etag: string;
}
interface Documents {
  generation: number;
  byKey: Map<string, Promise<Cached>>;
}
const cache = new WeakMap<KindRegistry, Documents>();

/** A document made once a generation of the registry, whoever asks for it meanwhile. */
function cached(
  registry: KindRegistry,
  key: string,
  make: () => Uint8Array | Promise<Uint8Array>,
): Promise<Cached> {
  let documents = cache.get(registry);
  if (documents?.generation !== registry.generation)
    cache.set(registry, (documents = { generation: registry.generation, byKey: new Map() }));
  let entry = documents.byKey.get(key);
  if (!entry) {
    entry = (async () => {
      const bytes = await make();
      return { bytes, etag: `"${createHash('sha256').update(bytes).digest('hex').toUpperCase()}"` };
    })();
    documents.byKey.set(key, entry);
  }
  return entry;
}

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const infoOf = (ctx: ServerContext): { title: string; version: string } => ({
  title: 'Kubernetes',
  version: ctx.version.gitVersion,
});

/** `api/v1`, `apis/batch/v1`. */
const pathOf = (group: string, version: string): string =>
  group === '' ? `api/${version}` : `apis/${group}/${version}`;

const kindHashes = new WeakMap<Kind, string>();
/** Of a definition's schema; built-in kinds only change with the server's version. */
function kindHash(kind: Kind): string {
  if (kind.builtin) return kind.kind;
  let hash = kindHashes.get(kind);
  if (hash === undefined) {
    const { schema: _schema, ...rest } = kind;
    hash = createHash('sha256')
      .update(JSON.stringify([rest, kind.schema]))
      .digest('hex');
    kindHashes.set(kind, hash);
  }
  return hash;
}

/** Changes whenever the group version's document does: clients keep documents by it. */
function versionHash(ctx: ServerContext, group: string, version: string): string {
  const hash = createHash('sha512').update(ctx.version.gitVersion);
  for (const kind of kindsOf(ctx.registry, group, version)) hash.update(kindHash(kind));
  return hash.digest('hex').slice(0, 64).toUpperCase();
}

function index(ctx: ServerContext): Uint8Array {
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const { group, versions } of ctx.registry.groups())
    for (const version of versions) {
      const path = pathOf(group, version);
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${versionHash(ctx, group, version)}` };
    }
  return encode({ paths });
}

function answer(request: ApiRequest, { bytes, etag }: Cached, headers: Record<string, string>): ApiResponse {
  const all = { etag, vary: 'Accept', ...headers };
  if (request.headers['if-none-match'] === etag)
    return { kind: 'object', code: 304, headers: all, chunks: [] };
  if (request.want === 'values')
    return { kind: 'object', code: 200, headers: all, value: JSON.parse(new TextDecoder().decode(bytes)) };
  return { kind: 'object', code: 200, headers: all, chunks: [bytes] };
}

/** Undefined for a path that is no document. */
export async function openApiRoute(
  ctx: ServerContext,
  request: ApiRequest,
  parts: readonly string[],
): Promise<ApiResponse | undefined> {
  const { registry } = ctx;
  const json = { 'content-type': 'application/json' };
  if (parts[1] === 'v2' && parts.length === 2) {
    // Clients of Go ask for protobuf alone, or first.
    const accept = (request.headers['accept'] ?? '').trim();
    const wantsProtobuf = accept.startsWith(protobufAsked) || accept.startsWith(protobufType);
    const form = request.want === 'bytes' && wantsProtobuf ? 'protobuf' : 'json';
    const made = await cached(registry, `v2 ${form}`, () => documentV2(registry, infoOf(ctx), form));
    return answer(request, made, form === 'protobuf' ? { 'content-type': protobufType } : json);
  }
  if (parts[1] !== 'v3') return undefined;
  if (parts.length === 2) return answer(request, await cached(registry, 'v3', () => index(ctx)), json);
  const [root, first = '', second = ''] = parts.slice(2);
  const [group, version] = root === 'api' ? ['', first] : [first, second];
  if (parts.length !== (root === 'api' ? 4 : 5) || (root !== 'api' && root !== 'apis')) return undefined;
  const kinds = kindsOf(registry, group, version);
  if (kinds.length === 0) return undefined;
  const made = await cached(registry, pathOf(group, version), () => encode(openApiV3(kinds, infoOf(ctx))));
  const hashed = request.query.get('hash') === versionHash(ctx, group, version);
  const caching = hashed ? 'public, immutable, max-age=31536000' : 'no-cache, private';
  return answer(request, made, { ...json, 'cache-control': caching });
}
