export { lotsOf } from './random.ts';
export { simulate, Simulation } from './simulation.ts';
