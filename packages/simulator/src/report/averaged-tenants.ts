/** Tenants of a candidate over its seeds. */
import type { Candidate } from './report.ts';
import { estimate } from './statistics.ts';
import type { TenantSummary } from './tenants.ts';

const numbers = ['jobs', 'ended', 'meanWaitMs', 'p95WaitMs', 'meanSlowdown', 'hours', 'finishTime'] as const;

/** Means over the seeds in which a tenant has jobs; those with most work first. */
export function averagedTenants({ runs }: Candidate): TenantSummary[] {
  const byName = new Map<string, TenantSummary[]>();
  for (const { tenants } of runs) {
    for (const tenant of tenants) {
      const same = byName.get(tenant.name);
      if (same) same.push(tenant);
      else byName.set(tenant.name, [tenant]);
    }
  }
  return [...byName]
    .map(([name, same]): TenantSummary => ({
      name,
      ...(Object.fromEntries(
        numbers.map((key) => [key, estimate(same.map((tenant) => tenant[key])).mean]),
      ) as Record<(typeof numbers)[number], number>),
    }))
    .sort((a, b) => b.hours - a.hours || b.jobs - a.jobs);
}
