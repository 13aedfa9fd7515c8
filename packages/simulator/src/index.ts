/** Clusters in virtual time, decided by the same scheduler core that the live cluster uses. */
export * from './engine/index.ts';
export * from './experiments/index.ts';
export * from './model/cluster.ts';
export * from './inputs/index.ts';
export * from './model/job.ts';
export * from './model/result.ts';
export * from './model/run.ts';
export * from './ordering/index.ts';
export * from './recording/index.ts';
export * from './report/index.ts';
export * from './scenario/index.ts';
export * from './sweep/index.ts';
