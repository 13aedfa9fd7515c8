/**
 * Dominant resource fairness (Ghodsi et al., NSDI 2011): the tenant goes next whose largest share of any resource is smallest. The
 * waiting jobs are put in the order in which progressive filling would start them if all fitted.
 */
import type { ActiveJob, OrderingContext, OrderingPolicy } from './policy.ts';

interface Tenant {
  readonly jobs: ActiveJob[];
  next: number;
  gpuMilli: number;
  cpuMilli: number;
}

export const drf: OrderingPolicy = {
  name: 'drf',
  mode: 'keep',
  backfill: 'none',
  skip: true,
  fixed: false,
  rank: ({ job }, context) => shareOf(context.held(job.tenant), context),
  rankAll,
};

function rankAll(active: readonly ActiveJob[], context: OrderingContext): Float64Array {
  const tenants = new Map<string, Tenant>();
  for (const job of active) {
    const name = job.job.tenant;
    let tenant = tenants.get(name);
    if (!tenant) tenants.set(name, (tenant = { jobs: [], next: 0, ...context.held(name) }));
    if (!job.running) tenant.jobs.push(job);
  }
  const places = new Map(active.map((job, place) => [job.index, place]));
  const ranks = new Float64Array(active.length).fill(-1);
  const heap = new ShareHeap(context);
  for (const tenant of tenants.values()) if (tenant.jobs.length > 0) heap.push(tenant);
  for (let rank = 0; ; rank++) {
    const tenant = heap.pop();
    if (!tenant) return ranks;
    const job = tenant.jobs[tenant.next++]!;
    ranks[places.get(job.index)!] = rank;
    tenant.gpuMilli += job.gpuMilli;
    tenant.cpuMilli += job.cpuMilli;
    if (tenant.next < tenant.jobs.length) heap.push(tenant);
  }
}

function shareOf(
  { gpuMilli, cpuMilli }: { readonly gpuMilli: number; readonly cpuMilli: number },
  { gpuMilliUp, cpuMilliUp }: OrderingContext,
): number {
  return Math.max(gpuMilliUp > 0 ? gpuMilli / gpuMilliUp : 0, cpuMilliUp > 0 ? cpuMilli / cpuMilliUp : 0);
}

/** Tenants by share, then by their next job's submission. */
class ShareHeap {
  readonly #context: OrderingContext;
  readonly #entries: { readonly share: number; readonly first: number; readonly tenant: Tenant }[] = [];

  constructor(context: OrderingContext) {
    this.#context = context;
  }

  push(tenant: Tenant): void {
    const share = shareOf(tenant, this.#context);
    const first = tenant.jobs[tenant.next]!.index;
    this.#entries.push({ share, first, tenant });
    let at = this.#entries.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): Tenant | undefined {
    const top = this.#entries[0];
    const last = this.#entries.pop();
    if (!top || !last) return undefined;
    if (this.#entries.length === 0) return top.tenant;
    this.#entries[0] = last;
    for (let at = 0; ;) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < this.#entries.length && this.#before(child, least)) least = child;
      if (least === at) return top.tenant;
      this.#swap(at, least);
      at = least;
    }
  }

  #before(i: number, j: number): boolean {
    const [a, b] = [this.#entries[i]!, this.#entries[j]!];
    return a.share < b.share || (a.share === b.share && a.first < b.first);
  }
  #swap(i: number, j: number): void {
    [this.#entries[i], this.#entries[j]] = [this.#entries[j]!, this.#entries[i]!];
  }
}
