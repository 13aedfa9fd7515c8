/** Public face of @coracle/controllers: Job, garbage collection, namespaces, service accounts, endpoints. */
export { type ControllerOptions, controllers } from './controllers.ts';
export { type ComponentDeps, type ControllerDeps, depsFor } from './deps.ts';
export { type JobControllerOptions, jobController } from './job/job-controller.ts';
export { ttlAfterFinishedController } from './ttl/ttl-after-finished.ts';
