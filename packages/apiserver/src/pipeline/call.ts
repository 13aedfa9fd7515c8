/** One request on its way: what the steps before have found out about it, for the steps after. */
import type { ApiRequest, Kind, Subresource, UserInfo } from '@coracle/machinery';
import type { Allocators, RequestAttributes, Strategy, StrategyContext } from '../contracts.ts';
import type { ServerContext } from '../context.ts';
import type { OutputForm } from './negotiate.ts';

export interface Call {
  readonly ctx: ServerContext;
  readonly request: ApiRequest;
  readonly user: UserInfo;
  readonly attributes: RequestAttributes;
  readonly kind: Kind;
  readonly strategy: Strategy;
  /** Set when the path names a subresource. */
  readonly subresource: Subresource | undefined;
  /** Path below the subresource (`nodes/N/proxy/stats/summary` has `stats/summary`). */
  readonly rest: string;
  readonly output: OutputForm;
  /** Texts for Warning headers, in order. */
  readonly warnings: string[];
}

/** What a strategy gets to know about the request it works for. The clock is asked when the strategy asks. */
export function strategyContext(
  call: Call,
  dryRun: boolean,
  allocate: Allocators = call.ctx.allocate,
): StrategyContext {
  const { ctx, user } = call;
  const { subresource } = call.attributes;
  let now: Date | undefined;
  return {
    lookup: ctx.lookup,
    get now() {
      return (now ??= ctx.now());
    },
    user,
    allocate,
    dryRun,
    subresource,
  };
}
