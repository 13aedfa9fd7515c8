/** nodes/proxy: the one document of a node agent that clients read through the server (`stats/summary`). */
import { ApiError, type ApiResponse, errors } from '@coracle/machinery';
import type { Call } from '../pipeline/call.ts';
import { respondText, respondValue } from '../pipeline/respond.ts';

/** Throws NotFound for a node or document there is not, ServiceUnavailable when the agent cannot be reached. */
export async function nodeProxy(call: Call): Promise<ApiResponse> {
  const { ctx, attributes, rest, kind, request } = call;
  if (!ctx.lookup.get('', 'nodes', '', attributes.name)) throw errors.notFound(kind, attributes.name);
  const agent = ctx.nodes?.connect(attributes.name);
  if (!agent)
    throw new ApiError('ServiceUnavailable', `the node ${JSON.stringify(attributes.name)} cannot be reached`);
  if (rest === 'healthz') return respondText(request, 200, 'ok');
  if (rest !== 'stats/summary')
    throw new ApiError('NotFound', 'the server could not find the requested resource', {});
  return respondValue(request.want, { ...call.output, as: 'object' }, 200, await agent.stats());
}
