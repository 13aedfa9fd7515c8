/** What each built-in kind does beyond its schema. */
import type { Strategy } from '../contracts.ts';

const none: Strategy = {};
const strategies = new Map<string, Strategy>();

/** The strategy of a built-in resource; empty for those whose schema says it all. The same value at every call. */
export function strategyFor(group: string, resource: string): Strategy {
  return strategies.get(group === '' ? resource : `${resource}.${group}`) ?? none;
}
