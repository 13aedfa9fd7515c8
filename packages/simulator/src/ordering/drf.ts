/**
 * Dominant resource fairness (Ghodsi et al., NSDI 2011): the tenant goes next whose largest share of any resource is smallest. The
 * waiting jobs are put in the order in which progressive filling would start them if all fitted.
 */
import { Heap } from '@coracle/machinery';
import type { ActiveJob, OrderingContext, OrderingPolicy } from './policy.ts';

interface Tenant {
  readonly jobs: ActiveJob[];
  next: number;
  gpuMilli: number;
  cpuMilli: number;
}

interface Entry {
  readonly share: number;
  readonly first: number;
  readonly tenant: Tenant;
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
  // Tenants by share, then by their next job's submission.
  const heap = new Heap<Entry>((a, b) => a.share < b.share || (a.share === b.share && a.first < b.first));
  const push = (tenant: Tenant): void =>
    heap.push({ share: shareOf(tenant, context), first: tenant.jobs[tenant.next]!.index, tenant });
  for (const tenant of tenants.values()) if (tenant.jobs.length > 0) push(tenant);
  for (let rank = 0; ; rank++) {
    const tenant = heap.pop()?.tenant;
    if (!tenant) return ranks;
    const job = tenant.jobs[tenant.next++]!;
    ranks[places.get(job.index)!] = rank;
    tenant.gpuMilli += job.gpuMilli;
    tenant.cpuMilli += job.cpuMilli;
    if (tenant.next < tenant.jobs.length) push(tenant);
  }
}

function shareOf(
  { gpuMilli, cpuMilli }: { readonly gpuMilli: number; readonly cpuMilli: number },
  { gpuMilliUp, cpuMilliUp }: OrderingContext,
): number {
  return Math.max(gpuMilliUp > 0 ? gpuMilli / gpuMilliUp : 0, cpuMilliUp > 0 ? cpuMilli / cpuMilliUp : 0);
}
