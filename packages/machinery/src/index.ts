/** Public face of @coracle/machinery. The built-in kinds' types and constants are in `@coracle/machinery/api`. */
export * from './kind.ts';
export * from './kubelet.ts';
export * from './object.ts';
export * from './resource-type.ts';
export * from './status.ts';
export * from './wire.ts';
