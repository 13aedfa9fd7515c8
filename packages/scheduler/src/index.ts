/** Public face of @coracle/scheduler: the live scheduler, and the pure core it runs. */
export * from './core/index.ts';
export { createScheduler, type Scheduler } from './live/scheduler.ts';
export type { SchedulerConfig, SchedulerDeps } from './live/shared.ts';
