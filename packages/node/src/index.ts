/** Public face of @coracle/node: the node agent and its runtimes. */
export * from './runtime.ts';
export { createNodeAgent, type NodeAgent, type NodeAgentOptions } from './agent/node-agent.ts';
export {
  createDeviceManager,
  type DeviceManager,
  type DeviceManagerOptions,
  gpuAnnotation,
  gpuResource,
} from './devices/device-manager.ts';
export { discoverGpus, fakeGpus, type FakeGpuOptions, type Gpu } from './devices/gpus.ts';
export { declaredTopologies, type DeclaredTopology } from './devices/links.ts';
export {
  processRuntime,
  type ProcessRuntime,
  type ProcessRuntimeOptions,
} from './process/process-runtime.ts';
export { defaultStages, stageAnnotations, type Stages, stagesOf } from './virtual/stages.ts';
export {
  type VirtualNodes,
  virtualNodes,
  type VirtualNodesOptions,
  virtualTaint,
} from './virtual/virtual-nodes.ts';
export { virtualRuntime, type VirtualRuntimeOptions } from './virtual/virtual-runtime.ts';
