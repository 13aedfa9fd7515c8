/** What tests of cards use together. */
export { createDeviceManager, fakeGpus } from '../src/index.ts';
export { parseGpus } from '../src/devices/gpus.ts';
