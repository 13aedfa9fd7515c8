/** Configuration files of kube-scheduler: read, check, and turn into profiles. */
export {
  configurationVersion,
  parseConfiguration,
  readConfiguration,
  type ClientConnectionConfiguration,
  type KubeSchedulerConfiguration,
  type LeaderElectionConfiguration,
  type SchedulerProfileConfiguration,
} from './configuration.ts';
export { profilesFrom, type SchedulerSettings } from './profiles.ts';
export { defaultRegistry, type PluginDefinition, type PluginRegistry } from './registry.ts';
export type { ExtensionPoint } from './schema.ts';
