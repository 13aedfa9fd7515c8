/** Public face of @coracle/operator: informers, work queues, controllers, leader election, events. */
export * from './contracts.ts';
export { manualClock, type ManualClock, sleep, systemClock } from './clock.ts';
export { type Controller, type ControllerDeps, createController } from './controller.ts';
export {
  createEventRecorder,
  type EventRecorderDeps,
  type FlushableEventRecorder,
} from './event-recorder.ts';
export { createExpectations, type Expectations } from './expectations.ts';
export { Fifo } from './fifo.ts';
export { createInformerFactory, type InformerFactoryDeps } from './informer-factory.ts';
export { createLeaderElector, type LeaderElector, type LeaderElectorOptions } from './leader-election.ts';
export { createLogger, type LoggerOptions, type LogLevel, silentLogger } from './logger.ts';
export { createSpareTime, type SpareTime, type SpareTimeDeps } from './spare-time.ts';
export { createTurns } from './turns.ts';
export { createWorkQueue, type WorkerQueue, type WorkQueueOptions } from './work-queue.ts';
export { createOrUpdate, find, patchStatus } from './writes.ts';
