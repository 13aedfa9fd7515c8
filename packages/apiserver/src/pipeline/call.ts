/** One request on its way: what the steps before have found out about it, for the steps after. */
import type { ApiRequest, Kind, Subresource, UserInfo } from '@coracle/machinery';
import type { Allocators, Lookup, RequestAttributes, Strategy, StrategyContext } from '../contracts.ts';
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
class CallContext implements StrategyContext {
  readonly lookup: Lookup;
  readonly user: UserInfo;
  readonly dryRun: boolean;
  readonly subresource: string;
  readonly #server: ServerContext;
  readonly #from: { readonly allocate: Allocators };
  #now: Date | undefined;

  constructor(call: Call, dryRun: boolean, from: { readonly allocate: Allocators }) {
    this.lookup = call.ctx.lookup;
    this.user = call.user;
    this.#from = from;
    this.dryRun = dryRun;
    this.subresource = call.attributes.subresource;
    this.#server = call.ctx;
  }
  get allocate(): Allocators {
    return this.#from.allocate;
  }
  get now(): Date {
    return (this.#now ??= this.#server.now());
  }
}

/** `from`: where the strategy's allocators come from, if not from the server. */
export const strategyContext = (
  call: Call,
  dryRun: boolean,
  from: { readonly allocate: Allocators } = call.ctx,
): StrategyContext => new CallContext(call, dryRun, from);
