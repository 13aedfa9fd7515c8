/** Public face of @coracle/node: the node agent and its runtimes. */
export * from './runtime.ts';
export {
  processRuntime,
  type ProcessRuntime,
  type ProcessRuntimeOptions,
} from './process/process-runtime.ts';
