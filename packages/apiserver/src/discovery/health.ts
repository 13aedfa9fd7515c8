/** `/healthz`, `/livez`, `/readyz`: `ok`, or what is wrong; `?verbose` lists every check, `/<check>` asks one. */
import { type ApiRequest, type ApiResponse, ApiError } from '@coracle/machinery';
import type { ServerContext } from '../context.ts';
import { respondText } from '../pipeline/respond.ts';

/** Throws NotFound for a check there is not. */
export function healthRoute(ctx: ServerContext, request: ApiRequest, parts: readonly string[]): ApiResponse {
  const [endpoint = 'healthz', single] = parts;
  const excluded = new Set(request.query.getAll('exclude'));
  const checks = [...ctx.health].filter(([name]) => single === undefined || name === single);
  if (parts.length > 2 || checks.length === 0)
    throw new ApiError('NotFound', 'the server could not find the requested resource', {});
  const lines: string[] = [];
  let failed = false;
  for (const [name, check] of checks) {
    if (excluded.has(name)) {
      lines.push(`[+]${name} excluded: ok`);
      continue;
    }
    const problem = check();
    if (problem === undefined) lines.push(`[+]${name} ok`);
    else {
      failed = true;
      lines.push(`[-]${name} failed: ${problem}`);
    }
  }
  const verbose = request.query.has('verbose');
  if (failed) return respondText(request, 500, `${lines.join('\n')}\n${endpoint} check failed\n`);
  if (!verbose) return respondText(request, 200, 'ok');
  return respondText(request, 200, `${lines.join('\n')}\n${endpoint} check passed\n`);
}
