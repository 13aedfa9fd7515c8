/** Ordering policies by name. */
import { drf } from './drf.ts';
import type { OrderingPolicy } from './policy.ts';
import { conservative, easy, fifo, fifoSkip, kubeScheduler, priority, sjf } from './queue-policies.ts';
import { srsf, srtf } from './remaining-time.ts';
import { themis } from './themis.ts';
import { tiresias } from './tiresias.ts';

export interface NamedOrdering {
  readonly name: string;
  /** One line for help and completion. */
  readonly about: string;
  /** Where it is from. */
  readonly source: string;
  readonly policy: OrderingPolicy;
}

function named(policy: OrderingPolicy, about: string, source: string): NamedOrdering {
  return { name: policy.name, about, source, policy };
}

export const orderingPolicies: readonly NamedOrdering[] = [
  named(
    fifo,
    'first come, first served; the first that does not fit holds up the others',
    'Kueue, StrictFIFO',
  ),
  named(fifoSkip, 'first come, first served; what does not fit is passed over', 'Kueue, BestEffortFIFO'),
  named(priority, 'higher priority first; what does not fit is passed over', 'kube-scheduler, PrioritySort'),
  named(
    kubeScheduler,
    'the queue of live clusters: as priority, but what did not fit backs off before it is tried again',
    'kube-scheduler, SchedulingQueue',
  ),
  named(sjf, 'shortest estimated run time first; nobody is interrupted', 'shortest job first'),
  named(srtf, 'shortest remaining time first; longer jobs are interrupted', 'shortest remaining time first'),
  named(
    srsf,
    'shortest remaining time x cards first; larger jobs are interrupted',
    'Gu et al., Tiresias, NSDI 2019',
  ),
  named(
    tiresias(),
    'least attained time x cards first, in three queues; run times need not be known',
    'Gu et al., Tiresias, NSDI 2019',
  ),
  named(
    themis(),
    'who is furthest behind an equal share goes first; cards are given for 20 minutes',
    'Mahajan et al., Themis, NSDI 2020',
  ),
  named(drf, 'the tenant with the smallest dominant share goes next', 'Ghodsi et al., NSDI 2011'),
  named(
    easy,
    'first come, first served; others go past the first that waits if it does not start later for it',
    'Lifka, EASY backfill, 1995',
  ),
  named(
    conservative,
    'the same, and nobody that waits starts later for it',
    "Mu'alem and Feitelson, conservative backfill, TPDS 2001",
  ),
];

/** Undefined: there is none of that name. */
export function orderingPolicy(name: string): OrderingPolicy | undefined {
  const key = name.toLowerCase();
  return orderingPolicies.find((ordering) => ordering.name === key)?.policy;
}
