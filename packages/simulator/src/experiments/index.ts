export {
  muriPolicies,
  muriSpec,
  runMuri,
  meanCompletion,
  type MuriPolicy,
  type MuriTrace,
} from './muri/experiment.ts';
export { muriTraces, readMuriTrace } from './muri/files.ts';
export { runMuriExperiment, type MuriCell, type MuriExperimentOptions } from './muri/run.ts';
export { muriCsv, muriText } from './muri/text.ts';
export {
  openbPolicies,
  openbSpec,
  openbTrace,
  runOpenb,
  type OpenbOptions,
  type OpenbOutcome,
  type OpenbTrace,
} from './openb/experiment.ts';
export { openbCells, openbWorkloads, readOpenbTrace } from './openb/files.ts';
export type { OpenbCell, OpenbMetric } from './openb/published.ts';
export {
  runOpenbExperiment,
  type ComparedCell,
  type OpenbExperiment,
  type OpenbExperimentOptions,
  type OpenbRun,
} from './openb/run.ts';
export { openbCsv, openbText } from './openb/text.ts';
