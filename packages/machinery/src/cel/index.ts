/** Public face of @coracle/machinery/cel: the Common Expression Language with Kubernetes' libraries. */
export { compileDeviceSelector, type DeviceSelector, type SelectableDevice } from './device-selector.ts';
export { CelError } from './errors.ts';
