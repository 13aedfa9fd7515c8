/** Paths that are not resources: discovery, OpenAPI, version, health, metrics. */
import { type ApiRequest, type ApiResponse, ApiError } from '@coracle/machinery';
import type { ServerContext } from '../context.ts';
import { openApiRoute } from '../openapi/routes.ts';
import { negotiate } from '../pipeline/negotiate.ts';
import { respondText, respondValue } from '../pipeline/respond.ts';
import { aggregated, wantsAggregated } from './aggregated.ts';
import { healthRoute } from './health.ts';
import { groupDocument, groupList, resourceList, rootPaths, versions } from './documents.ts';

function notFound(): ApiError {
  return new ApiError('NotFound', 'the server could not find the requested resource', {});
}

/** The document at a path, if there is one. */
function document(ctx: ServerContext, parts: readonly string[]): unknown {
  const [root, group, version] = parts;
  const own = ctx.documents.get(`/${parts.join('/')}`);
  if (own) return own();
  if (parts.length === 0) return rootPaths(ctx);
  if (root === 'version' && parts.length === 1) return ctx.version;
  if (root === 'api') {
    if (parts.length === 1) return versions();
    return parts.length === 2 && group !== undefined ? resourceList(ctx.registry, '', group) : undefined;
  }
  if (root === 'apis') {
    if (parts.length === 1) return groupList(ctx.registry);
    if (parts.length === 2 && group !== undefined) return groupDocument(ctx.registry, group);
    return parts.length === 3 && group !== undefined && version !== undefined && group !== ''
      ? resourceList(ctx.registry, group, version)
      : undefined;
  }
  return undefined;
}

/** Throws NotFound for other paths, MethodNotAllowed for other methods. */
export async function nonResource(ctx: ServerContext, request: ApiRequest): Promise<ApiResponse> {
  const parts = request.path.split('/').filter((part) => part !== '');
  const [root = ''] = parts;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    if (document(ctx, parts) === undefined) throw notFound();
    throw new ApiError(
      'MethodNotAllowed',
      'the server does not allow this method on the requested resource',
      {},
    );
  }
  if (root === 'healthz' || root === 'livez' || root === 'readyz') return healthRoute(ctx, request, parts);
  if (root === 'metrics' && parts.length === 1)
    return respondText(request, 200, ctx.metrics.text(ctx.store), 'text/plain; version=0.0.4; charset=utf-8');
  if (root === 'openapi') {
    const response = await openApiRoute(ctx, request, parts);
    if (!response) throw notFound();
    return response;
  }
  if (parts.length === 1 && (root === 'api' || root === 'apis')) {
    const form = wantsAggregated(request.headers['accept']);
    if (form) return aggregated(ctx, request, root, form);
  }
  const found = document(ctx, parts);
  if (found === undefined) throw notFound();
  return respondValue(request.want, negotiate(request.headers['accept'], request.query, false), 200, found);
}
