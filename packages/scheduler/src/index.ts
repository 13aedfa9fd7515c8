/** Public face of @coracle/scheduler: the live scheduler, and the pure core it runs. */
export * from './core/index.ts';
export {
  nothingOfThatName,
  queryOf,
  reviewProblems,
  SchedulingReview,
  schedulingReviewKind,
  type SchedulingReviewSpec,
} from './review.ts';
export { podGroupCrds } from './crds.ts';
export {
  createElectedScheduler,
  type ElectedScheduler,
  type ElectedSchedulerOptions,
  type ElectionOptions,
} from './live/elected-scheduler.ts';
export type { ExplainAnswer, ExplainQuery } from './live/explain.ts';
export { fenced, type Fence } from './live/fence.ts';
export { createScheduler, type Scheduler } from './live/scheduler.ts';
export { SchedulerMetrics, type SchedulerMetricsOptions, type SchedulerState } from './live/metrics.ts';
export type { SchedulerConfig, SchedulerDeps } from './live/shared.ts';
