/** Public face of @coracle/client: the Kubernetes client. */
export * from './client.ts';
export { createClient, patchContentTypes } from './create-client.ts';
export { httpsTransport, type HttpsTransportOptions, type Impersonation } from './https.ts';
export { inProcessTransport } from './in-process.ts';
export * from './kubeconfig.ts';
export { changeKubeconfig, writeKubeconfig } from './kubeconfig-file.ts';
export { transportFromKubeconfig } from './kubeconfig-transport.ts';
export { paginate } from './paginate.ts';
export { groupVersionPath, resourcePath } from './paths.ts';
export { readWatch } from './read-watch.ts';
export { responseBytes, responseText, responseValue } from './response.ts';
export { retryOnConflict } from './retry.ts';
