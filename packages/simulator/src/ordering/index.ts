export * from './backfill.ts';
export { HoldingList } from './holding-list.ts';
export * from './policy.ts';
