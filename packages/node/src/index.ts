/** Public face of @coracle/node: the node agent and its runtimes. */
export * from './runtime.ts';
