export * from './backfill.ts';
export { HoldingList } from './holding-list.ts';
export { orderingPolicies, orderingPolicy, type NamedOrdering } from './policies.ts';
export * from './policy.ts';
export { themis, type ThemisOptions } from './themis.ts';
export { tiresias, type TiresiasOptions } from './tiresias.ts';
