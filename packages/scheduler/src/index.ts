/** Public face of @coracle/scheduler: the live scheduler, and the pure core it runs. */
export * from './core/index.ts';
export {
  createScheduler,
  type Scheduler,
  type SchedulerConfig,
  type SchedulerDeps,
} from './live/scheduler.ts';
