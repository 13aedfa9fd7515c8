/** Whole OpenAPI documents. They are made when asked for (some 10 ms for a large group): keep them by registry generation. */
import type { Kind } from '../kind.ts';
import { Definitions, groupVersions, type GroupVersionKind, type OpenApiSchema } from './definitions.ts';
import { Paths } from './paths.ts';

export interface OpenApiInfo {
  title: string;
  /** Version of the server, `v1.36.0`. */
  version: string;
}

const security = { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } };

/**
 * The OpenAPI v3 document of one group version (`/openapi/v3/apis/apps/v1`), given its kinds: schemas, and paths with
 * the parameters (dryRun, fieldValidation) and kinds that kubectl looks up.
 */
export function openApiV3(kinds: readonly Kind[], info: OpenApiInfo): OpenApiSchema {
  const definitions = new Definitions('v3', groupVersions(kinds));
  const paths = new Paths('v3', definitions);
  for (const kind of kinds) paths.addKind(kind);
  return {
    openapi: '3.0.0',
    info: { title: info.title, version: info.version },
    paths: paths.all,
    components: { schemas: sorted(definitions.all), securitySchemes: security },
  };
}

/** The OpenAPI v2 document (`/openapi/v2`) of all kinds. */
export function openApiV2(kinds: readonly Kind[], info: OpenApiInfo): OpenApiSchema {
  const everywhere: GroupVersionKind[] = groupVersions(kinds);
  const definitions = new Definitions('v2', everywhere);
  const paths = new Paths('v2', definitions);
  for (const kind of kinds) paths.addKind(kind);
  return {
    swagger: '2.0',
    info: { title: info.title, version: info.version },
    paths: paths.all,
    definitions: sorted(definitions.all),
    securityDefinitions: security,
    security: [{ BearerToken: [] }],
  };
}

const sorted = (all: Record<string, OpenApiSchema>): Record<string, OpenApiSchema> =>
  Object.fromEntries(Object.entries(all).toSorted(([a], [b]) => (a < b ? -1 : 1)));
