/** Ordering policies by name. */
import { drf } from '../ordering/drf.ts';
import type { OrderingPolicy } from '../ordering/policy.ts';
import { conservative, easy, fifo, fifoSkip, priority, sjf } from '../ordering/queue-policies.ts';
import { srsf, srtf } from '../ordering/remaining-time.ts';
import { themis } from '../ordering/themis.ts';
import { tiresias } from '../ordering/tiresias.ts';
import { didYouMean } from './nearest.ts';
import { ScenarioError } from './scenario-error.ts';

const known: Readonly<Record<string, { about: string; make: () => OrderingPolicy }>> = {
  fifo: {
    about: 'in the order of submission; the first that does not fit holds up the others',
    make: () => fifo,
  },
  'fifo-skip': { about: 'the same, but who does not fit is passed over', make: () => fifoSkip },
  priority: { about: 'highest priority first', make: () => priority },
  sjf: { about: 'shortest job first', make: () => sjf },
  easy: {
    about: 'fifo with EASY backfill: later jobs go ahead if they do not delay the first',
    make: () => easy,
  },
  conservative: {
    about: 'fifo with conservative backfill: later jobs go ahead if they delay nobody',
    make: () => conservative,
  },
  srtf: { about: 'shortest remaining time first; running jobs are interrupted', make: () => srtf },
  srsf: { about: 'least remaining time times cards first; running jobs are interrupted', make: () => srsf },
  tiresias: {
    about: 'least service so far first, in queues (2D-LAS); knows no durations',
    make: () => tiresias(),
  },
  themis: { about: 'who is furthest from their fair finish first, for a lease', make: () => themis() },
  drf: { about: 'the tenant with the smallest dominant share first', make: () => drf },
};

/** Names and meanings, for help and completion. */
export const orderingNames: readonly { readonly name: string; readonly about: string }[] = Object.entries(
  known,
).map(([name, { about }]) => ({ name, about }));

/** Throws ScenarioError if there is none of that name. */
export function orderingOf(name: string): OrderingPolicy {
  const key = name.toLowerCase();
  if (Object.hasOwn(known, key)) return known[key]!.make();
  const names = Object.keys(known);
  throw new ScenarioError(
    `there is no ordering "${name}": there are ${names.join(', ')}${didYouMean(name, names)}`,
  );
}
