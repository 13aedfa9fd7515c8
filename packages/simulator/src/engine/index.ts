export { simulate, Simulation } from './simulation.ts';
