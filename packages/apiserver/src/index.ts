/** Public face of @coracle/apiserver: the Kubernetes API over HTTPS and in-process. */
export * from './contracts.ts';
