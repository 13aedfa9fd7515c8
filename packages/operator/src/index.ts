/** Public face of @coracle/operator: informers, work queues, controllers, leader election, events. */
export * from './contracts.ts';
