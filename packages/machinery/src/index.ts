/** Public face of @coracle/machinery. The built-in kinds' types and constants are in `@coracle/machinery/api`. */
export { kindFromCrd } from './crd/kinds.ts';
export { crdProblems } from './crd/problems.ts';
export { structuralProblems } from './crd/structural.ts';
export * from './equality.ts';
export * from './fields.ts';
export { Heap } from './heap.ts';
export { seededRandom } from './seeded-random.ts';
export * from './json.ts';
export { compileJsonPath, compileJsonPathTemplate, renderJsonPath } from './jsonpath/jsonpath.ts';
export { answersDeletedObject } from './deleted-object.ts';
export * from './kind.ts';
export * from './kubelet.ts';
export * from './labels.ts';
export * from './names.ts';
export * from './object.ts';
export * from './object-meta.ts';
export { applyJsonPatch, type JsonPatchOperation } from './patch/json-patch.ts';
export { applyMergePatch, createJsonMergePatch, createThreeWayMergePatch } from './patch/merge-patch.ts';
export { applyStrategicMergePatch } from './patch/strategic.ts';
export { createStrategicPatch, createThreeWayStrategicPatch } from './patch/strategic-diff.ts';
export * from './quantity.ts';
export * from './registry.ts';
export * from './resource-type.ts';
export { decodesCleanly } from './schema/decodes.ts';
export { applyDefaults } from './schema/defaults.ts';
export { prune, unknownFields } from './schema/prune.ts';
export {
  definitionName,
  openApiDefinitions,
  type OpenApiForm,
  type OpenApiSchema,
} from './openapi/definitions.ts';
export { type OpenApiInfo, openApiV2, openApiV3 } from './openapi/documents.ts';
export { typeErrors, type TypeProblem } from './schema/types.ts';
export { goRegex } from './schema/problems.ts';
export { validate } from './schema/validate.ts';
export * from './status.ts';
export * from './time.ts';
export * from './version.ts';
export * from './wire.ts';
export { decodeProtobuf, isProtobuf, ProtobufError } from './protobuf.ts';
export { addAmounts, type Amounts, podAmounts } from './pod-amounts.ts';
export * from './volume-claims.ts';
export * from './cards/names.ts';
export * from './cards/parts.ts';
export {
  type CardTopology,
  chooseCards,
  pairScore,
  readTopology,
  setScore,
  topologyOf,
  type TopologyText,
} from './cards/topology.ts';
