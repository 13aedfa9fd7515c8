/** Public face of @coracle/scheduler: the live scheduler, and the pure core it runs. */
export * from './core/index.ts';
