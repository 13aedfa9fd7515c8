/** Public face of @coracle/training: the JobSet and TrainJob kinds, their definitions, built-in runtimes and controllers. */
export { trainingCrds } from './crds.ts';
export { trainingRuntimes } from './runtimes/built-in.ts';
export { trainingControllers, type TrainingOptions } from './controllers.ts';
export type { ProgressEndpoint } from './progress/contract.ts';
export { progressServer, type ProgressServer, type ProgressServerOptions } from './progress/server.ts';
export type { TrainingDeps } from './deps.ts';
export * from './jobset/types.ts';
export * from './trainjob/types.ts';
export { type JobSetDecision, type JobSetInputs, decideJobSet } from './jobset/decide.ts';
export { jobSetKeys } from './jobset/keys.ts';
export { ancestorStep, frameworkLabel, plainEnvLabel } from './trainjob/keys.ts';
export { type TrainJobDecision, type TrainJobInputs, decideTrainJob } from './trainjob/decide.ts';
