/** The pure core: no input or output, no clock, no randomness of its own. The live scheduler and the simulator share it. */
export { dominantReason, fitErrorMessage, histogram, type Diagnosis } from './diagnosis.ts';
export type { Unplaced } from './evaluation.ts';
export {
  createFramework,
  Framework,
  type Decision,
  type FrameworkOptions,
  type Placed,
  type PlacementOptions,
  type Probe,
} from './framework.ts';
export {
  dominantMember,
  finish,
  placeGang,
  placingGang,
  type Gang,
  type GangDecision,
  type GangMember,
  type GangTasks,
  type UnplacedMember,
} from './gang.ts';
export {
  domainsOf,
  levelsOf,
  shapesOf,
  type Domain,
  type GangTopology,
  type Shape,
} from './gang-topology.ts';
export {
  findGangPreemption,
  findingGangPreemption,
  victimsLeaving,
  type GangPreemptionOptions,
  type GangVictims,
} from './gang-preemption.ts';
export type { VictimGroup, VictimOptions } from './gang-victims.ts';
export { Hints } from './hints.ts';
export { Nominations } from './nominations.ts';
export type {
  FilterPlugin,
  Gate,
  GatePlugin,
  Plugin,
  PreparedFilter,
  PreparedScore,
  Profile,
  Repair,
  RepairPlugin,
  ScorePlugin,
} from './plugin.ts';
export { claimGateKey, dynamicResources } from './plugins/dynamic-resources.ts';
export { DraState } from './dra/dra-state.ts';
export {
  CannotReserve,
  noReservations,
  releaseAll,
  type Reservation,
  type ReservationIo,
  type ReservePlugin,
  type Taker,
} from './reservation.ts';
export { maxNodeScore, normalizeToMax } from './plugin.ts';
export { PodReader, type HostPort, type PodInfo, type PodInfoOptions } from './pod-info.ts';
export { findPreemption, type Preemption, type PreemptionOptions, type Victims } from './preemption.ts';
export { defaultProfile, type DefaultProfileArgs } from './profile.ts';
export {
  createQueue,
  SchedulingQueue,
  type QueueCounts,
  type QueueOptions,
  type StoodUnit,
  type Unit,
  type UnitState,
} from './queue.ts';
export {
  amounts,
  givenAsAsked,
  nonZeroRequests,
  podRequests,
  type Amounts,
  type PodRequestOptions,
} from './resources.ts';
export {
  Fragmentation,
  popularShapes,
  type RequestShape,
  type WeightedShape,
} from './cards/fragmentation.ts';
export { gpuPolicies, gpuProfile, type GpuPolicy, type GpuProfileArgs } from './gpu-profiles.ts';
export { scheduleOne } from './schedule-one.ts';
export type { ResourceWeight, ScoringStrategy, ShapePoint } from './plugins/resource-scores.ts';
export { RowSet } from './row-set.ts';
export { createSnapshot, Snapshot, type PlacedPod } from './snapshot.ts';
export { firstUntolerated, tolerates } from './taints.ts';
export { Trial } from './trial.ts';
export * from './config/index.ts';
export * from './explain/index.ts';
