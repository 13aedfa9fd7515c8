import type { OrderingPolicy } from '../ordering/policy.ts';
import { orderingPolicies, orderingPolicy } from '../ordering/policies.ts';
import { didYouMean } from './nearest.ts';
import { ScenarioError } from './scenario-error.ts';

/** The ordering policy of a name. Throws ScenarioError if there is none. */
export function orderingOf(name: string): OrderingPolicy {
  const policy = orderingPolicy(name);
  if (policy) return policy;
  const names = orderingPolicies.map((one) => one.name);
  throw new ScenarioError(
    `there is no ordering "${name}": there are ${names.join(', ')}${didYouMean(name, names)}`,
  );
}
