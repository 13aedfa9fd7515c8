/** Public face of @coracle/client: the Kubernetes client. */
export * from './client.ts';
export { createClient, patchContentTypes } from './create-client.ts';
export { inProcessTransport } from './in-process.ts';
export { paginate } from './paginate.ts';
export { groupVersionPath, resourcePath } from './paths.ts';
export { responseBytes, responseText, responseValue } from './response.ts';
export { retryOnConflict } from './retry.ts';
