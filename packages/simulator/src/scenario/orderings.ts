/** Ordering policies by name. */
import type { OrderingPolicy } from '../ordering/policy.ts';
import { didYouMean } from './nearest.ts';
import { ScenarioError } from './scenario-error.ts';

const fifo: OrderingPolicy = {
  name: 'fifo',
  mode: 'keep',
  backfill: 'none',
  skip: false,
  fixed: true,
  rank: ({ index }) => index,
};

/** Throws ScenarioError. */
export function orderingOf(name: string): OrderingPolicy {
  if (name.toLowerCase() === 'fifo') return fifo;
  throw new ScenarioError(`there is no ordering "${name}": there is fifo${didYouMean(name, ['fifo'])}`);
}
