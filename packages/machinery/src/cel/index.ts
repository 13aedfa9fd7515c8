/** Public face of @coracle/machinery/cel: the Common Expression Language with Kubernetes' libraries. */
export { compileAdmissionCondition } from './admission-conditions.ts';
export { type AccessQuestion, Authorizer, type Decide } from './library/authorizer.ts';
export { compileDeviceSelector, type DeviceSelector, type SelectableDevice } from './device-selector.ts';
export { declare } from './declare.ts';
export { type Environment, environment, withVariables } from './environment.ts';
export { definitionRuleProblems } from './definition-rules.ts';
export { schemaView } from './schema-values.ts';
export { hasRules, ruleErrors } from './schema-rules.ts';
export { CelError } from './errors.ts';
export { type CelIssue, formatIssues } from './issues.ts';
export { kubernetesLibraries } from './library/index.ts';
export { type CelCompilation, type CelProgram, compileCel } from './program.ts';
export { showType, type Type, types } from './types.ts';
export * from './values.ts';
