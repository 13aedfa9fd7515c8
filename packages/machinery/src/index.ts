/** Public face of @coracle/machinery. The built-in kinds' types and constants are in `@coracle/machinery/api`. */
export * from './equality.ts';
export * from './fields.ts';
export * from './kind.ts';
export * from './kubelet.ts';
export * from './labels.ts';
export * from './names.ts';
export * from './object.ts';
export * from './quantity.ts';
export * from './registry.ts';
export * from './resource-type.ts';
export * from './status.ts';
export * from './time.ts';
export * from './version.ts';
export * from './wire.ts';
