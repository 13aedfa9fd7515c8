/** Public face of @coracle/operator: informers, work queues, controllers, leader election, events. */
export * from './contracts.ts';
export { manualClock, type ManualClock, sleep, systemClock } from './clock.ts';
export { type Controller, type ControllerDeps, createController } from './controller.ts';
export { createInformerFactory, type InformerFactoryDeps } from './informer-factory.ts';
export { createLogger, type LoggerOptions, type LogLevel, silentLogger } from './logger.ts';
export { createWorkQueue, type WorkerQueue, type WorkQueueOptions } from './work-queue.ts';
