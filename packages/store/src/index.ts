export * from './store.ts';
export { openStore, memoryStore, type StoreOptions, type MemoryStoreOptions } from './open.ts';
export { StoreLockedError, StoreCorruptError, StoreFormatError } from './errors.ts';
export { lockHolder } from './lock.ts';
export { compareKeys } from './order.ts';
export type { AutoCompact } from './auto-compact.ts';
export type { StoreClock } from './timing.ts';
