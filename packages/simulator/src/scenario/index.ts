/** Scenarios: what is to be simulated, from files and flags. */
export { scenarioFromFlags, type ScenarioFlags } from './from-flags.ts';
export { scenarioJsonSchema } from './json-schema.ts';
export { scenarioVersion } from './schema.ts';
export { fileMapping, isShortMapping, shortMapping } from './mapping-text.ts';
export { remarksOf } from './remarks.ts';
export { metrics as goalMetrics } from './metrics.ts';
export { orderingOf } from './orderings.ts';
export { placementOf, placements, type Placement } from './placements.ts';
export { planOf, type Plan, type RunPlan } from './plan.ts';
export { relativeTo } from './paths.ts';
export { readScenario } from './read.ts';
export { specOf, type Sources } from './run-spec.ts';
export { createSources } from './sources.ts';
export { ScenarioError } from './scenario-error.ts';
export { cards as cardTable, nodeOfPool, poolOf, shapeOf, type Shape } from './shapes.ts';
export type { Changes, Scenario, ScenarioSpec, Variant } from './types.ts';
