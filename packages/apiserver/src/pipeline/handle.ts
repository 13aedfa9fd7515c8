/**
 * The pipeline's spine. One request goes through these steps in this order, and nothing goes round them:
 * authenticate -> authorize -> route -> (decode -> admission -> default -> validate -> store, in the verb) -> respond.
 * Whatever a step throws becomes a Status; what is not an ApiError is a bug, told to the log, and the server goes on.
 */
import {
  ApiError,
  type ApiHandler,
  type ApiRequest,
  type ApiResponse,
  errors,
  type UserInfo,
} from '@coracle/machinery';
import { forbidden, impersonated } from '../auth/index.ts';
import type { ServerContext } from '../context.ts';
import { nonResource } from '../discovery/routes.ts';
import { negotiate } from './negotiate.ts';
import { type ParsedPath, parsePath } from './path.ts';
import { isProtobufBody, readProtobufBody } from './protobuf-body.ts';
import { respondValue, statusOf } from './respond.ts';
import { dispatch, route } from './route.ts';
import { createTurns } from './turns.ts';

const known = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Who asks: by credentials, then by `Impersonate-*` if they may. Throws Unauthorized or Forbidden. */
export async function authenticate(ctx: ServerContext, request: ApiRequest): Promise<UserInfo> {
  const { authenticator } = ctx;
  const user = authenticator.identify
    ? authenticator.identify(request)
    : await authenticator.authenticate(request);
  return acting(ctx, request, user);
}

function acting(ctx: ServerContext, request: ApiRequest, user: UserInfo | undefined): UserInfo {
  if (!user) throw errors.unauthorized();
  return impersonated(user, request.headers, ctx.authorizer);
}

/** Throws Forbidden. */
export function authorize(ctx: ServerContext, { attributes }: ParsedPath): void {
  const { allowed, reason } = ctx.authorizer.authorize(attributes);
  if (!allowed) throw forbidden(attributes, reason);
}

/** At once where no step has to wait: most reads, from memory, need no promise. */
function answer(
  ctx: ServerContext,
  request: ApiRequest,
  seen: { parsed?: ParsedPath },
): ApiResponse | Promise<ApiResponse> {
  if (!known.has(request.method))
    throw new ApiError('MethodNotAllowed', `the server does not know the method ${request.method}`);
  if (ctx.closing.aborted) throw new ApiError('ServiceUnavailable', 'the server is shutting down');
  const { authenticator } = ctx;
  if (!authenticator.identify)
    return authenticate(ctx, request).then((user) => answerTo(ctx, request, user, seen));
  return answerTo(ctx, request, acting(ctx, request, authenticator.identify(request)), seen);
}

function answerTo(
  ctx: ServerContext,
  request: ApiRequest,
  user: UserInfo,
  seen: { parsed?: ParsedPath },
): ApiResponse | Promise<ApiResponse> {
  const parsed = parsePath(request, user);
  seen.parsed = parsed;
  authorize(ctx, parsed);
  if (!parsed.attributes.isResource) return nonResource(ctx, request);
  if (isProtobufBody(request))
    return readProtobufBody(request).then((read) => dispatch(route(ctx, read, user, parsed)));
  return dispatch(route(ctx, request, user, parsed));
}

/** The Status of an error as an answer, in JSON or YAML as far as the caller can be understood. */
function respondError(request: ApiRequest, error: unknown): ApiResponse {
  const status = statusOf(error);
  const code = status.code ?? 500;
  let form;
  try {
    form = { ...negotiate(request.headers['accept'], request.query), as: 'object' as const };
  } catch {
    form = { media: 'json' as const, as: 'object' as const, version: 'v1' as const, pretty: false };
  }
  const response = respondValue(request.want, form, code, status);
  const retry = status.details?.retryAfterSeconds;
  if (response.kind === 'object' && retry !== undefined) response.headers['retry-after'] = String(retry);
  return response;
}

/** The API server as a function. Never rejects. */
export function createHandler(ctx: ServerContext): ApiHandler {
  const turns = createTurns();
  return async (request) => {
    let started = performance.now();
    const turn = turns.enter(started);
    if (turn) {
      await turn;
      started = performance.now();
    }
    const seen: { parsed?: ParsedPath } = {};
    let response: ApiResponse;
    try {
      const answering = answer(ctx, request, seen);
      response = answering instanceof Promise ? await answering : answering;
    } catch (error) {
      // What a store that closes refuses is no bug.
      if (!(error instanceof ApiError) && !request.signal.aborted && !ctx.closing.aborted)
        ctx.logger.error('request failed', { method: request.method, path: request.path, error });
      response = respondError(request, error);
    }
    const code = response.kind === 'upgrade' ? 101 : response.code;
    ctx.metrics.request(seen.parsed?.attributes, request.method, code, performance.now() - started);
    return response;
  };
}
