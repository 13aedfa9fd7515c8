/** Public face of @coracle/client: the Kubernetes client. */
export * from './client.ts';
