/** Public face of @coracle/apiserver: the Kubernetes API over HTTPS and in-process. */
export * from './contracts.ts';
export { builtinAdmission, type AdmissionDeps } from './admission/index.ts';
export * from './auth/index.ts';
export type { BootstrapOptions } from './bootstrap.ts';
export type { Limits, Logger, Timers, VersionInfo } from './context.ts';
export { printerFor } from './printers/index.ts';
export { type ApiServer, type ApiServerOptions, createApiServer } from './server.ts';
export { createLookup } from './storage/lookup.ts';
export { strategyFor } from './strategy/index.ts';
export type { Listening, ListenOptions } from './transport/https.ts';
